//! Which VAT does what we sell bear? From who sells, who buys and where they are: Directive 2006/112/EC.
//!
//! The instant is the end of the period: a service that goes on and gives rise to statements is supplied when the
//! period of each statement ends (Art. 64).

use std::{fmt, str::FromStr};

use releve_types::Timestamp;

use super::{
    DatedRate, Ground, RateClass, Vat, VatRate,
    id::{VatId, is_eu},
};

/// How the seller stands to VAT.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// A taxable person with a VAT id.
    Registered,
    /// Exempt as a small enterprise.
    SmallEnterprise,
    /// Not a taxable person: an institute that recharges its own cost.
    NotTaxable,
}

/// Text that names no scheme, or no kind of buyer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxWordError {
    #[error("'{0}' is no VAT scheme: expected registered, small_enterprise or not_taxable")]
    Scheme(String),
    #[error("'{0}' is no kind of customer: expected business or consumer")]
    Buyer(String),
}

impl Scheme {
    pub const ALL: [Self; 3] = [Self::Registered, Self::SmallEnterprise, Self::NotTaxable];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::SmallEnterprise => "small_enterprise",
            Self::NotTaxable => "not_taxable",
        }
    }
}

impl FromStr for Scheme {
    type Err = TaxWordError;
    fn from_str(text: &str) -> Result<Self, TaxWordError> {
        let found = Self::ALL.into_iter().find(|s| s.name() == text);
        found.ok_or_else(|| TaxWordError::Scheme(text.chars().take(40).collect()))
    }
}

/// Whether the customer is a taxable person acting as such (Art. 43).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BuyerKind {
    Business,
    Consumer,
}

impl BuyerKind {
    pub const ALL: [Self; 2] = [Self::Business, Self::Consumer];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Consumer => "consumer",
        }
    }
}

impl FromStr for BuyerKind {
    type Err = TaxWordError;
    fn from_str(text: &str) -> Result<Self, TaxWordError> {
        let found = Self::ALL.into_iter().find(|k| k.name() == text);
        found.ok_or_else(|| TaxWordError::Buyer(text.chars().take(40).collect()))
    }
}

/// Who sells, as far as VAT asks. Empty texts are not known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seller {
    pub scheme: Option<Scheme>,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub vat_id: String,
    /// The number in the register of companies.
    pub legal_id: String,
    pub rates: Vec<DatedRate>,
}

/// Who buys, as far as VAT asks. Empty texts are not known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Buyer {
    pub country: String,
    pub vat_id: String,
    pub legal_id: String,
    pub kind: Option<BuyerKind>,
}

/// What has to be known before an invoice can say which VAT it bears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// As the API names it: `issuer.vat_scheme`, `account.country`.
    pub field: &'static str,
    pub why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

/// The treatment of a service of this class, supplied at this instant; or all that has to be known first.
pub fn decide(seller: &Seller, buyer: &Buyer, class: RateClass, at: Timestamp) -> Result<Vat, Vec<Missing>> {
    let Some(scheme) = seller.scheme else {
        return Err(vec![missing("issuer.vat_scheme", "says whether the seller charges VAT at all")]);
    };
    match scheme {
        Scheme::NotTaxable => Ok(Vat::free(Ground::NotTaxable)),
        Scheme::SmallEnterprise => Ok(Vat::free(Ground::SmallEnterprise)),
        Scheme::Registered => registered(seller, buyer, class, at),
    }
}

fn registered(seller: &Seller, buyer: &Buyer, class: RateClass, at: Timestamp) -> Result<Vat, Vec<Missing>> {
    let mut lacks = Vec::new();
    if seller.country.is_empty() {
        lacks.push(missing("issuer.country", "where the seller is decides whose VAT it is"));
    }
    match seller.vat_id.parse::<VatId>() {
        Ok(id) if !seller.country.is_empty() && territory(id.country()) != territory(&seller.country) => {
            let why = format!("{id} is not of {}, where the seller is", seller.country);
            lacks.push(Missing { field: "issuer.vat_id", why });
        }
        Ok(_) => {}
        Err(_) if seller.vat_id.is_empty() => {
            lacks.push(missing("issuer.vat_id", "a registered seller prints its VAT id (Art. 226(3))"));
        }
        Err(error) => lacks.push(Missing { field: "issuer.vat_id", why: error.to_string() }),
    }
    if buyer.country.is_empty() {
        lacks.push(missing("account.country", "where the customer is decides whose VAT it is"));
    }
    if !lacks.is_empty() {
        return Err(lacks);
    }
    let decided = placed(seller, buyer, class, at);
    let numbers = french_numbers(seller, buyer);
    match decided {
        Ok(vat) if numbers.is_empty() => Ok(vat),
        Ok(_) => Err(numbers),
        Err(lacks) => Err([lacks, numbers].concat()),
    }
}

/// A French invoice says the seller's SIREN, and between businesses in France the customer's (CGI ann. II, art. 242 nonies
/// A, as of decree 2022-1299; XP Z12-012, BR-FR-10 and 11).
fn french_numbers(seller: &Seller, buyer: &Buyer) -> Vec<Missing> {
    let mut lacks = Vec::new();
    if seller.country == "FR" {
        if seller.legal_id.is_empty() {
            lacks.push(missing("issuer.legal_id", "an invoice from France says the seller's SIREN"));
        }
        if buyer.country == "FR" && buyer.kind == Some(BuyerKind::Business) && buyer.legal_id.is_empty() {
            lacks
                .push(missing("account.legal_id", "an invoice between businesses in France says the customer's SIREN"));
        }
    }
    lacks
}

/// Whose VAT it is, once both places are known.
fn placed(seller: &Seller, buyer: &Buyer, class: RateClass, at: Timestamp) -> Result<Vat, Vec<Missing>> {
    let (from, to) = (territory(&seller.country), territory(&buyer.country));
    if from == to {
        return charged(seller, Ground::Domestic, from, class, at);
    }
    match (is_eu(from), is_eu(to)) {
        (true, true) => within_union(seller, buyer, class, at),
        _ => Ok(Vat::free(Ground::OutsideTerritory)),
    }
}

/// Seller and customer in two member states: a business shows it by its VAT id (Implementing Regulation 282/2011,
/// Art. 18(1)), and owes the VAT itself; of a consumer, it is the VAT of where the consumer lives.
fn within_union(seller: &Seller, buyer: &Buyer, class: RateClass, at: Timestamp) -> Result<Vat, Vec<Missing>> {
    let kind = buyer.kind.or_else(|| (!buyer.vat_id.is_empty()).then_some(BuyerKind::Business));
    match kind {
        None => Err(vec![missing("account.customer_kind", "business or consumer decides who owes the VAT")]),
        Some(BuyerKind::Consumer) => charged(seller, Ground::OneStopShop, territory(&buyer.country), class, at),
        Some(BuyerKind::Business) => match buyer.vat_id.parse::<VatId>() {
            Ok(id) if is_eu(territory(id.country())) && territory(id.country()) != territory(&seller.country) => {
                Ok(Vat::free(Ground::ReverseCharge))
            }
            Ok(id) => {
                let why = format!("{id} is not of another member state, and the customer is in {}", buyer.country);
                Err(vec![Missing { field: "account.vat_id", why }])
            }
            Err(_) if buyer.vat_id.is_empty() => Err(vec![missing(
                "account.vat_id",
                "a business in another member state shows by it that it owes the VAT",
            )]),
            Err(error) => Err(vec![Missing { field: "account.vat_id", why: error.to_string() }]),
        },
    }
}

fn charged(
    seller: &Seller,
    ground: Ground,
    country: &str,
    class: RateClass,
    at: Timestamp,
) -> Result<Vat, Vec<Missing>> {
    match DatedRate::at(&seller.rates, country, class, at) {
        // A rate of zero is another category: it charges nothing and needs no reason.
        Some(rate) if rate == VatRate::ZERO => Ok(Vat::free(Ground::ZeroRated)),
        Some(rate) => Ok(Vat { ground, rate }),
        None => {
            Err(vec![Missing { field: "issuer.vat_rates", why: format!("no {class} rate of {country} holds at {at}") }])
        }
    }
}

/// Monaco is treated as France (Art. 7(1)).
fn territory(country: &str) -> &str {
    if country == "MC" { "FR" } else { country }
}

fn missing(field: &'static str, why: &str) -> Missing {
    Missing { field, why: why.to_owned() }
}
