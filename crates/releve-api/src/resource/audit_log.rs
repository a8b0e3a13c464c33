//! Who changed what, and when?

use axum::{Json, extract::State};
use releve_store::audit_log::{self, Entry};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::OperatorScope,
    cursor::{self, Paged},
    error::Problem,
    input::{PageLen, Params},
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
pub struct AuditEntryView {
    entry: i64,
    at: String,
    /// The API key's name and id, or the program.
    actor: String,
    #[schema(example = "price.create")]
    action: String,
    /// The id of what was changed.
    subject: String,
    before: Option<Value>,
    after: Option<Value>,
    /// SHA-256 over the entry and the seal before it, in hex; none for up to a minute. Noted elsewhere, it proves later that nothing
    /// up to it was touched: `releve audit` recomputes the chain.
    seal: Option<String>,
}

impl From<Entry> for AuditEntryView {
    fn from(entry: Entry) -> Self {
        Self {
            entry: entry.entry,
            at: entry.at.to_string(),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            before: entry.before,
            after: entry.after,
            seal: entry.seal,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this id only.
    subject: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists changes, the newest first.
#[utoipa::path(get, path = "/v1/audit-log", tag = "access", params(Listing),
    responses((status = 200, body = Paged<AuditEntryView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<AuditEntryView>>, Problem> {
    let request = format!("audit log of {}", query.subject.as_deref().unwrap_or_default());
    let before: Option<i64> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let rows = audit_log::entries(&mut tx, query.subject.as_deref(), before, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.entry, AuditEntryView::from)?))
}
