//! What can be asked about `prices`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{AgreementView, ChargeView, MoneyView, TierView, UnpricedView};
use crate::{Client, Error, Page, Pages, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Asked {
    /// A month of the seller's zone.
    pub month: String,
    pub terms: Terms,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct End {
    /// The first hour in which it no longer holds; the next whole hour if absent. Not in a month that was invoiced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewAgreement {
    /// What its line says, and why a discount or goodwill is given: up to 200 characters.
    pub description: String,
    /// Of a reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<u32>,
    /// If absent: the next whole hour, and for what is charged once the current one. Not in a month that was
    /// invoiced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// - discount: `percent` off the price book's prices: all of them, those of one `sku`, or what a `tenant`'s
    ///   `project` uses. Where several hold, the narrowest is given. Nothing is off what was agreed otherwise.
    /// - reservation: `devices` of a GPU `sku`, each at `price` an hour whether used or not, `matching` by hour or
    ///   by instant. What is used above it costs `overage_price` an hour, or what the price book says.
    /// - recurring: a fee of `price` a month; for a part of a month, its hours' part.
    /// - once: a fee of `price`, in the month in which `from` lies.
    /// - goodwill: `price` is given back, in the month in which `from` lies.
    /// - minimum: at least `price` a month; for a part of a month, its hours' part. Usage, reservations and
    ///   recurring fees count towards it, after discounts.
    pub kind: String,
    /// Of a reservation: `hour` (if absent) or `instant`. By hour, what one moment leaves unused another in the
    /// same hour takes; by instant, at each moment only as many devices as are reserved are covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
    /// Of a reservation: per device and hour used above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overage_price: Option<String>,
    /// Of a discount: above 0, up to 100, with at most two decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// In the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The GPU that is reserved, the only one that a discount is on, or a fee's name as in `fee/premium-support`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Of a discount for a project, with `project`: by id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Not included. If absent: until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Of a fee: `standard` (if absent) or `reduced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_class: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewPrice {
    /// A whole UTC hour. If absent: the current one for a SKU's first price, the next one for a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How the price grows with what the account uses of the SKU in its period. If absent: per_unit with a `price`,
    /// graduated with `tiers`.
    /// - per_unit: each unit costs the same.
    /// - graduated: each unit costs what its tier says; the first units stay in the first tier.
    /// - volume: all units cost what the tier says that the period's total comes to. Where a higher tier is
    ///   cheaper, a spend falls as that tier is reached.
    /// - package: each package that is begun costs the same. One tier, whose `up_to` is what a package holds and
    ///   whose `price` is for all of it. Packages are counted over the account, and anew for each price and period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Per base quantity of the unit (GPU-hour, GiB-hour, GiB, million tokens, unit): a decimal as text, with at
    /// most 6 decimals. Either this or `tiers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// By id or name; the only one, or the one called `default`, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_book: Option<String>,
    /// exact (if absent), second, second_min_60, started_minute or started_hour: GPU time only, and not of a
    /// package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<String>,
    pub sku: String,
    /// Of a graduated or a volume price: ascending, the last without an end. Of a package price: one, with an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<NewTier>>,
    /// gpu_ms, gib_second, byte, token or count; the SKU's if it is known, gpu_ms for a GPU's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// `standard` (if absent) or `reduced`: which of a country's VAT rates it bears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_class: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewPriceBook {
    /// ISO 4217. It can't be changed.
    pub currency: String,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewTerm {
    /// The next whole hour if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// By id or name; in the account's currency.
    pub price_book: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewTier {
    /// Per base quantity of the unit; of a package, for the whole package.
    pub price: String,
    /// In base units of the unit (milliseconds for GPU time), summed over the account's period, also across a
    /// change of price. The last unit belongs to the tier. Absent in the last tier. Of a package: how much one
    /// holds, for GPU time in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PriceBookView {
    pub created_at: String,
    pub currency: String,
    pub id: String,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PriceView {
    pub created_at: String,
    pub created_by: String,
    pub from: String,
    pub id: String,
    /// per_unit, graduated, volume or package.
    pub model: String,
    pub price_book: String,
    /// What the price is for: as in `GPU-hour`, or `package of 10 × million tokens`.
    pub priced_per: String,
    pub rounding: String,
    pub sku: String,
    pub tiers: Vec<TierView>,
    pub unit: String,
    pub vat_class: String,
}

/// What the month comes to either way, without taxes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuoteView {
    pub account: String,
    pub charges: Vec<ChargeView>,
    /// As it is.
    pub contracted: MoneyView,
    pub month: String,
    /// Under the terms that were asked about.
    pub quoted: MoneyView,
    /// Usage that would have no price: in no amount.
    pub unpriced: Vec<UnpricedView>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TermView {
    pub account: String,
    pub created_at: String,
    pub created_by: String,
    pub from: String,
    pub price_book: String,
}

/// A contract to try.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Terms {
    /// What would have been agreed, each from the month's start unless it says otherwise; what was if absent. An
    /// empty list is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreements: Option<Vec<NewAgreement>>,
    /// The price book that would have held all month, by id or name; those that did if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_book: Option<String>,
}

/// What [`Client::list_prices`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListPricesQuery {
    /// By id or name; the only one, or the one called `default`, if absent.
    pub price_book: Option<String>,
    /// Of this SKU only.
    pub sku: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListPricesQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("price_book", self.price_book.as_ref().map(ToString::to_string)),
            ("sku", self.sku.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists what an account agreed to beside its price books, by start.
    ///
    /// `GET /v1/accounts/{account}/agreements`. With a key of `operator:read`.
    pub async fn list_account_agreements(&self, account: &str) -> Result<Page<AgreementView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "agreements"])).await?.json()
    }

    /// Agrees to something beside the price books. It does not change; it can be ended.
    ///
    /// `POST /v1/accounts/{account}/agreements`. With a key of `operator:write`.
    pub async fn create_account_agreement(&self, account: &str, body: &NewAgreement) -> Result<AgreementView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "accounts", account, "agreements"]).json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Ends an agreement, sooner than it would have. What was invoiced under it stays.
    ///
    /// `POST /v1/accounts/{account}/agreements/{agreement}/end`. With a key of `operator:write`.
    pub async fn end_account_agreement(
        &self,
        account: &str,
        agreement: &str,
        body: &End,
    ) -> Result<AgreementView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "accounts", account, "agreements", agreement, "end"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists an account's contract: its price books in the order of their start.
    ///
    /// `GET /v1/accounts/{account}/contracts`. With a key of `operator:read`.
    pub async fn list_account_contracts(&self, account: &str) -> Result<Page<TermView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "contracts"])).await?.json()
    }

    /// Moves an account to a price book from an hour on. Time that has begun keeps its price book.
    ///
    /// `POST /v1/accounts/{account}/contracts`. With a key of `operator:write`.
    pub async fn create_account_contract(&self, account: &str, body: &NewTerm) -> Result<TermView, Error> {
        self.send(Request::new(Method::POST, &["v1", "accounts", account, "contracts"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Says what a month would have cost under other terms.
    ///
    /// `POST /v1/accounts/{account}/quotes`. With a key of `operator:read`.
    pub async fn create_account_quote(&self, account: &str, body: &Asked) -> Result<QuoteView, Error> {
        self.send(Request::new(Method::POST, &["v1", "accounts", account, "quotes"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists the price books.
    ///
    /// `GET /v1/price-books`. With a key of `operator:read`.
    pub async fn list_price_books(&self) -> Result<Page<PriceBookView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "price-books"])).await?.json()
    }

    /// Adds a price book.
    ///
    /// `POST /v1/price-books`. With a key of `operator:write`.
    pub async fn create_price_book(&self, body: &NewPriceBook) -> Result<PriceBookView, Error> {
        self.send(Request::new(Method::POST, &["v1", "price-books"]).json("application/json", body)?).await?.json()
    }

    /// Lists a price book's prices by SKU and start.
    ///
    /// `GET /v1/prices`. With a key of `operator:read`.
    pub async fn list_prices(&self, query: &ListPricesQuery) -> Result<Page<PriceView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "prices"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_prices`], page after page.
    pub fn all_prices(&self, query: &ListPricesQuery) -> Pages<'_, PriceView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "prices"]).query(query.pairs()))
    }

    /// Adds a price. It holds from its start until the next one of the SKU; time that had a price and has begun
    /// keeps it.
    ///
    /// `POST /v1/prices`. With a key of `operator:write`.
    pub async fn create_price(&self, body: &NewPrice) -> Result<PriceView, Error> {
        self.send(Request::new(Method::POST, &["v1", "prices"]).json("application/json", body)?).await?.json()
    }
}
