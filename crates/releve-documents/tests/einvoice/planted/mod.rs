//! Which errors do we plant? Each breaks one rule of a valid document, so that whoever checks has to name it.

mod amounts;
mod france;
mod vat;

use releve_documents::einvoice::{BaseQuantity, EInvoice, Span};
use rust_decimal::Decimal;

use crate::fixtures::{self, day, id, totalled};

/// A valid document, and what is done to it.
pub struct Planted {
    pub rule: &'static str,
    pub what: &'static str,
    pub invoice: EInvoice,
}

fn plant(rule: &'static str, what: &'static str, of: fn() -> EInvoice, spoil: impl Fn(&mut EInvoice)) -> Planted {
    let mut invoice = of();
    spoil(&mut invoice);
    Planted { rule, what, invoice }
}

const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
const TENTH_OF_A_CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

/// Errors that the official validators refuse as well.
pub fn all() -> Vec<Planted> {
    let mut all = terms();
    all.extend(codes());
    all.extend(amounts::decimals());
    all.extend(amounts::sums());
    all.extend(vat::vat());
    all.extend(vat::zero_rated());
    all.extend(vat::families());
    all.extend(france::france());
    all.extend(france::france_parties());
    all
}

fn terms() -> Vec<Planted> {
    use fixtures::{correction, domestic, exempt_and_zero as plain, intra_community, two_rates};
    vec![
        plant("BR-02", "no number", plain, |i| i.number.clear()),
        plant("BR-06", "seller without a name", plain, |i| i.seller.party.name.clear()),
        plant("BR-07", "buyer without a name", plain, |i| i.buyer.name.clear()),
        plant("BR-09", "seller without a country", plain, |i| i.seller.party.address.country.clear()),
        plant("BR-11", "buyer without a country", plain, |i| i.buyer.address.country.clear()),
        plant("BR-16", "no lines", domestic, |i| i.lines.clear()),
        plant("BR-21", "a line without an id", plain, |i| i.lines[0].id.clear()),
        plant("BR-25", "an item without a name", plain, |i| i.lines[0].name.clear()),
        plant("BR-27", "a negative price", plain, |i| {
            let line = &mut i.lines[0];
            (line.price, line.quantity) = (-line.price, -line.quantity);
        }),
        plant("BR-29", "a period that ends before it begins", domestic, |i| {
            i.period = Some(Span { first: day("2026-09-02"), last: day("2026-09-01") });
        }),
        plant("BR-30", "a line's period that ends before it begins", domestic, |i| {
            i.lines[0].period = Some(Span { first: day("2026-09-02"), last: day("2026-09-01") });
        }),
        plant("BR-33", "an allowance without a reason", two_rates, |i| i.allowances[0].reason.clear()),
        plant("BR-CO-21", "another allowance without a reason", two_rates, |i| i.allowances[1].reason.clear()),
        plant("BR-38", "a charge without a reason", two_rates, |i| i.charges[0].reason.clear()),
        plant("BR-CO-22", "a charge with an empty reason", two_rates, |i| i.charges[0].reason.clear()),
        plant("BR-42", "a line's allowance without a reason", two_rates, |i| i.lines[2].allowances[0].reason.clear()),
        plant("BR-CO-23", "the same, by its other id", two_rates, |i| i.lines[2].allowances[0].reason.clear()),
        plant("BR-44", "a line's charge without a reason", two_rates, |i| i.lines[2].charges[0].reason.clear()),
        plant("BR-CO-24", "the same, by its other id", two_rates, |i| i.lines[2].charges[0].reason.clear()),
        plant("BR-50", "an account without a number", domestic, |i| {
            i.payment.iter_mut().for_each(|p| p.accounts[0].iban.clear());
        }),
        plant("BR-55", "a preceding invoice without a number", correction, |i| i.preceding[0].number.clear()),
        plant("BR-57", "delivered to no country", intra_community, |i| {
            i.delivery.iter_mut().flat_map(|d| d.address.as_mut()).for_each(|a| a.country.clear());
        }),
        plant("BR-61", "a transfer to no account", domestic, |i| i.payment.iter_mut().for_each(|p| p.accounts.clear())),
        plant("BR-62", "seller's address of no scheme", plain, |i| {
            i.seller.party.endpoint.iter_mut().for_each(|e| e.scheme = None);
        }),
        plant("BR-63", "buyer's address of no scheme", plain, |i| {
            i.buyer.endpoint.iter_mut().for_each(|e| e.scheme = None);
        }),
        plant("BR-CO-09", "a VAT number without its prefix", plain, |i| {
            i.seller.party.vat_id = Some("32123456782".to_owned());
        }),
        plant("BR-CO-18", "no VAT breakdown", plain, |i| i.vat.clear()),
        plant("UBL-SR-16", "a buyer with two identifiers", plain, |i| {
            i.buyer.ids = vec![id("0088", "4012345000009"), id("0009", "98765432400010")];
        }),
        plant("BR-CO-26", "a seller without any identifier", plain, |i| {
            let party = &mut i.seller.party;
            (party.vat_id, party.legal_id) = (None, None);
            party.ids.clear();
            i.seller.tax_registration = Some("38/123".to_owned());
        }),
    ]
}

fn codes() -> Vec<Planted> {
    use fixtures::{exempt_and_zero as plain, reverse_charge};
    vec![
        plant("BR-CL-10", "an identifier of an unknown scheme", plain, |i| {
            i.seller.party.ids = vec![id("9999", "1")];
        }),
        plant("BR-CL-11", "a registration of an unknown scheme", plain, |i| {
            i.seller.party.legal_id = Some(id("0181", "1"));
        }),
        plant("BR-CL-14", "a country that there is not", plain, |i| i.buyer.address.country = "UK".to_owned()),
        plant("BR-CL-22", "an exemption of no list", reverse_charge, |i| {
            i.vat[0].reason_code = Some("VATEX-EU-NO".to_owned());
        }),
        plant("BR-CL-25", "an address of an unknown scheme", plain, |i| {
            i.buyer.endpoint = Some(id("0001", "12345678200010"));
        }),
    ]
}

/// Errors that the official validators accept, by a tolerance or for want of a rule, and that we refuse.
pub fn stricter() -> Vec<Planted> {
    use fixtures::{credit_note, domestic, exempt_and_zero as plain, out_of_scope};
    vec![
        plant("BR-CO-17", "a cent more of VAT", domestic, |i| {
            i.vat[0].tax += CENT;
            i.totals.vat += CENT;
            i.totals.gross += CENT;
            i.totals.due += CENT;
        }),
        plant("BR-54", "an attribute without a name", plain, |i| i.lines[0].attributes[0].name.clear()),
        plant("PEPPOL-EN16931-R120", "a line a cent off", domestic, |i| {
            i.lines[0].net += CENT;
            *i = totalled(i.clone());
        }),
        plant("PEPPOL-EN16931-R121", "a price for nothing", domestic, |i| {
            i.lines[0].base_quantity = BaseQuantity::Of(Decimal::ZERO);
        }),
        plant("RELEVE-01", "a credit note that asks for money", credit_note, |i| {
            i.lines[0].quantity = -i.lines[0].quantity;
            i.lines[0].net = -i.lines[0].net;
            *i = totalled(i.clone());
        }),
        plant("RELEVE-02", "a due date that UBL has no place for", credit_note, |i| i.payment = None),
        plant("RELEVE-03", "two lines of one id", plain, |i| i.lines[1].id = "1".to_owned()),
        plant("RELEVE-04", "a rate outside the scope", out_of_scope, |i| i.vat[0].vat.rate = Some(Decimal::ZERO)),
    ]
}
