//! What is a tenant's allocation called? Names, users and labels, as nodes reported them, unless they were erased.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use releve_store::usage_views::{self, Allocation};
use releve_types::AllocationId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::TenantScope,
    cursor::{self, Paged},
    error::Problem,
    input::{PageLen, Params},
    lookup,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
pub struct AllocationView {
    id: String,
    tenant_key: String,
    /// As the node's scheduler calls it.
    alloc: String,
    first_seen: String,
    name: Option<String>,
    user: Option<String>,
    labels: BTreeMap<String, String>,
}

impl From<Allocation> for AllocationView {
    fn from(allocation: Allocation) -> Self {
        Self {
            id: allocation.id.to_string(),
            tenant_key: allocation.tenant_key,
            alloc: allocation.alloc,
            first_seen: allocation.first_seen.to_string(),
            name: allocation.name,
            user: allocation.user,
            labels: allocation.labels,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// `<name>=<value>`: those with this label only.
    label: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists a tenant's allocations.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/allocations", tag = "tenant", params(("tenant" = String, Path), Listing),
    responses((status = 200, body = Paged<AllocationView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<AllocationView>>, Problem> {
    let label = match query.label.as_deref().map(|label| label.split_once('=')) {
        Some(None) => return Err(Problem::field("label", "expected <name>=<value>")),
        Some(pair) => pair,
        None => None,
    };
    let request = format!("allocations of {} {label:?}", scope.id());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after: Option<AllocationId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = scope.begin(&app).await?;
    let rows = usage_views::allocations(&mut tx, scope.id(), label, after, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), AllocationView::from)?))
}
