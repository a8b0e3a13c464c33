//! What does the law want to read on an invoice, beside its figures? In words, with the article that asks for it.

use releve_billing::tax::Ground;
use releve_types::Language;

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
pub(crate) const fn reason(ground: Ground, language: Language) -> Option<&'static str> {
    let (english, french) = match ground {
        Ground::Domestic | Ground::OneStopShop | Ground::ZeroRated => return None,
        Ground::SmallEnterprise => (
            "VAT not applicable, small enterprise (Directive 2006/112/EC, Art. 284; CGI art. 293 B)",
            "TVA non applicable, art. 293 B du CGI (directive 2006/112/CE, art. 284)",
        ),
        Ground::ReverseCharge => (
            "Reverse charge (Directive 2006/112/EC, Art. 44 and 196) / Autoliquidation",
            "Autoliquidation : la TVA est due par le preneur (directive 2006/112/CE, art. 44 et 196)",
        ),
        Ground::IntraCommunityGoods => (
            "Intra-Community supply (Directive 2006/112/EC, Art. 138)",
            "Livraison intracommunautaire (directive 2006/112/CE, art. 138)",
        ),
        Ground::ExportOfGoods => (
            "Export outside the EU (Directive 2006/112/EC, Art. 146)",
            "Exportation hors de l'UE (directive 2006/112/CE, art. 146)",
        ),
        Ground::OutsideTerritory => (
            "Not subject to VAT in the seller's country (Directive 2006/112/EC, Art. 44 and 59)",
            "Non soumis à la TVA dans le pays du vendeur (directive 2006/112/CE, art. 44 et 59)",
        ),
        Ground::NotTaxable => (
            "Not subject to VAT, the seller is not a taxable person (Directive 2006/112/EC, Art. 9 and 13)",
            "Hors du champ de la TVA, le vendeur n'est pas assujetti (directive 2006/112/CE, art. 9 et 13)",
        ),
    };
    Some(either(language, english, french))
}

/// How a ground with VAT is called beside its rate.
pub(crate) const fn title(ground: Ground, language: Language) -> &'static str {
    let (english, french) = match ground {
        Ground::Domestic | Ground::ZeroRated => ("VAT", "TVA"),
        Ground::OneStopShop => {
            ("VAT of the customer's country (one-stop shop)", "TVA du pays du client (guichet unique)")
        }
        Ground::ReverseCharge => ("Reverse charge", "Autoliquidation"),
        Ground::SmallEnterprise
        | Ground::IntraCommunityGoods
        | Ground::ExportOfGoods
        | Ground::OutsideTerritory
        | Ground::NotTaxable => ("No VAT", "Sans TVA"),
    };
    either(language, english, french)
}

/// The fixed sum for recovery costs between businesses (C. com. art. L441-10 and D441-5).
pub(crate) const fn recovery(language: Language) -> &'static str {
    either(
        language,
        "A business that pays late owes a fixed sum of 40 EUR for recovery costs (C. com. art. L441-10 and D441-5).",
        "Indemnité forfaitaire pour frais de recouvrement due par tout professionnel en retard de paiement : 40 EUR (C. \
         com. art. L441-10 et D441-5).",
    )
}

/// That nothing is taken off for paying early (C. com. art. L441-9).
pub(crate) const fn no_discount(language: Language) -> &'static str {
    either(language, "No discount for early payment.", "Pas d'escompte pour paiement anticipé.")
}

/// What is owed on late payment: as agreed, or as the law sets it where a contract says nothing else (C. com. art.
/// L441-10, II).
pub(crate) fn penalty(terms: &Terms, language: Language) -> &str {
    if !terms.late_penalty.is_empty() {
        return &terms.late_penalty;
    }
    either(
        language,
        "Late payments bear interest at the European Central Bank's refinancing rate plus 10 percentage points.",
        "Pénalités de retard : taux de refinancement de la Banque centrale européenne majoré de 10 points de pourcentage.",
    )
}

/// That VAT is due when invoiced (CGI ann. II, art. 242 nonies A, I 11° bis).
pub(crate) const fn on_debits(language: Language) -> &'static str {
    either(
        language,
        "VAT is due when invoiced (option pour le paiement de la taxe d'après les débits).",
        "Option pour le paiement de la taxe d'après les débits.",
    )
}

/// What kind of operations they are (CGI ann. II, art. 242 nonies A, I 8° bis): we bill services alone.
pub(crate) const fn services(language: Language) -> &'static str {
    either(
        language,
        "Category of operations: supply of services (prestations de services).",
        "Catégorie d'opérations : prestations de services.",
    )
}

/// Why less than the price is owed.
pub(crate) const DISCOUNT: &str = "Discount";
/// Beside a line that was billed before.
pub(crate) const fn taken_back(language: Language) -> &'static str {
    either(language, "As it was billed before, taken back", "Tel que facturé auparavant, repris")
}

const fn either(language: Language, english: &'static str, french: &'static str) -> &'static str {
    match language {
        Language::English => english,
        Language::French => french,
    }
}
