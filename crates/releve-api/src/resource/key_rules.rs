//! Who is behind a tenant key? Dated rules; a change is a new rule.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    catalog,
    rules::{self, KeyRule},
};
use releve_types::{TenantId, TenantKey, ids::KeyRuleId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::Problem,
    input::{Command, PageLen, Params, WholeHour},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeyRule {
    /// `k8s:<cluster>/<namespace>`, `slurm:<cluster>/<account>` or `static:<name>`.
    #[schema(example = "slurm:jz/abc")]
    key: String,
    /// By id or name. Null: nobody, so usage under this key goes to suspense from then on.
    #[serde(deserialize_with = "Option::deserialize")]
    tenant: Option<String>,
    /// The current whole hour if absent. What was counted before the rule was written stays where it is until it
    /// is re-attributed.
    from: Option<WholeHour>,
}

#[derive(Serialize, ToSchema)]
pub struct KeyRuleView {
    id: String,
    key: String,
    tenant: Option<String>,
    from: String,
    created_at: String,
    created_by: String,
}

impl From<&KeyRule> for KeyRuleView {
    fn from(rule: &KeyRule) -> Self {
        Self {
            id: rule.id.to_string(),
            key: rule.key.to_string(),
            tenant: rule.tenant.map(|tenant: TenantId| tenant.to_string()),
            from: rule.from.to_string(),
            created_at: rule.created_at.to_string(),
            created_by: rule.created_by.clone(),
        }
    }
}

/// Says who is behind a tenant key from an hour on.
#[utoipa::path(post, path = "/v1/key-rules", tag = "catalog", request_body = NewKeyRule,
    responses((status = 201, body = KeyRuleView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewKeyRule>,
) -> Result<Response, Problem> {
    let key: TenantKey = lookup::parsed("key", &input.key)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let tenant = lookup::tenant_if_named(conn, input.tenant.as_deref()).await?;
            let from = input.from.map_or_else(|| now.hour(), |from| from.0);
            let (id, created_by) = (KeyRuleId::fresh(now), actor.clone());
            let rule = KeyRule { id, key, from, tenant, created_at: now, created_by };
            let version = catalog::bump(conn).await?;
            rules::append(conn, &rule, version).await?;
            let view = KeyRuleView::from(&rule);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            let change = Change { actor, action: "key_rule.create", subject, before: None, after };
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
    /// Of this tenant key only.
    key: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists rules in the order they were written.
#[utoipa::path(get, path = "/v1/key-rules", tag = "catalog", params(Listing),
    responses((status = 200, body = Paged<KeyRuleView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<KeyRuleView>>, Problem> {
    let key: Option<TenantKey> = query.key.as_deref().map(|key| lookup::parsed("key", key)).transpose()?;
    let request = format!("key rules of {}", query.key.as_deref().unwrap_or_default());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after: Option<KeyRuleId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let rows = rules::rules(&mut tx, key.as_ref(), after, query.limit.and_one()).await?;
    let view = |rule: KeyRule| KeyRuleView::from(&rule);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), view)?))
}
