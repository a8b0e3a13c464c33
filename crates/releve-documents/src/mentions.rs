//! What does the law want to read on an invoice, beside its figures? In words, with the article that asks for it.

use releve_billing::tax::Ground;

use crate::parties::Terms;

/// The code of a ground without VAT in the EU's list of exemption reasons (VATEX, EN 16931 BT-121), where it has one.
pub(crate) const fn vatex(ground: Ground, seller_in_france: bool) -> Option<&'static str> {
    match ground {
        Ground::Domestic | Ground::OneStopShop | Ground::ZeroRated => None,
        Ground::SmallEnterprise if seller_in_france => Some("VATEX-FR-FRANCHISE"),
        Ground::SmallEnterprise => None,
        Ground::ReverseCharge => Some("VATEX-EU-AE"),
        Ground::IntraCommunityGoods => Some("VATEX-EU-IC"),
        Ground::ExportOfGoods => Some("VATEX-EU-G"),
        Ground::OutsideTerritory | Ground::NotTaxable => Some("VATEX-EU-O"),
    }
}

/// Why no VAT is charged (Directive 2006/112/EC, Art. 226(11) and (11a); CGI ann. II, art. 242 nonies A, I 12° to 13°);
/// nothing where it is, or where a rate of zero says enough (EN 16931 BR-S-10, BR-Z-10).
pub(crate) const fn reason(ground: Ground) -> Option<&'static str> {
    match ground {
        Ground::Domestic | Ground::OneStopShop | Ground::ZeroRated => None,
        Ground::SmallEnterprise => {
            Some("VAT not applicable, small enterprise (Directive 2006/112/EC, Art. 284; CGI art. 293 B)")
        }
        Ground::ReverseCharge => Some("Reverse charge (Directive 2006/112/EC, Art. 44 and 196) / Autoliquidation"),
        Ground::IntraCommunityGoods => Some("Intra-Community supply (Directive 2006/112/EC, Art. 138)"),
        Ground::ExportOfGoods => Some("Export outside the EU (Directive 2006/112/EC, Art. 146)"),
        Ground::OutsideTerritory => {
            Some("Not subject to VAT in the seller's country (Directive 2006/112/EC, Art. 44 and 59)")
        }
        Ground::NotTaxable => {
            Some("Not subject to VAT, the seller is not a taxable person (Directive 2006/112/EC, Art. 9 and 13)")
        }
    }
}

/// How a ground with VAT is called beside its rate.
pub(crate) const fn title(ground: Ground) -> &'static str {
    match ground {
        Ground::Domestic | Ground::ZeroRated => "VAT",
        Ground::OneStopShop => "VAT of the customer's country (one-stop shop)",
        Ground::ReverseCharge => "Reverse charge",
        Ground::SmallEnterprise
        | Ground::IntraCommunityGoods
        | Ground::ExportOfGoods
        | Ground::OutsideTerritory
        | Ground::NotTaxable => "No VAT",
    }
}

/// The fixed sum for recovery costs between businesses (C. com. art. L441-10 and D441-5).
pub(crate) const RECOVERY: &str =
    "A business that pays late owes a fixed sum of 40 EUR for recovery costs (C. com. art. L441-10 and D441-5).";
/// That nothing is taken off for paying early (C. com. art. L441-9).
pub(crate) const NO_DISCOUNT: &str = "No discount for early payment.";
/// What holds where a contract says nothing else (C. com. art. L441-10, II).
const PENALTY: &str =
    "Late payments bear interest at the European Central Bank's refinancing rate plus 10 percentage points.";
/// That VAT is due when invoiced (CGI ann. II, art. 242 nonies A, I 11° bis).
pub(crate) const ON_DEBITS: &str = "VAT is due when invoiced (option pour le paiement de la taxe d'après les débits).";

/// What is owed on late payment: as agreed, or as the law sets it.
pub(crate) fn penalty(terms: &Terms) -> &str {
    if terms.late_penalty.is_empty() { PENALTY } else { &terms.late_penalty }
}

/// Why less than the price is owed.
pub(crate) const DISCOUNT: &str = "Discount";
/// What no tenant in particular owes, but the account by its contract.
pub(crate) const BY_CONTRACT: &str = "By contract";
/// Beside a line that was billed before.
pub(crate) const TAKEN_BACK: &str = "As it was billed before, taken back";
