//! Does the VAT fit its category? Rules BR-S, BR-AE, BR-IC, BR-G, BR-O, BR-E, BR-Z and BR-48.
//!
//! The families are alike: 01 breakdown there, 02–04 parties (line, allowance, charge), 05–07 rate (likewise), 08 base,
//! 09 tax, 10 reason; BR-IC adds 11 and 12, BR-O adds 11 to 14.

use rust_decimal::Decimal;

use super::{
    Findings,
    totals::{equal, sum, tax},
};
use crate::einvoice::{EInvoice, VatBreakdown, VatCategory, VatRate, xml::given};

/// What has a VAT category of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Allowance,
    Charge,
}

/// One place that says a category.
struct Use {
    kind: Kind,
    vat: VatRate,
    /// What it adds to the category's base.
    amount: Decimal,
    /// Where its category and its rate are.
    category: String,
    rate: String,
}

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    let uses = uses(invoice);
    for category in VatCategory::ALL {
        let ids = ids(category);
        breakdowns(invoice, &uses, category, found);
        parties(invoice, &uses, category, found);
        for one in uses.iter().filter(|u| u.vat.category == category) {
            let [rule, message] = rate_rule(one.kind, category);
            found.want(rate_fits(one.vat), rule, one.rate.as_str(), message);
        }
        for (n, part) in invoice.vat.iter().enumerate().filter(|(_, p)| p.vat.category == category) {
            self::part(invoice, &uses, n, part, ids, found);
        }
    }
    intra_community(invoice, found);
    out_of_scope(invoice, &uses, found);
}

fn uses(invoice: &EInvoice) -> Vec<Use> {
    let lines = invoice.lines.iter().enumerate().map(|(n, l)| Use {
        kind: Kind::Line,
        vat: l.vat,
        amount: l.net,
        category: format!("BT-151 lines[{n}].vat.category"),
        rate: format!("BT-152 lines[{n}].vat.rate"),
    });
    let allowances = invoice.allowances.iter().enumerate().map(|(n, a)| Use {
        kind: Kind::Allowance,
        vat: a.vat,
        amount: -a.amount,
        category: format!("BT-95 allowances[{n}].vat.category"),
        rate: format!("BT-96 allowances[{n}].vat.rate"),
    });
    let charges = invoice.charges.iter().enumerate().map(|(n, c)| Use {
        kind: Kind::Charge,
        vat: c.vat,
        amount: c.amount,
        category: format!("BT-102 charges[{n}].vat.category"),
        rate: format!("BT-103 charges[{n}].vat.rate"),
    });
    lines.chain(allowances).chain(charges).collect()
}

/// A family's rules 01 to 10.
#[rustfmt::skip]
const fn ids(category: VatCategory) -> &'static [&'static str; 10] {
    match category {
        VatCategory::Standard => &["BR-S-01", "BR-S-02", "BR-S-03", "BR-S-04", "BR-S-05", "BR-S-06", "BR-S-07", "BR-S-08", "BR-S-09", "BR-S-10"],
        VatCategory::ReverseCharge => &["BR-AE-01", "BR-AE-02", "BR-AE-03", "BR-AE-04", "BR-AE-05", "BR-AE-06", "BR-AE-07", "BR-AE-08", "BR-AE-09", "BR-AE-10"],
        VatCategory::IntraCommunity => &["BR-IC-01", "BR-IC-02", "BR-IC-03", "BR-IC-04", "BR-IC-05", "BR-IC-06", "BR-IC-07", "BR-IC-08", "BR-IC-09", "BR-IC-10"],
        VatCategory::Export => &["BR-G-01", "BR-G-02", "BR-G-03", "BR-G-04", "BR-G-05", "BR-G-06", "BR-G-07", "BR-G-08", "BR-G-09", "BR-G-10"],
        VatCategory::OutOfScope => &["BR-O-01", "BR-O-02", "BR-O-03", "BR-O-04", "BR-O-05", "BR-O-06", "BR-O-07", "BR-O-08", "BR-O-09", "BR-O-10"],
        VatCategory::Exempt => &["BR-E-01", "BR-E-02", "BR-E-03", "BR-E-04", "BR-E-05", "BR-E-06", "BR-E-07", "BR-E-08", "BR-E-09", "BR-E-10"],
        VatCategory::Zero => &["BR-Z-01", "BR-Z-02", "BR-Z-03", "BR-Z-04", "BR-Z-05", "BR-Z-06", "BR-Z-07", "BR-Z-08", "BR-Z-09", "BR-Z-10"],
    }
}

/// Rule 01: what is used is broken down, once; only the standard category has one breakdown for each rate.
fn breakdowns(invoice: &EInvoice, uses: &[Use], category: VatCategory, found: &mut Findings) {
    let [rule, .., base_rule, _, _] = *ids(category);
    let used = uses.iter().any(|u| u.vat.category == category);
    let parts: Vec<_> = invoice.vat.iter().filter(|p| p.vat.category == category).collect();
    let fits = match (used, category) {
        (false, _) => parts.is_empty(),
        (true, VatCategory::Standard) => !parts.is_empty(),
        (true, _) => parts.len() == 1,
    };
    let code = category.code();
    let message = format!("break category {code} down once if anything is charged in it, and not otherwise");
    found.want(fits, rule, "BT-118 vat", message);
    if category == VatCategory::Standard && !parts.is_empty() {
        for one in uses.iter().filter(|u| u.vat.category == category) {
            let count = parts.iter().filter(|p| p.vat.rate == one.vat.rate).count();
            found.want(count == 1, base_rule, one.rate.as_str(), "break each rate down, once");
        }
    }
}

/// Rules 02 to 04: which tax numbers the parties must have, or must not.
fn parties(invoice: &EInvoice, uses: &[Use], category: VatCategory, found: &mut Findings) {
    let (seller, buyer) = (&invoice.seller, &invoice.buyer);
    let seller_vat = given(&seller.party.vat_id).is_some();
    let seller_tax = seller_vat || given(&seller.tax_registration).is_some();
    let buyer_vat = given(&buyer.vat_id).is_some();
    let buyer_known = buyer_vat || buyer.legal_id.is_some();
    let (fits, message) = match category {
        VatCategory::Standard | VatCategory::Exempt | VatCategory::Zero => {
            (seller_tax, "give the seller's VAT number or tax registration")
        }
        VatCategory::ReverseCharge => {
            (seller_tax && buyer_known, "give the seller's VAT number, and the buyer's or its registration")
        }
        VatCategory::IntraCommunity => (seller_vat && buyer_vat, "give the VAT numbers of seller and buyer"),
        VatCategory::Export => (seller_vat, "give the seller's VAT number"),
        VatCategory::OutOfScope => {
            (!seller_vat && !buyer_vat, "leave the VAT numbers out: what is outside the scope has none")
        }
    };
    let [_, of_line, of_allowance, of_charge, ..] = *ids(category);
    for (kind, rule) in [(Kind::Line, of_line), (Kind::Allowance, of_allowance), (Kind::Charge, of_charge)] {
        let used = uses.iter().any(|u| u.kind == kind && u.vat.category == category);
        found.want(fits || !used, rule, "BT-31 seller.party.vat_id, BT-48 buyer.vat_id", message);
    }
}

fn rate_rule(kind: Kind, category: VatCategory) -> [&'static str; 2] {
    let [_, _, _, _, of_line, of_allowance, of_charge, ..] = *ids(category);
    let message = match category {
        VatCategory::Standard => "the standard category has a rate above zero: choose E or Z for none",
        VatCategory::OutOfScope => "what is outside the scope has no rate, not even zero",
        _ => "the rate of this category is zero",
    };
    match kind {
        Kind::Line => [of_line, message],
        Kind::Allowance => [of_allowance, message],
        Kind::Charge => [of_charge, message],
    }
}

/// Rules 05 to 07.
fn rate_fits(vat: VatRate) -> bool {
    match (vat.category, vat.rate) {
        (VatCategory::Standard, Some(rate)) => rate > Decimal::ZERO,
        (VatCategory::OutOfScope, rate) => rate.is_none(),
        (_, rate) => rate == Some(Decimal::ZERO),
    }
}

/// Rules 08 to 10 and BR-48, of one breakdown.
fn part(
    invoice: &EInvoice,
    uses: &[Use],
    n: usize,
    part: &VatBreakdown,
    ids: &'static [&'static str; 10],
    found: &mut Findings,
) {
    let [.., of_base, of_tax, of_reason] = *ids;
    let (category, rate) = (part.vat.category, part.vat.rate);
    let standard = category == VatCategory::Standard;
    let rated = rate.is_some() || category == VatCategory::OutOfScope;
    found.want(rated, "BR-48", format!("BT-119 vat[{n}].vat.rate"), "give the rate, zero where none is due");
    let of_this = uses.iter().filter(|u| u.vat.category == category && (!standard || u.vat.rate == rate));
    let base = sum(of_this.map(|u| u.amount));
    let what = "the lines and charges less the allowances of the category and rate";
    equal(part.base, base, of_base, format!("BT-116 vat[{n}].base"), what, found);
    let expected = if standard { tax(part.base, rate.unwrap_or_default(), invoice) } else { Some(Decimal::ZERO) };
    equal(part.tax, expected, of_tax, format!("BT-117 vat[{n}].tax"), "base and rate", found);
    let reasoned = given(&part.reason).is_some() || given(&part.reason_code).is_some();
    let (fits, message) = match category {
        VatCategory::Standard | VatCategory::Zero => (!reasoned, "leave the exemption reason out: nothing is exempt"),
        _ => (reasoned, "say why no VAT is due, in words or by a VATEX code"),
    };
    found.want(fits, of_reason, format!("BT-120 vat[{n}].reason, BT-121 vat[{n}].reason_code"), message);
}

fn intra_community(invoice: &EInvoice, found: &mut Findings) {
    if !invoice.vat.iter().any(|p| p.vat.category == VatCategory::IntraCommunity) {
        return;
    }
    let delivery = invoice.delivery.as_ref();
    let dated = delivery.is_some_and(|d| d.date.is_some()) || invoice.period.is_some();
    found.want(dated, "BR-IC-11", "BT-72 delivery.date", "say when it was delivered, or give the invoicing period");
    let country = delivery.and_then(|d| d.address.as_ref()).is_some_and(|a| !a.country.trim().is_empty());
    found.want(country, "BR-IC-12", "BT-80 delivery.address.country", "say in which country it was delivered");
}

/// Rules BR-O-11 to 14: what is outside the scope shares its document with nothing else.
fn out_of_scope(invoice: &EInvoice, uses: &[Use], found: &mut Findings) {
    if !invoice.vat.iter().any(|p| p.vat.category == VatCategory::OutOfScope) {
        return;
    }
    let message = "what is outside the scope of VAT stands alone: put the rest on an invoice of its own";
    let alone = invoice.vat.iter().all(|p| p.vat.category == VatCategory::OutOfScope);
    found.want(alone, "BR-O-11", "BT-118 vat", message);
    for other in uses.iter().filter(|u| u.vat.category != VatCategory::OutOfScope) {
        let rule = match other.kind {
            Kind::Line => "BR-O-12",
            Kind::Allowance => "BR-O-13",
            Kind::Charge => "BR-O-14",
        };
        found.want(false, rule, other.category.as_str(), message);
    }
}
