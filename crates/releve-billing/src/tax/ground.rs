//! Why is a line taxed as it is? Each ground has one category of EN 16931, and its code where the list has one.

use std::{fmt, str::FromStr};

/// EN 16931 BT-118 and BT-151 (UNTDID 5305), those that France accepts (XP Z12-012, BR-FR-15).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Category {
    /// Standard or reduced rate.
    S,
    /// Zero rated.
    Z,
    /// Exempt.
    E,
    /// Reverse charge.
    Ae,
    /// Intra-Community supply of goods.
    K,
    /// Export of goods.
    G,
    /// Outside the scope of VAT.
    O,
}

impl Category {
    pub const fn code(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::Z => "Z",
            Self::E => "E",
            Self::Ae => "AE",
            Self::K => "K",
            Self::G => "G",
            Self::O => "O",
        }
    }
}

/// The fact that decides. What it is called in a language is the documents' business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ground {
    /// Taxed where the seller is: Art. 44 and 45.
    Domestic,
    /// A consumer in another member state, at that state's rate: Art. 58, declared through the one-stop shop.
    OneStopShop,
    /// Taxed at a rate of zero, in the seller's country or in a consumer's.
    ZeroRated,
    /// The seller is exempt as a small enterprise: Art. 284 (in France art. 293 B CGI).
    SmallEnterprise,
    /// A business in another member state owes the VAT: Art. 44 and 196.
    ReverseCharge,
    /// Goods sent to a business in another member state: Art. 138.
    IntraCommunityGoods,
    /// Goods sent out of the Union: Art. 146.
    ExportOfGoods,
    /// A service to a customer outside the seller's tax territory, taxed there or nowhere: Art. 44 and 59.
    OutsideTerritory,
    /// The seller is not a taxable person, such as a body that recharges its own cost: Art. 9 and 13.
    NotTaxable,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no ground for a VAT treatment")]
pub struct GroundError(pub String);

impl Ground {
    pub const ALL: [Self; 9] = [
        Self::Domestic,
        Self::OneStopShop,
        Self::ZeroRated,
        Self::SmallEnterprise,
        Self::ReverseCharge,
        Self::IntraCommunityGoods,
        Self::ExportOfGoods,
        Self::OutsideTerritory,
        Self::NotTaxable,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Domestic => "domestic",
            Self::OneStopShop => "one_stop_shop",
            Self::ZeroRated => "zero_rated",
            Self::SmallEnterprise => "small_enterprise",
            Self::ReverseCharge => "reverse_charge",
            Self::IntraCommunityGoods => "intra_community_goods",
            Self::ExportOfGoods => "export_of_goods",
            Self::OutsideTerritory => "outside_territory",
            Self::NotTaxable => "not_taxable",
        }
    }

    pub const fn category(self) -> Category {
        match self {
            Self::Domestic | Self::OneStopShop => Category::S,
            Self::ZeroRated => Category::Z,
            Self::SmallEnterprise => Category::E,
            Self::ReverseCharge => Category::Ae,
            Self::IntraCommunityGoods => Category::K,
            Self::ExportOfGoods => Category::G,
            Self::OutsideTerritory | Self::NotTaxable => Category::O,
        }
    }

    /// Whether a rate above zero is charged.
    pub const fn is_charged(self) -> bool {
        matches!(self.category(), Category::S)
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Ground {
    type Err = GroundError;
    fn from_str(text: &str) -> Result<Self, GroundError> {
        let found = Self::ALL.into_iter().find(|g| g.name() == text);
        found.ok_or_else(|| GroundError(text.chars().take(40).collect()))
    }
}
