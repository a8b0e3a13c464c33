//! Is every term there that has to be, and no more? Rules BR-02 to BR-63, BR-CO-09 to BR-CO-26 but for sums, UBL-SR-16.

use super::Findings;
use crate::einvoice::{EInvoice, Line, LineAdjustment, MeansCode, Party, Span, xml::given};

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    found.want(!blank(&invoice.number), "BR-02", "BT-1 number", "give the invoice its number");
    found.want(!invoice.lines.is_empty(), "BR-16", "BG-25 lines", "an invoice has at least one line");
    found.want(!invoice.vat.is_empty(), "BR-CO-18", "BG-23 vat", "break the VAT down, even where none is due");
    seller(invoice, found);
    party(&invoice.buyer, "buyer", ["BT-44", "BT-55", "BT-48", "BT-49"], ["BR-07", "BR-11", "BR-63"], found);
    let one = invoice.buyer.ids.len() <= 1;
    found.want(one, "UBL-SR-16", "BT-46 buyer.ids", "keep one identifier of the buyer: EN 16931 has place for no more");
    if let Some(to) = invoice.delivery.as_ref().and_then(|d| d.address.as_ref()) {
        let field = "BT-80 delivery.address.country";
        found.want(!blank(&to.country), "BR-57", field, "name the country that was delivered to");
    }
    if let Some(period) = invoice.period {
        span(period, "BR-29", "BT-74 period.last", found);
    }
    for (n, preceding) in invoice.preceding.iter().enumerate() {
        let field = format!("BT-25 preceding[{n}].number");
        found.want(!blank(&preceding.number), "BR-55", field, "give the number of the invoice that is referred to");
    }
    payment(invoice, found);
    adjustments(invoice, found);
    for (n, one) in invoice.lines.iter().enumerate() {
        line(n, one, found);
    }
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn seller(invoice: &EInvoice, found: &mut Findings) {
    let seller = &invoice.seller.party;
    party(seller, "seller.party", ["BT-27", "BT-40", "BT-31", "BT-34"], ["BR-06", "BR-09", "BR-62"], found);
    let known = !seller.ids.is_empty() || seller.legal_id.is_some() || given(&seller.vat_id).is_some();
    found.want(known, "BR-CO-26", "BT-29 seller.party.ids", "give the seller an identifier: of a register, or for VAT");
}

/// `terms`: name, country, VAT identifier, electronic address; `rules`: of the name, the country, the address's scheme.
fn party(party: &Party, at: &str, terms: [&str; 4], rules: [&'static str; 3], found: &mut Findings) {
    let ([name, country, vat, endpoint], [of_name, of_country, of_scheme]) = (terms, rules);
    found.want(!blank(&party.name), of_name, format!("{name} {at}.name"), "give the name as it is registered");
    let missing = blank(&party.address.country);
    found.want(!missing, of_country, format!("{country} {at}.address.country"), "give the country's code");
    if let Some(id) = given(&party.vat_id) {
        let prefix: String = id.chars().take(2).collect();
        // Greece writes EL before its VAT numbers, though its country code is GR.
        let known = prefix == "EL" || super::lists::is_country(&prefix);
        let message = format!("'{id}' begins with no country's code: write it with its prefix, as in FR40303265045");
        found.want(known, "BR-CO-09", format!("{vat} {at}.vat_id"), message);
    }
    if let Some(id) = &party.endpoint {
        let field = format!("{endpoint} {at}.endpoint.scheme");
        found.want(given(&id.scheme).is_some(), of_scheme, field, "say which list the electronic address is of (EAS)");
    }
}

fn span(span: Span, rule: &'static str, field: impl Into<String>, found: &mut Findings) {
    let Span { first, last } = span;
    found.want(
        first <= last,
        rule,
        field,
        format!("the period ends on {last}, before it begins on {first}: swap them"),
    );
}

fn payment(invoice: &EInvoice, found: &mut Findings) {
    let Some(payment) = &invoice.payment else { return };
    let transfer = matches!(payment.means, MeansCode::CreditTransfer | MeansCode::SepaCreditTransfer);
    let message = "a credit transfer needs an account to go to";
    found.want(!transfer || !payment.accounts.is_empty(), "BR-61", "BT-84 payment.accounts", message);
    for (n, account) in payment.accounts.iter().enumerate() {
        let field = format!("BT-84 payment.accounts[{n}].iban");
        found.want(!blank(&account.iban), "BR-50", field, "give the account's number");
    }
}

/// BR-33 and BR-CO-21 say the same of an allowance, as do BR-38 and BR-CO-22 of a charge; both are reported, as officially.
fn adjustments(invoice: &EInvoice, found: &mut Findings) {
    for (n, allowance) in invoice.allowances.iter().enumerate() {
        reason(&allowance.reason, ["BR-33", "BR-CO-21"], &format!("BT-97 allowances[{n}].reason"), found);
    }
    for (n, charge) in invoice.charges.iter().enumerate() {
        reason(&charge.reason, ["BR-38", "BR-CO-22"], &format!("BT-104 charges[{n}].reason"), found);
    }
}

fn reason(reason: &str, rules: [&'static str; 2], field: &str, found: &mut Findings) {
    for rule in rules {
        found.want(!blank(reason), rule, field, "say what the allowance or charge is for");
    }
}

fn line(n: usize, line: &Line, found: &mut Findings) {
    found.want(!blank(&line.id), "BR-21", format!("BT-126 lines[{n}].id"), "number the line");
    found.want(!blank(&line.name), "BR-25", format!("BT-153 lines[{n}].name"), "name what the line is for");
    let message = "a price is never negative: take back by a negative quantity, or in a credit note";
    let negative = line.price.is_sign_negative() && !line.price.is_zero();
    found.want(!negative, "BR-27", format!("BT-146 lines[{n}].price"), message);
    if let Some(period) = line.period {
        span(period, "BR-30", format!("BT-135 lines[{n}].period.last"), found);
    }
    let each = |of: &[LineAdjustment], rules, field: &str, found: &mut Findings| {
        for (m, one) in of.iter().enumerate() {
            reason(&one.reason, rules, &field.replace('#', &m.to_string()), found);
        }
    };
    each(&line.allowances, ["BR-42", "BR-CO-23"], &format!("BT-139 lines[{n}].allowances[#].reason"), found);
    each(&line.charges, ["BR-44", "BR-CO-24"], &format!("BT-144 lines[{n}].charges[#].reason"), found);
    for (m, attribute) in line.attributes.iter().enumerate() {
        let whole = !blank(&attribute.name) && !blank(&attribute.value);
        let field = format!("BT-160 lines[{n}].attributes[{m}]");
        found.want(whole, "BR-54", field, "give the attribute a name and a value, or leave it out");
    }
}
