//! Which VAT do we spoil? Each category's rules, by its lines, allowances, charges, parties and breakdown.

use releve_documents::einvoice::{Adjustment, EInvoice, VatCategory};
use rust_decimal::Decimal;

use super::{CENT, Planted, plant};
use crate::fixtures::{self, dec, rate, totalled};

pub(super) fn vat() -> Vec<Planted> {
    use fixtures::{domestic, exempt_and_zero, export, intra_community, out_of_scope, reverse_charge, two_rates};
    vec![
        plant("BR-48", "a breakdown without a rate", export, |i| i.vat[0].vat.rate = None),
        plant("BR-S-01", "lines of S, breakdown of Z", domestic, |i| i.vat[0].vat = rate(VatCategory::Zero, "0")),
        plant("BR-S-02", "S without the seller's VAT number", domestic, |i| i.seller.party.vat_id = None),
        plant("BR-S-03", "the same, of an allowance", two_rates, |i| i.seller.party.vat_id = None),
        plant("BR-S-04", "the same, of a charge", two_rates, |i| i.seller.party.vat_id = None),
        plant("BR-S-05", "S at zero", domestic, |i| i.lines[0].vat = rate(VatCategory::Standard, "0")),
        plant("BR-S-06", "an allowance of S at zero", two_rates, |i| {
            i.allowances[0].vat = rate(VatCategory::Standard, "0");
        }),
        plant("BR-S-07", "a charge of S at zero", two_rates, |i| i.charges[0].vat = rate(VatCategory::Standard, "0")),
        plant("BR-S-08", "two euros more in the base", domestic, |i| i.vat[0].base += dec("2")),
        plant("BR-S-08", "a cent less in the base", domestic, |i| i.vat[0].base -= CENT),
        plant("BR-S-09", "two euros less of VAT", domestic, |i| i.vat[0].tax -= dec("2")),
        plant("BR-S-10", "a reason for what is not exempt", domestic, |i| i.vat[0].reason = Some("none".to_owned())),
        plant("BR-AE-01", "two breakdowns of AE", reverse_charge, |i| {
            let part = i.vat[0].clone();
            i.vat.push(part);
        }),
        plant("BR-AE-02", "reverse charge to nobody", reverse_charge, |i| i.buyer.vat_id = None),
        plant("BR-AE-05", "reverse charge at 20 %", reverse_charge, |i| i.lines[0].vat.rate = Some(dec("20"))),
        plant("BR-AE-08", "a cent more in the base", reverse_charge, |i| i.vat[0].base += CENT),
        plant("BR-AE-09", "tax on reverse charge", reverse_charge, |i| i.vat[0].tax = CENT),
        plant("BR-AE-10", "reverse charge without a reason", reverse_charge, |i| {
            (i.vat[0].reason, i.vat[0].reason_code) = (None, None);
        }),
        plant("BR-IC-02", "K without the buyer's VAT number", intra_community, |i| i.buyer.vat_id = None),
        plant("BR-IC-11", "K without any day", intra_community, |i| {
            i.period = None;
            i.vat_point = None;
            i.delivery.iter_mut().for_each(|d| d.date = None);
        }),
        plant("BR-IC-12", "K delivered nowhere", intra_community, |i| {
            i.delivery.iter_mut().for_each(|d| d.address = None);
        }),
        plant("BR-O-02", "outside the scope, with a VAT number", out_of_scope, |i| {
            i.seller.party.vat_id = Some("FR32123456782".to_owned());
        }),
        plant("BR-O-05", "outside the scope at zero", out_of_scope, |i| i.lines[0].vat.rate = Some(dec("0"))),
        plant("BR-O-11", "two categories, one outside the scope", out_of_scope, |i| {
            i.lines[1].vat = rate(VatCategory::Zero, "0");
            i.seller.tax_registration = Some("38/123".to_owned());
            *i = totalled(i.clone());
        }),
        plant("BR-O-12", "another line", out_of_scope, |i| i.lines[1].vat = rate(VatCategory::Zero, "0")),
        plant("BR-O-13", "another allowance", out_of_scope, |i| {
            i.allowances = exempt_and_zero_allowance();
            *i = totalled(i.clone());
        }),
        plant("BR-O-14", "another charge", out_of_scope, |i| {
            i.charges = exempt_and_zero_allowance();
            *i = totalled(i.clone());
        }),
        plant("BR-E-10", "exempt without a reason", exempt_and_zero, |i| {
            (i.vat[0].reason, i.vat[0].reason_code) = (None, None);
        }),
        plant("BR-Z-10", "a reason for zero", exempt_and_zero, |i| i.vat[1].reason = Some("none".to_owned())),
    ]
}

fn exempt_and_zero_allowance() -> Vec<Adjustment> {
    vec![Adjustment {
        amount: dec("1.00"),
        base: None,
        reason: "Goodwill".to_owned(),
        vat: rate(VatCategory::Zero, "0"),
    }]
}

/// What every category of rate zero has in common, in each of them.
pub(super) fn zero_rated() -> Vec<Planted> {
    use fixtures::{exempt_and_zero, export, intra_community, out_of_scope};
    let exempt = |i: &EInvoice| i.vat.iter().position(|p| p.vat.category == VatCategory::Exempt).unwrap_or(0);
    vec![
        plant("BR-IC-05", "K at 20 %", intra_community, |i| i.lines[0].vat.rate = Some(dec("20"))),
        plant("BR-IC-08", "a cent more in K's base", intra_community, |i| i.vat[0].base += CENT),
        plant("BR-IC-09", "tax on K", intra_community, |i| i.vat[0].tax = CENT),
        plant("BR-IC-10", "K without a reason", intra_community, |i| {
            (i.vat[0].reason, i.vat[0].reason_code) = (None, None);
        }),
        plant("BR-G-02", "G without the seller's VAT number", export, |i| i.seller.party.vat_id = None),
        plant("BR-G-05", "G at 20 %", export, |i| i.lines[0].vat.rate = Some(dec("20"))),
        plant("BR-G-08", "a cent more in G's base", export, |i| i.vat[0].base += CENT),
        plant("BR-G-09", "tax on G", export, |i| i.vat[0].tax = CENT),
        plant("BR-G-10", "G without a reason", export, |i| (i.vat[0].reason, i.vat[0].reason_code) = (None, None)),
        plant("BR-O-08", "a cent more in O's base", out_of_scope, |i| i.vat[0].base += CENT),
        plant("BR-O-09", "tax on O", out_of_scope, |i| i.vat[0].tax = CENT),
        plant("BR-O-10", "O without a reason", out_of_scope, |i| {
            (i.vat[0].reason, i.vat[0].reason_code) = (None, None);
        }),
        plant("BR-E-02", "E without the seller's VAT number", exempt_and_zero, |i| i.seller.party.vat_id = None),
        plant("BR-E-05", "E at 20 %", exempt_and_zero, |i| i.lines[0].vat.rate = Some(dec("20"))),
        plant("BR-E-08", "a cent more in E's base", exempt_and_zero, |i| {
            let n = exempt(i);
            i.vat[n].base += CENT;
        }),
        plant("BR-E-09", "tax on E", exempt_and_zero, |i| i.vat[0].tax = CENT),
        plant("BR-Z-02", "Z without the seller's VAT number", exempt_and_zero, |i| i.seller.party.vat_id = None),
        plant("BR-Z-05", "Z at 20 %", exempt_and_zero, |i| i.lines[1].vat.rate = Some(dec("20"))),
        plant("BR-Z-08", "a cent more in Z's base", exempt_and_zero, |i| i.vat[1].base += CENT),
        plant("BR-Z-09", "tax on Z", exempt_and_zero, |i| i.vat[1].tax = CENT),
    ]
}

/// A valid document of a category; its rules 01, then on parties (03, 04) and rate (06, 07), of an allowance and a charge.
type Family = (fn() -> EInvoice, VatCategory, [&'static str; 5]);

/// An allowance and a charge of each category, with the rate or the parties of another; and a breakdown of nothing.
pub(super) fn families() -> Vec<Planted> {
    use fixtures::{domestic, exempt_and_zero, export, intra_community, out_of_scope, reverse_charge};
    let families: [Family; 7] = [
        (domestic, VatCategory::Standard, ["BR-S-01", "BR-S-03", "BR-S-04", "BR-S-06", "BR-S-07"]),
        (reverse_charge, VatCategory::ReverseCharge, ["BR-AE-01", "BR-AE-03", "BR-AE-04", "BR-AE-06", "BR-AE-07"]),
        (intra_community, VatCategory::IntraCommunity, ["BR-IC-01", "BR-IC-03", "BR-IC-04", "BR-IC-06", "BR-IC-07"]),
        (export, VatCategory::Export, ["BR-G-01", "BR-G-03", "BR-G-04", "BR-G-06", "BR-G-07"]),
        (out_of_scope, VatCategory::OutOfScope, ["BR-O-01", "BR-O-03", "BR-O-04", "BR-O-06", "BR-O-07"]),
        (exempt_and_zero, VatCategory::Exempt, ["BR-E-01", "BR-E-03", "BR-E-04", "BR-E-06", "BR-E-07"]),
        (exempt_and_zero, VatCategory::Zero, ["BR-Z-01", "BR-Z-03", "BR-Z-04", "BR-Z-06", "BR-Z-07"]),
    ];
    let mut all = Vec::new();
    for (valid, category, [broken_down, party_of_allowance, party_of_charge, rate_of_allowance, rate_of_charge]) in
        families
    {
        let wrong = Some(if category == VatCategory::Standard { Decimal::ZERO } else { dec("20") });
        let adjusted = |i: &mut EInvoice, charge: bool| {
            let vat = i.vat.iter().map(|p| p.vat).find(|v| v.category == category).expect("of this category");
            let one = Adjustment { amount: dec("1.00"), base: None, reason: "Goodwill".to_owned(), vat };
            if charge {
                i.charges = vec![one]
            } else {
                i.allowances = vec![one]
            }
            *i = totalled(i.clone());
        };
        let tax_number = |i: &mut EInvoice| {
            let outside = category == VatCategory::OutOfScope;
            i.seller.party.vat_id = outside.then(|| "FR32123456782".to_owned());
        };
        all.push(plant(broken_down, "nothing broken down", valid, |i| i.vat.retain(|p| p.vat.category != category)));
        for (charge, parties, rates) in
            [(false, party_of_allowance, rate_of_allowance), (true, party_of_charge, rate_of_charge)]
        {
            let name = if charge { "a charge" } else { "an allowance" };
            all.push(plant(parties, "the seller's VAT number", valid, |i| {
                adjusted(i, charge);
                tax_number(i);
            }));
            all.push(plant(rates, name, valid, |i| {
                adjusted(i, charge);
                let of = if charge { &mut i.charges } else { &mut i.allowances };
                of[0].vat.rate = wrong;
            }));
        }
    }
    all
}
