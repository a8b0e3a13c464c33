//! What can be asked about `budgets`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::MoneyView;
use crate::{Client, Error, Page, Pages, Paging, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BudgetChange {
    /// Of a budget in money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Of a budget in GPU-hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_hours: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<u32>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BudgetStandingView {
    /// What was counted until then is in it.
    pub as_of: String,
    pub budget: BudgetView,
    /// What the month comes to if it goes on like this; none in its first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast_percent: Option<u32>,
    pub limit: String,
    /// A currency, or GPU-hours.
    pub unit: String,
    /// Of the current month, a decimal in `unit`.
    pub used: String,
    /// Of the limit, cut off.
    pub used_percent: u32,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BudgetView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<MoneyView>,
    pub basis: String,
    pub created_at: String,
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_hours: Option<i64>,
    pub hard: bool,
    pub id: String,
    pub name: String,
    /// None: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// None: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub tenant: String,
    pub thresholds: Vec<u32>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EntitlementReason {
    pub budget: String,
    pub limit: String,
    pub name: String,
    /// A currency, or GPU-hours.
    pub unit: String,
    pub used: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EntitlementView {
    pub allowed: bool,
    /// What was counted until then is in it.
    pub as_of: String,
    /// The hard budgets that are used up, or do not last an hour.
    pub reasons: Vec<EntitlementReason>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewBudget {
    /// In the account's currency, without taxes. Either this or `gpu_hours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// `actual` (if absent): what was used. `forecast`: what the month comes to if it goes on like that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_hours: Option<i64>,
    /// A quota: nothing more may be started once it is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard: Option<bool>,
    pub name: String,
    /// Usage of this project only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Usage of this SKU only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// In percent, 1 to 1000, at most 10; 80 and 100 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<u32>>,
}

/// What [`Client::get_tenant_entitlement`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GetTenantEntitlementQuery {
    /// Budgets of another project do not count.
    pub project: Option<String>,
    /// Budgets of another SKU do not count.
    pub sku: Option<String>,
    /// How many GPUs are to be started: what is left of a budget in GPU-hours has to last them an hour.
    pub gpus: Option<String>,
}

impl GetTenantEntitlementQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("project", self.project.as_ref().map(ToString::to_string)),
            ("sku", self.sku.as_ref().map(ToString::to_string)),
            ("gpus", self.gpus.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists a tenant's budgets in the order they were made, with what is used of each in the current month.
    ///
    /// `GET /v1/tenants/{tenant}/budget-standings`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_budget_standings(&self, tenant: &str) -> Result<Page<BudgetStandingView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "budget-standings"])).await?.json()
    }

    /// Lists a tenant's budgets in the order they were made.
    ///
    /// `GET /v1/tenants/{tenant}/budgets`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_budgets(&self, tenant: &str, query: &Paging) -> Result<Page<BudgetView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "budgets"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_budgets`], page after page.
    pub fn all_tenant_budgets(&self, tenant: &str, query: &Paging) -> Pages<'_, BudgetView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "budgets"]).query(query.pairs()))
    }

    /// Makes a budget of a tenant. It is judged at once. A tenant has at most 100.
    ///
    /// `POST /v1/tenants/{tenant}/budgets`. With a key of one of `tenant:billing`, `operator:write`.
    pub async fn create_tenant_budget(&self, tenant: &str, body: &NewBudget) -> Result<BudgetView, Error> {
        self.send(Request::new(Method::POST, &["v1", "tenants", tenant, "budgets"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Shows a budget.
    ///
    /// `GET /v1/tenants/{tenant}/budgets/{budget}`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_budget(&self, tenant: &str, budget: &str) -> Result<BudgetView, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "budgets", budget])).await?.json()
    }

    /// Removes a budget. What it told of stays among the alerts.
    ///
    /// `DELETE /v1/tenants/{tenant}/budgets/{budget}`. With a key of one of `tenant:billing`, `operator:write`.
    pub async fn delete_tenant_budget(&self, tenant: &str, budget: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "tenants", tenant, "budgets", budget])).await?.nothing()
    }

    /// Changes a budget. What is not given stays. Thresholds that a higher limit leaves unreached may fire again.
    ///
    /// `PATCH /v1/tenants/{tenant}/budgets/{budget}`. With a key of one of `tenant:billing`, `operator:write`.
    pub async fn update_tenant_budget(
        &self,
        tenant: &str,
        budget: &str,
        body: &BudgetChange,
    ) -> Result<BudgetView, Error> {
        self.send(
            Request::new(Method::PATCH, &["v1", "tenants", tenant, "budgets", budget])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Says whether a tenant may start more, by its hard budgets and what was counted of this month until now.
    /// Whoever starts workloads asks it; it keeps nobody from anything by itself.
    ///
    /// `GET /v1/tenants/{tenant}/entitlement`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_tenant_entitlement(
        &self,
        tenant: &str,
        query: &GetTenantEntitlementQuery,
    ) -> Result<EntitlementView, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "entitlement"]).query(query.pairs()))
            .await?
            .json()
    }
}
