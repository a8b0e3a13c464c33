//! What can be asked about `customers`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{MoneyView, ProjectView, TenantView};
use crate::{Client, Error, Page, Pages, Paging, request::Request};

/// Absent fields stay as they are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AccountAmendment {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How many months after a period's end more may be billed for it, 1 to 120; if 0: however late. What is given
    /// back never comes too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_billing_months: Option<u32>,
    /// What the customer wants to read on its invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_reference: Option<String>,
    /// The customer takes no invoice without it: one is parked until it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_reference_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// A correction that comes to less than this, without VAT, up or down, is carried until it comes to more; if
    /// empty: each is sent. In the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `business` or `consumer`; a customer with a VAT id is a business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A document of more than this, without VAT, is parked until a person has raised it; if empty: none is. In the
    /// account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_ceiling: Option<String>,
    /// Of the documents that are issued from now on: `en` or `fr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The number in the register of companies: in France, the SIREN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// The customer takes no invoice without a purchase order that it fits: one is parked until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// Street and house, in lines.
    pub address: String,
    pub city: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub email: String,
    /// The number in the register of companies: in France, the SIREN.
    pub legal_id: String,
    pub postcode: String,
    pub vat_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_billing_months: Option<u32>,
    pub buyer_reference: String,
    pub buyer_reference_required: bool,
    /// In the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_min: Option<String>,
    pub created_at: String,
    pub currency: String,
    /// Empty: not known.
    pub customer_kind: String,
    pub id: String,
    /// In the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_ceiling: Option<String>,
    pub issuer: String,
    pub language: String,
    pub name: String,
    pub purchase_order_required: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BrandView {
    /// Empty: as documents come.
    pub accent: String,
    /// A PNG in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExchangeRateView {
    pub base: String,
    pub day: String,
    pub id: String,
    pub quote: String,
    pub rate: String,
    pub source: String,
}

/// Absent fields stay as they are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct IssuerAmendment {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_days: Option<u32>,
    /// Days past due at which a customer is reminded, level by level: up to 5 rising numbers, 1 to 365. If empty:
    /// never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dunning_days: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    /// What is owed on late payment, in words; what the law sets, if empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_penalty: Option<String>,
    /// The number in the register of companies: in France, the SIREN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<String>,
    /// Legal form, capital, register: printed as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_mentions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// VAT is due when invoiced, not when paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_on_debits: Option<bool>,
    /// VAT is due when money is paid in advance: of what becomes a paid credit from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_on_prepayment: Option<bool>,
    /// `registered`, `small_enterprise` (exempt) or `not_taxable` (a body that recharges its own cost). Until it is
    /// said, invoices are parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_scheme: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IssuerView {
    /// Street and house, in lines.
    pub address: String,
    pub city: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub email: String,
    /// The number in the register of companies: in France, the SIREN.
    pub legal_id: String,
    pub postcode: String,
    pub vat_id: String,
    pub bic: String,
    pub created_at: String,
    pub due_days: i32,
    pub dunning_days: Vec<u32>,
    pub iban: String,
    pub id: String,
    pub late_penalty: String,
    pub legal_mentions: String,
    pub name: String,
    pub series: String,
    pub vat_on_debits: bool,
    pub vat_on_prepayment: bool,
    /// Empty: not known yet, so invoices are parked.
    pub vat_scheme: String,
    pub zone: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewAccount {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How many months after a period's end more may be billed for it, 1 to 120; if 0: however late. What is given
    /// back never comes too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_billing_months: Option<u32>,
    /// What the customer wants to read on its invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_reference: Option<String>,
    /// The customer takes no invoice without it: one is parked until it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_reference_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// A correction that comes to less than this, without VAT, up or down, is carried until it comes to more; if
    /// empty: each is sent. In the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The price book's, if absent. It can't be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// `business` or `consumer`; a customer with a VAT id is a business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A document of more than this, without VAT, is parked until a person has raised it; if empty: none is. In the
    /// account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_ceiling: Option<String>,
    /// Who sells, by id or name; the only one, or the one called `default`, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Of its documents, as ISO 639-1 codes it: `en` (if absent) or `fr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The number in the register of companies: in France, the SIREN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// By what its usage is priced, from the beginning on; as above if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_book: Option<String>,
    /// The customer takes no invoice without a purchase order that it fits: one is parked until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
}

/// What is absent or empty is as documents come.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewBrand {
    /// Of what stands out. It must be dark enough to be read on white paper: luma (Rec. 601) at most 160 of 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<String>,
    /// A PNG in base64: at most 64 KiB, and 2,000 pixels a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

/// 1 `base` = `rate` `quote`, as who published it wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewExchangeRate {
    pub base: String,
    pub day: String,
    pub quote: String,
    /// Above zero, with at most 8 decimals.
    pub rate: String,
    /// Who published it.
    pub source: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewIssuer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_days: Option<u32>,
    /// Days past due at which a customer is reminded, level by level: up to 5 rising numbers, 1 to 365. If empty:
    /// never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dunning_days: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    /// What is owed on late payment, in words; what the law sets, if empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_penalty: Option<String>,
    /// The number in the register of companies: in France, the SIREN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<String>,
    /// Legal form, capital, register: printed as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_mentions: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// What invoice numbers start with: 1 to 12 of A-Z, 0-9 and '-'. It can't be changed.
    pub series: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// VAT is due when invoiced, not when paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_on_debits: Option<bool>,
    /// VAT is due when money is paid in advance (in France for services: CGI art. 269, 2 c): what becomes a paid
    /// credit gets a deposit invoice (type 386) at once. False if absent: VAT stands on the invoices that draw on
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_on_prepayment: Option<bool>,
    /// `registered`, `small_enterprise` (exempt) or `not_taxable` (a body that recharges its own cost). Until it is
    /// said, invoices are parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_scheme: Option<String>,
    /// IANA zone with whole-hour offsets: months begin at its local midnight. It can't be changed.
    pub zone: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewOrder {
    /// Without VAT, in the account's currency. If absent: as much as there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// If absent: the hour that is running. It is for periods that have an hour in which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The customer's own: up to 50 characters.
    pub number: String,
    /// Not included. If absent: until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewProject {
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewRate {
    /// `standard`, if absent, or `reduced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The seller's own, or one in whose register, or in the one-stop shop for which, the seller is registered.
    pub country: String,
    /// The next whole hour if absent. A past in which no rate held may be filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// In percent, with at most two decimals.
    pub percent: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewTenant {
    /// Who pays, by id or name. If absent, an account of the tenant's name is opened, and the next three fields say
    /// how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_book: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OrderEnd {
    /// The first hour in which it no longer holds; the next whole hour if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderView {
    pub account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<MoneyView>,
    pub created_at: String,
    pub created_by: String,
    /// What issued documents draw on it, credit notes taken off, without VAT.
    pub drawn: MoneyView,
    pub from: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<MoneyView>,
    pub number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RateView {
    pub class: String,
    pub country: String,
    pub from: String,
    pub percent: String,
}

/// What [`Client::list_tenants`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantsQuery {
    /// Of this account only, by id or name.
    pub account: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("account", self.account.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists accounts by name.
    ///
    /// `GET /v1/accounts`. With a key of `operator:read`.
    pub async fn list_accounts(&self, query: &Paging) -> Result<Page<AccountView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_accounts`], page after page.
    pub fn all_accounts(&self, query: &Paging) -> Pages<'_, AccountView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "accounts"]).query(query.pairs()))
    }

    /// Adds an account, with a contract on a price book.
    ///
    /// `POST /v1/accounts`. With a key of `operator:write`.
    pub async fn create_account(&self, body: &NewAccount) -> Result<AccountView, Error> {
        self.send(Request::new(Method::POST, &["v1", "accounts"]).json("application/json", body)?).await?.json()
    }

    /// Shows an account, by id or name.
    ///
    /// `GET /v1/accounts/{account}`. With a key of `operator:read`.
    pub async fn get_account(&self, account: &str) -> Result<AccountView, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account])).await?.json()
    }

    /// Changes what the next documents print of an account, and what they have to meet.
    ///
    /// `PATCH /v1/accounts/{account}`. With a key of `operator:write`.
    pub async fn update_account(&self, account: &str, body: &AccountAmendment) -> Result<AccountView, Error> {
        self.send(Request::new(Method::PATCH, &["v1", "accounts", account]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists an account's purchase orders, by start, with what is left of each.
    ///
    /// `GET /v1/accounts/{account}/purchase-orders`. With a key of `operator:read`.
    pub async fn list_account_purchase_orders(&self, account: &str) -> Result<Page<OrderView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "purchase-orders"])).await?.json()
    }

    /// Adds a customer's purchase order. It does not change; it can be ended.
    ///
    /// `POST /v1/accounts/{account}/purchase-orders`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn create_account_purchase_order(&self, account: &str, body: &NewOrder) -> Result<OrderView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "accounts", account, "purchase-orders"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Ends a purchase order, sooner than it would have. What was invoiced under it stays.
    ///
    /// `POST /v1/accounts/{account}/purchase-orders/{order}/end`. With a key of one of `operator:billing`,
    /// `operator:write`.
    pub async fn end_account_purchase_order(
        &self,
        account: &str,
        order: &str,
        body: &OrderEnd,
    ) -> Result<OrderView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "accounts", account, "purchase-orders", order, "end"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists exchange rates, the latest made first.
    ///
    /// `GET /v1/exchange-rates`. With a key of `operator:read`.
    pub async fn list_exchange_rates(&self, query: &Paging) -> Result<Page<ExchangeRateView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "exchange-rates"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_exchange_rates`], page after page.
    pub fn all_exchange_rates(&self, query: &Paging) -> Pages<'_, ExchangeRateView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "exchange-rates"]).query(query.pairs()))
    }

    /// Adds what a currency cost in another on a day. VAT that is owed in one of them, on an invoice in the other,
    /// is stated by the rate of the period's last day, or the latest of at most 7 days before it. Told again for a
    /// day, the later counts; no document changes.
    ///
    /// `POST /v1/exchange-rates`. With a key of `operator:write`.
    pub async fn create_exchange_rate(&self, body: &NewExchangeRate) -> Result<ExchangeRateView, Error> {
        self.send(Request::new(Method::POST, &["v1", "exchange-rates"]).json("application/json", body)?).await?.json()
    }

    /// Lists the issuers.
    ///
    /// `GET /v1/issuers`. With a key of `operator:read`.
    pub async fn list_issuers(&self) -> Result<Page<IssuerView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "issuers"])).await?.json()
    }

    /// Adds an issuer.
    ///
    /// `POST /v1/issuers`. With a key of `operator:write`.
    pub async fn create_issuer(&self, body: &NewIssuer) -> Result<IssuerView, Error> {
        self.send(Request::new(Method::POST, &["v1", "issuers"]).json("application/json", body)?).await?.json()
    }

    /// Shows an issuer, by id or name.
    ///
    /// `GET /v1/issuers/{issuer}`. With a key of `operator:read`.
    pub async fn get_issuer(&self, issuer: &str) -> Result<IssuerView, Error> {
        self.send(Request::new(Method::GET, &["v1", "issuers", issuer])).await?.json()
    }

    /// Changes what the next documents print of an issuer.
    ///
    /// `PATCH /v1/issuers/{issuer}`. With a key of `operator:write`.
    pub async fn update_issuer(&self, issuer: &str, body: &IssuerAmendment) -> Result<IssuerView, Error> {
        self.send(Request::new(Method::PATCH, &["v1", "issuers", issuer]).json("application/json", body)?).await?.json()
    }

    /// Shows how an issuer's next documents look.
    ///
    /// `GET /v1/issuers/{issuer}/brand`. With a key of `operator:read`.
    pub async fn get_issuer_brand(&self, issuer: &str) -> Result<BrandView, Error> {
        self.send(Request::new(Method::GET, &["v1", "issuers", issuer, "brand"])).await?.json()
    }

    /// Says how an issuer's documents look that are issued from now on: their page, and their PDF. What is issued
    /// stays as it is.
    ///
    /// `PUT /v1/issuers/{issuer}/brand`. With a key of `operator:write`.
    pub async fn put_issuer_brand(&self, issuer: &str, body: &NewBrand) -> Result<BrandView, Error> {
        self.send(Request::new(Method::PUT, &["v1", "issuers", issuer, "brand"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists a seller's rates by country, class and start.
    ///
    /// `GET /v1/issuers/{issuer}/vat-rates`. With a key of `operator:read`.
    pub async fn list_issuer_vat_rates(&self, issuer: &str) -> Result<Page<RateView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "issuers", issuer, "vat-rates"])).await?.json()
    }

    /// Adds a rate of VAT, from an hour on. A rate that has begun does not change.
    ///
    /// `POST /v1/issuers/{issuer}/vat-rates`. With a key of `operator:write`.
    pub async fn create_issuer_vat_rate(&self, issuer: &str, body: &NewRate) -> Result<RateView, Error> {
        self.send(Request::new(Method::POST, &["v1", "issuers", issuer, "vat-rates"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists tenants by name.
    ///
    /// `GET /v1/tenants`. With a key of `operator:read`.
    pub async fn list_tenants(&self, query: &ListTenantsQuery) -> Result<Page<TenantView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenants`], page after page.
    pub fn all_tenants(&self, query: &ListTenantsQuery) -> Pages<'_, TenantView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants"]).query(query.pairs()))
    }

    /// Adds a tenant.
    ///
    /// `POST /v1/tenants`. With a key of `operator:write`.
    pub async fn create_tenant(&self, body: &NewTenant) -> Result<TenantView, Error> {
        self.send(Request::new(Method::POST, &["v1", "tenants"]).json("application/json", body)?).await?.json()
    }

    /// Registers a project of a tenant.
    ///
    /// `POST /v1/tenants/{tenant}/projects`. With a key of `operator:write`.
    pub async fn create_tenant_project(&self, tenant: &str, body: &NewProject) -> Result<ProjectView, Error> {
        self.send(Request::new(Method::POST, &["v1", "tenants", tenant, "projects"]).json("application/json", body)?)
            .await?
            .json()
    }
}
