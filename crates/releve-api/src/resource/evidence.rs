//! What did the nodes say? Signed reports that a tenant's hour came from, without a byte of anybody else's.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use releve_jobs::evidence::{self, Shown};
use releve_types::{NodeId, Period, Timestamp, time::MILLIS_PER_HOUR};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::TenantScope,
    cursor::{self, Paged},
    error::Problem,
    input::{PageLen, Params, WholeHour},
};

/// The longest stretch that is looked through, in hours.
pub const EVIDENCE_HOURS_MAX: i64 = 24;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asking {
    /// A whole UTC hour; the last full one if absent.
    #[param(inline)]
    from: Option<WholeHour>,
    /// A whole UTC hour, not included, at most 24 hours later; an hour after `from` if absent.
    #[param(inline)]
    to: Option<WholeHour>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// What of a counted report is a tenant's.
#[derive(Serialize, ToSchema)]
pub struct EvidenceView {
    node: String,
    window_start: String,
    keyid: String,
    /// Ed25519, in hexadecimal: what the node's signatures of this keyid verify with.
    public_key: Option<String>,
    /// Of the exact bytes of `head`, in base64.
    signature: String,
    /// JSON, as it was signed. It names the digest of each section.
    head: String,
    /// The tenant's own sections, each JSON as it was digested: SHA-256 of one of them stands in the head.
    segments: Vec<String>,
}

fn view(shown: Shown, keys: &BTreeMap<(NodeId, String), String>) -> EvidenceView {
    EvidenceView {
        node: shown.node.to_string(),
        window_start: shown.window_start.to_string(),
        public_key: keys.get(&(shown.node, shown.part.keyid.clone())).cloned(),
        keyid: shown.part.keyid,
        signature: shown.part.sig,
        head: shown.part.head,
        segments: shown.part.segments,
    }
}

/// Lists the signed reports that hold something of a tenant, by window and node: heads, signatures and the tenant's own sections. Of
/// days whose reports are archived, the invoice's evidence pack has them.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/evidence", tag = "tenant", params(("tenant" = String, Path), Asking),
    responses((status = 200, body = Paged<EvidenceView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(asking): Params<Asking>,
) -> Result<Json<Paged<EvidenceView>>, Problem> {
    let now = app.now();
    let from = asking.from.map_or_else(|| now.plus_millis(-MILLIS_PER_HOUR).hour(), |from| from.0);
    let to = asking.to.map_or_else(|| from.next(), |to| to.0);
    let stretch = Period::of_hours(from, to).map_err(|error| Problem::field("to", error))?;
    if stretch.hours() > EVIDENCE_HOURS_MAX {
        return Err(Problem::field("to", format!("at most {EVIDENCE_HOURS_MAX} hours are looked through at once")));
    }
    let request = format!("evidence of {} in {stretch}", scope.id());
    let after: Option<(Timestamp, NodeId)> = place(&request, asking.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let page = (after, asking.limit.and_one());
    let found = evidence::of_tenant(&mut tx, scope.id(), stretch, page, now).await;
    let (found, fleet) = found.map_err(|error| Problem::internal(&error))?;
    tx.commit().await?;
    let keys = fleet.nodes.into_iter().flat_map(|facts| {
        let node = facts.node;
        facts.keys.into_iter().map(move |key| ((node, key.keyid), key.public_key))
    });
    let keys: BTreeMap<(NodeId, String), String> = keys.collect();
    let last = |shown: &Shown| (shown.window_start.as_millis(), shown.node.to_string());
    Ok(Json(Paged::of(found, asking.limit, &request, last, |shown| view(shown, &keys))?))
}

fn place(request: &str, cursor: Option<&str>) -> Result<Option<(Timestamp, NodeId)>, Problem> {
    let after: Option<(i64, String)> = cursor::decode(request, cursor)?;
    let parsed = |(at, node): (i64, String)| Ok((cursor::instant(at)?, crate::lookup::parsed("cursor", &node)?));
    after.map(parsed).transpose()
}
