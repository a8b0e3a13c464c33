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
    /// As it is printed.
    pub address: String,
    pub rates: Vec<DatedRate>,
}

/// Who buys, as far as VAT asks. Empty texts are not known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Buyer {
    pub country: String,
    pub vat_id: String,
    pub legal_id: String,
    /// As it is printed.
    pub address: String,
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
        Scheme::SmallEnterprise | Scheme::Registered => taxable(scheme, seller, buyer, class, at),
    }
}

fn taxable(
    scheme: Scheme,
    seller: &Seller,
    buyer: &Buyer,
    class: RateClass,
    at: Timestamp,
) -> Result<Vat, Vec<Missing>> {
    let mut lacks = Vec::new();
    if seller.country.is_empty() {
        lacks.push(missing("issuer.country", "where the seller is decides whose VAT it is"));
    }
    if buyer.country.is_empty() {
        lacks.push(missing("account.country", "where the customer is decides whose VAT it is"));
    }
    if buyer.kind == Some(BuyerKind::Consumer) {
        // A VAT id that a customer has given makes it a business (Implementing Regulation 282/2011, Art. 18(1)).
        let numbers = [("account.vat_id", &buyer.vat_id), ("account.legal_id", &buyer.legal_id)];
        let given = numbers.into_iter().filter(|(_, number)| !number.is_empty());
        lacks.extend(given.map(|(field, number)| Missing {
            field,
            why: format!("{number} is a business's, and the customer is said to be a consumer"),
        }));
    }
    if !lacks.is_empty() {
        return Err([lacks, vat_id_of(scheme, seller), addresses(seller, buyer)].concat());
    }
    let decided = match scheme {
        Scheme::SmallEnterprise => small(seller, buyer, class, at),
        _ => placed(seller, buyer, class, at),
    };
    // Where the customer owes the VAT, an exempt seller goes by a VAT id too (Art. 214(1)(e)).
    let reverse = matches!(decided, Ok(vat) if vat.ground == Ground::ReverseCharge);
    let asked = if reverse { Scheme::Registered } else { scheme };
    let printed = [vat_id_of(asked, seller), french_numbers(seller, buyer), addresses(seller, buyer)];
    match (decided, printed.concat()) {
        (Ok(vat), lacks) if lacks.is_empty() => Ok(vat),
        (Ok(_), lacks) => Err(lacks),
        (Err(more), lacks) => Err([more, lacks].concat()),
    }
}

/// A registered seller prints its VAT id (Art. 226(3)), which is of where it is.
fn vat_id_of(scheme: Scheme, seller: &Seller) -> Vec<Missing> {
    if scheme != Scheme::Registered {
        return Vec::new();
    }
    match seller.vat_id.parse::<VatId>() {
        Ok(id) if !seller.country.is_empty() && territory(id.country()) != territory(&seller.country) => {
            let why = format!("{id} is not of {}, where the seller is", seller.country);
            vec![Missing { field: "issuer.vat_id", why }]
        }
        Ok(_) => Vec::new(),
        Err(_) if seller.vat_id.is_empty() => {
            vec![missing("issuer.vat_id", "a registered seller prints its VAT id (Art. 226(3))")]
        }
        Err(error) => vec![Missing { field: "issuer.vat_id", why: error.to_string() }],
    }
}

/// An invoice says the address of seller and customer (Art. 226(5)).
fn addresses(seller: &Seller, buyer: &Buyer) -> Vec<Missing> {
    let of = [("issuer.address", &seller.address), ("account.address", &buyer.address)];
    let unknown = of.into_iter().filter(|(_, address)| address.trim().is_empty());
    unknown.map(|(field, _)| missing(field, "an invoice says where seller and customer are (Art. 226(5))")).collect()
}

/// A small enterprise is exempt for what it supplies where it is (Art. 284): to customers there, and to consumers elsewhere in
/// the Union, whom the little that it sells is supplied where it is (Art. 59c). A service to a business elsewhere, or to
/// anybody outside the Union, is supplied there, whoever sells it.
fn small(seller: &Seller, buyer: &Buyer, class: RateClass, at: Timestamp) -> Result<Vat, Vec<Missing>> {
    let (from, to) = (territory(&seller.country), territory(&buyer.country));
    let consumer = is_eu(from) && is_eu(to) && kind(buyer) == Some(BuyerKind::Consumer);
    let here = from == to || is_overseas(from, to);
    if here || consumer { Ok(Vat::free(Ground::SmallEnterprise)) } else { placed(seller, buyer, class, at) }
}

/// What the customer is, or shows by a VAT id to be.
fn kind(buyer: &Buyer) -> Option<BuyerKind> {
    buyer.kind.or_else(|| (!buyer.vat_id.is_empty()).then_some(BuyerKind::Business))
}

/// A French invoice says the seller's SIREN, and between businesses in France the customer's (CGI ann. II, art. 242 nonies
/// A, as of decree 2022-1299; XP Z12-012, BR-FR-10 and 11).
fn french_numbers(seller: &Seller, buyer: &Buyer) -> Vec<Missing> {
    let mut lacks = Vec::new();
    if seller.country == "FR" {
        if seller.legal_id.is_empty() {
            lacks.push(missing("issuer.legal_id", "an invoice from France says the seller's SIREN"));
        }
        if buyer.country == "FR" && kind(buyer) == Some(BuyerKind::Business) && buyer.legal_id.is_empty() {
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
    if is_overseas(from, to) {
        return charged(seller, Ground::Domestic, to, class, at);
    }
    if is_eu(to) { to_union(seller, buyer, class, at) } else { Ok(Vat::free(Ground::OutsideTerritory)) }
}

/// A customer in another member state, or in one of a seller from outside: a consumer's VAT is that of where the consumer lives
/// (Art. 58), declared through a one-stop shop (Art. 358a to 369k). A business owes it itself, which within the Union it shows
/// by its VAT id (Implementing Regulation 282/2011, Art. 18(1)).
fn to_union(seller: &Seller, buyer: &Buyer, class: RateClass, at: Timestamp) -> Result<Vat, Vec<Missing>> {
    match kind(buyer) {
        None => Err(vec![missing("account.customer_kind", "business or consumer decides who owes the VAT")]),
        Some(BuyerKind::Consumer) => charged(seller, Ground::OneStopShop, territory(&buyer.country), class, at),
        Some(BuyerKind::Business) if !is_eu(territory(&seller.country)) => Ok(Vat::free(Ground::OutsideTerritory)),
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

/// From France to a department of its own that lies outside the Union's VAT territory (Art. 6) and has France's VAT at its own
/// rates (CGI art. 294 and 296).
fn is_overseas(from: &str, to: &str) -> bool {
    from == "FR" && matches!(to, "GP" | "MQ" | "RE")
}

/// Monaco is treated as France, the Isle of Man as the United Kingdom (Art. 7(1)); Liechtenstein has Switzerland's VAT (MWSTG
/// art. 4).
fn territory(country: &str) -> &str {
    match country {
        "MC" => "FR",
        "IM" => "GB",
        "LI" => "CH",
        other => other,
    }
}

fn missing(field: &'static str, why: &str) -> Missing {
    Missing { field, why: why.to_owned() }
}
