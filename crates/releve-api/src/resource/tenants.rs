//! Who uses? Tenants of accounts. A tenant without an account named gets one of its own.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    catalog,
    customers::{self, Party, Tenant},
};
use releve_types::{AccountId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accounts::{self, Opening};
use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope, TenantScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Name, PageLen, Params},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    name: Name,
    /// Who pays, by id or name. If absent, an account of the tenant's name is opened, and the next three fields
    /// say how.
    account: Option<String>,
    issuer: Option<String>,
    price_book: Option<String>,
    #[schema(example = "EUR")]
    currency: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TenantView {
    id: String,
    name: String,
    account: String,
    created_at: String,
}

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: tenant.id.to_string(),
            name: tenant.name.clone(),
            account: tenant.account.to_string(),
            created_at: tenant.created_at.to_string(),
        }
    }
}

/// Adds a tenant.
#[utoipa::path(post, path = "/v1/tenants", tag = "customers", request_body = NewTenant,
    responses((status = 201, body = TenantView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewTenant>,
) -> Result<Response, Problem> {
    for (field, given) in [("issuer", &input.issuer), ("price_book", &input.price_book), ("currency", &input.currency)]
    {
        if input.account.is_some() && given.is_some() {
            return Err(Problem::field(field, "the account that is named has one already"));
        }
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let name = input.name.0;
            let account = match &input.account {
                Some(reference) => {
                    lookup::account(conn, reference).await.map_err(|p| lookup::in_field(p, "account"))?
                }
                None => {
                    let party = Party { name: name.clone(), ..Party::default() };
                    let (issuer, price_book, currency) = (input.issuer, input.price_book, input.currency);
                    let opening = Opening { party, issuer, price_book, currency, ..Opening::default() };
                    accounts::open(conn, opening, &actor, now).await?
                }
            };
            let tenant = Tenant { id: TenantId::fresh(now), account: account.id, name, created_at: now };
            // Reports and readings are judged against who there is, so a new tenant moves the catalog.
            catalog::bump(conn).await?;
            if !customers::insert_tenant(conn, &tenant).await? {
                return Err(Problem::new(Code::NameTaken, "there is a tenant of this name").at("name"));
            }
            let view = TenantView::from(&tenant);
            let (subject, after) = (tenant.id.to_string(), Some(json!(view)));
            let change = Change { actor, action: "tenant.create", subject, before: None, after };
            audit_log::add(conn, &change, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this account only, by id or name.
    account: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists tenants by name.
#[utoipa::path(get, path = "/v1/tenants", tag = "customers", params(Listing),
    responses((status = 200, body = Paged<TenantView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<TenantView>>, Problem> {
    let request = format!("tenants of {}", query.account.as_deref().unwrap_or_default());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let account: Option<AccountId> = lookup::account_if_named(&mut tx, query.account.as_deref()).await?;
    let after = after.as_deref().unwrap_or_default();
    let rows = customers::tenants(&mut tx, account, after, query.limit.and_one()).await?;
    let view = |tenant: Tenant| TenantView::from(&tenant);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.name.clone(), view)?))
}

/// Shows a tenant, by id or name.
#[utoipa::path(get, path = "/v1/tenants/{tenant}", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantView)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn show(scope: TenantScope) -> Json<TenantView> {
    Json(TenantView::from(scope.tenant()))
}
