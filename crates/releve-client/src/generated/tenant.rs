//! What can be asked about `tenant`, and what is answered? Made from docs/openapi.json.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AgreementView, CreditView, ForecastView, InvoiceView, MoneyView, ProjectView, SpendView, TenantView, TierView,
    UnpricedView,
};
use crate::{Client, Error, Page, Pages, Paging, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AllocationView {
    /// As the node's scheduler calls it.
    pub alloc: String,
    pub first_seen: String,
    pub id: String,
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub tenant_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What of a counted report is a tenant's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EvidenceView {
    /// JSON, as it was signed. It names the digest of each section.
    pub head: String,
    pub keyid: String,
    pub node: String,
    /// Ed25519, in hexadecimal: what the node's signatures of this keyid verify with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The tenant's own sections, each JSON as it was digested: SHA-256 of one of them stands in the head.
    pub segments: Vec<String>,
    /// Of the exact bytes of `head`, in base64.
    pub signature: String,
    pub window_start: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SpendPartView {
    pub amount: MoneyView,
    pub energy_mj: i64,
    /// Held, whatever it is charged as.
    pub gpu_ms: i64,
    /// Of the SKU or of the project, which may have none.
    pub name: String,
}

/// What parts of a spend come to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SpendPartsView {
    /// How many there are in all.
    pub count: u64,
    /// At most 100, the largest amount first.
    pub largest: Vec<SpendPartView>,
}

/// A spend without its charges.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SpendSummaryView {
    pub account: String,
    /// Until when usage is in it, as far as it has arrived.
    pub as_of: String,
    pub by_project: SpendPartsView,
    pub by_sku: SpendPartsView,
    /// How many charges make up the total.
    pub charges: u64,
    /// What the month comes to if it goes on like that. Absent while less than 24 hours of it have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastView>,
    pub month: String,
    /// What its account owes as a whole beside it. In no tenant's total.
    pub of_account: MoneyView,
    /// Not included.
    pub period_end: String,
    pub period_start: String,
    pub tenant: String,
    /// The sum of the charges, each rounded as on an invoice, without taxes.
    pub total: MoneyView,
    /// Usage that has no price yet: in no amount, and never for free.
    pub unpriced: Vec<UnpricedView>,
}

/// A stretch in which a node that the tenant held before or after was in service and said nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TenantGapView {
    /// Whether it was decided to bill around it. If not, it holds the invoice back.
    pub accepted: bool,
    /// What was reported and decided until then is in it.
    pub as_of: String,
    pub from: String,
    pub gpu_hours: String,
    /// What the tenant may have held in it: its held time of the neighbouring window, stretched over the gap.
    pub gpu_ms: i64,
    pub node: String,
    pub to: String,
}

/// A price of the tenant's contract.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TenantPriceView {
    pub currency: String,
    pub from: String,
    /// per_unit, graduated, volume or package.
    pub model: String,
    /// What the price is for: as in `GPU-hour`, or `package of 10 × million tokens`.
    pub priced_per: String,
    pub rounding: String,
    pub sku: String,
    /// Filled by the usage of the whole account.
    pub tiers: Vec<TierView>,
    pub unit: String,
    /// When another price, or another price book, takes its place; none as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsageView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation: Option<String>,
    /// What was counted until then is in it.
    pub as_of: String,
    pub energy_mj: i64,
    pub from: String,
    /// The label's value; empty for allocations without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// In base units: milliseconds for GPU time.
    pub quantity: i64,
    pub sku: String,
    pub to: String,
    pub unit: String,
}

/// What [`Client::list_tenant_allocations`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantAllocationsQuery {
    /// `<name>=<value>`: those with this label only.
    pub label: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantAllocationsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("label", self.label.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_tenant_evidence`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantEvidenceQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantEvidenceQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::get_tenant_focus`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GetTenantFocusQuery {
    /// A month of the seller's zone, `YYYY-MM`; the current one if absent.
    pub period: Option<String>,
    /// `csv` (the default) or `parquet`.
    pub format: Option<String>,
}

impl GetTenantFocusQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("period", self.period.as_ref().map(ToString::to_string)),
            ("format", self.format.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_tenant_gaps`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantGapsQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantGapsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::get_tenant_spend`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GetTenantSpendQuery {
    /// A month of the seller's zone, `YYYY-MM`; the current one if absent.
    pub month: Option<String>,
}

impl GetTenantSpendQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("month", self.month.as_ref().map(ToString::to_string))]
    }
}

/// What [`Client::get_tenant_spend_summary`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GetTenantSpendSummaryQuery {
    /// A month of the seller's zone, `YYYY-MM`; the current one if absent.
    pub month: Option<String>,
}

impl GetTenantSpendSummaryQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("month", self.month.as_ref().map(ToString::to_string))]
    }
}

/// What [`Client::list_tenant_usage`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantUsageQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// `hour`, `day` (of the seller's zone, so that a month's days add up to its invoice) or `all`; day if absent.
    pub interval: Option<String>,
    /// `project`, `allocation` or `label:<name>`; whole if absent. Readings belong to no allocation.
    pub by: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantUsageQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("interval", self.interval.as_ref().map(ToString::to_string)),
            ("by", self.by.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Shows a tenant, by id or name.
    ///
    /// `GET /v1/tenants/{tenant}`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant(&self, tenant: &str) -> Result<TenantView, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant])).await?.json()
    }

    /// Lists what a tenant's account agreed to beside its price books and has not ended, by start: reservations,
    /// discounts, fees and minimum spends. Discounts of other tenants' projects are left out.
    ///
    /// `GET /v1/tenants/{tenant}/agreements`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_agreements(&self, tenant: &str) -> Result<Page<AgreementView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "agreements"])).await?.json()
    }

    /// Lists a tenant's allocations.
    ///
    /// `GET /v1/tenants/{tenant}/allocations`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_allocations(
        &self,
        tenant: &str,
        query: &ListTenantAllocationsQuery,
    ) -> Result<Page<AllocationView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "allocations"]).query(query.pairs()))
            .await?
            .json()
    }

    /// As [`Client::list_tenant_allocations`], page after page.
    pub fn all_tenant_allocations(
        &self,
        tenant: &str,
        query: &ListTenantAllocationsQuery,
    ) -> Pages<'_, AllocationView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "allocations"]).query(query.pairs()))
    }

    /// Lists what a tenant's account may draw on. A credit is the account's: all its tenants see it.
    ///
    /// `GET /v1/tenants/{tenant}/credits`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_credits(&self, tenant: &str) -> Result<Page<CreditView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "credits"])).await?.json()
    }

    /// Lists the signed reports that hold something of a tenant, by window and node: heads, signatures and the
    /// tenant's own sections. Of days whose reports are archived, the invoice's evidence pack has them.
    ///
    /// `GET /v1/tenants/{tenant}/evidence`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_evidence(
        &self,
        tenant: &str,
        query: &ListTenantEvidenceQuery,
    ) -> Result<Page<EvidenceView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "evidence"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_evidence`], page after page.
    pub fn all_tenant_evidence(&self, tenant: &str, query: &ListTenantEvidenceQuery) -> Pages<'_, EvidenceView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "evidence"]).query(query.pairs()))
    }

    /// Gives a month of a tenant's account in FOCUS 1.2 (Cost and Usage): its documents by allocation and day with
    /// tax, commitments, credits and rounding, so that each invoice's BilledCost sums up to what is due on it, and
    /// what is not invoiced yet. Of other tenants of the account, what stands on its invoice, without their
    /// allocations.
    ///
    /// `GET /v1/tenants/{tenant}/focus`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_focus(&self, tenant: &str, query: &GetTenantFocusQuery) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "focus"]).query(query.pairs())).await?.bytes()
    }

    /// Lists gaps that concern a tenant, by time, accepted ones among them.
    ///
    /// `GET /v1/tenants/{tenant}/gaps`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_gaps(
        &self,
        tenant: &str,
        query: &ListTenantGapsQuery,
    ) -> Result<Page<TenantGapView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "gaps"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_gaps`], page after page.
    pub fn all_tenant_gaps(&self, tenant: &str, query: &ListTenantGapsQuery) -> Pages<'_, TenantGapView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "gaps"]).query(query.pairs()))
    }

    /// Lists the issued invoices of a tenant's account. An invoice is the account's: it shows all its tenants.
    ///
    /// `GET /v1/tenants/{tenant}/invoices`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_invoices(&self, tenant: &str, query: &Paging) -> Result<Page<InvoiceView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "invoices"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_invoices`], page after page.
    pub fn all_tenant_invoices(&self, tenant: &str, query: &Paging) -> Pages<'_, InvoiceView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "invoices"]).query(query.pairs()))
    }

    /// Gives an issued invoice of a tenant's account as JSON.
    ///
    /// `GET /v1/tenants/{tenant}/invoices/{invoice}`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_invoice(&self, tenant: &str, invoice: &str) -> Result<Value, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "invoices", invoice])).await?.json()
    }

    /// Gives an issued invoice of a tenant's account as an electronic one of EN 16931, in `ubl` or `cii`.
    ///
    /// `GET /v1/tenants/{tenant}/invoices/{invoice}/electronic/{syntax}`. With a key of one of `tenant:read`,
    /// `operator:read`.
    pub async fn get_tenant_invoice_electronic(
        &self,
        tenant: &str,
        invoice: &str,
        syntax: &str,
    ) -> Result<String, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "invoices", invoice, "electronic", syntax]))
            .await?
            .text()
    }

    /// Gives the evidence pack of an issued invoice of a tenant's account.
    ///
    /// `GET /v1/tenants/{tenant}/invoices/{invoice}/pack`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_invoice_pack(&self, tenant: &str, invoice: &str) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "invoices", invoice, "pack"])).await?.bytes()
    }

    /// Gives an issued invoice of a tenant's account as a page.
    ///
    /// `GET /v1/tenants/{tenant}/invoices/{invoice}/page`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_invoice_page(&self, tenant: &str, invoice: &str) -> Result<String, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "invoices", invoice, "page"])).await?.text()
    }

    /// Gives an issued invoice of a tenant's account as a PDF/A-3b, with the electronic invoice in it where there
    /// is one.
    ///
    /// `GET /v1/tenants/{tenant}/invoices/{invoice}/pdf`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_invoice_pdf(&self, tenant: &str, invoice: &str) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "invoices", invoice, "pdf"])).await?.bytes()
    }

    /// Lists the prices that hold for a tenant now and, as far as they are known, later, by SKU and start.
    ///
    /// `GET /v1/tenants/{tenant}/prices`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_prices(&self, tenant: &str, query: &Paging) -> Result<Page<TenantPriceView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "prices"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_prices`], page after page.
    pub fn all_tenant_prices(&self, tenant: &str, query: &Paging) -> Pages<'_, TenantPriceView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "prices"]).query(query.pairs()))
    }

    /// Lists a tenant's registered projects by name.
    ///
    /// `GET /v1/tenants/{tenant}/projects`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_projects(&self, tenant: &str, query: &Paging) -> Result<Page<ProjectView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "projects"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_projects`], page after page.
    pub fn all_tenant_projects(&self, tenant: &str, query: &Paging) -> Pages<'_, ProjectView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "projects"]).query(query.pairs()))
    }

    /// Shows what a tenant's month costs so far.
    ///
    /// `GET /v1/tenants/{tenant}/spend`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_spend(&self, tenant: &str, query: &GetTenantSpendQuery) -> Result<SpendView, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "spend"]).query(query.pairs())).await?.json()
    }

    /// Shows what a tenant's month comes to so far, by SKU and by project, without its charges.
    ///
    /// `GET /v1/tenants/{tenant}/spend/summary`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_spend_summary(
        &self,
        tenant: &str,
        query: &GetTenantSpendSummaryQuery,
    ) -> Result<SpendSummaryView, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "spend", "summary"]).query(query.pairs()))
            .await?
            .json()
    }

    /// Shows what a tenant used, by time and SKU.
    ///
    /// `GET /v1/tenants/{tenant}/usage`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_usage(
        &self,
        tenant: &str,
        query: &ListTenantUsageQuery,
    ) -> Result<Page<UsageView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "usage"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_usage`], page after page.
    pub fn all_tenant_usage(&self, tenant: &str, query: &ListTenantUsageQuery) -> Pages<'_, UsageView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "usage"]).query(query.pairs()))
    }
}
