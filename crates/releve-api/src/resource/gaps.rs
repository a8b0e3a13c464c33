//! Which in-service time was never reported, whom does it concern, and who decided to bill around it?

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    gaps::{self, Acceptance, Concerned, Gap},
};
use releve_types::{Hour, NodeId, Period, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, FOR_THE_NEXT, Instant, Line, PageLen, Params, WholeHour},
    lookup,
    worth::gpu_hours,
    write::Answer,
};

/// The longest stretch that is looked through, in hours: a month and a day.
pub const STRETCH_HOURS_MAX: i64 = 32 * 24;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(accept))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// A whole UTC hour; a day before `to` if absent.
    #[param(inline)]
    from: Option<WholeHour>,
    /// A whole UTC hour, not included; the beginning of the current hour if absent.
    #[param(inline)]
    to: Option<WholeHour>,
    #[serde(default)]
    #[param(inline)]
    pub(super) limit: PageLen,
    pub(super) cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct GapView {
    node: String,
    name: String,
    from: String,
    to: String,
    /// Who held the node in the last window before or the first after; nobody: it holds no invoice back.
    concerned: Vec<ConcernedTenantView>,
}

#[derive(Serialize, ToSchema)]
pub struct ConcernedTenantView {
    tenant: String,
    /// What it may have cost: the held time of the neighbouring window, stretched over the gap.
    gpu_ms: i64,
    #[schema(example = "12.500")]
    gpu_hours: String,
}

impl From<&Concerned> for ConcernedTenantView {
    fn from(concerned: &Concerned) -> Self {
        Self { tenant: concerned.tenant.to_string(), gpu_ms: concerned.gpu_ms, gpu_hours: gpu_hours(concerned.gpu_ms) }
    }
}

impl From<&Gap> for GapView {
    fn from(gap: &Gap) -> Self {
        Self {
            node: gap.node.to_string(),
            name: gap.name.clone(),
            from: gap.from.to_string(),
            to: gap.to.to_string(),
            concerned: gap.concerned.iter().map(ConcernedTenantView::from).collect(),
        }
    }
}

impl Listing {
    /// Some hours that end with the current one's beginning, if nothing else is said.
    pub(super) fn stretch(&self, now: Timestamp) -> Result<Period, Problem> {
        let to = self.to.as_ref().map_or_else(|| now.hour(), |to| to.0);
        let from = self.from.as_ref().map_or_else(|| Hour::from_index(to.index() - 24), |from| from.0);
        let period = Period::of_hours(from, to).map_err(|error| Problem::field("to", error))?;
        if period.hours() > STRETCH_HOURS_MAX {
            return Err(Problem::field("to", format!("at most {STRETCH_HOURS_MAX} hours are looked through at once")));
        }
        Ok(period)
    }
}

/// Lists stretches in which a node was in service and said nothing, and that nobody accepted.
#[utoipa::path(get, path = "/v1/gaps", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<GapView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<GapView>>, Problem> {
    let period = query.stretch(app.now())?;
    let request = format!("gaps of {period}");
    let after: Option<(String, i64)> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let found = gaps::gaps(&mut tx, period).await?;
    let place = |gap: &Gap| (gap.node.to_string(), gap.from.as_millis());
    Ok(Json(Paged::of_all(found, (query.limit, after.as_ref()), &request, place, |gap| GapView::from(&gap))?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAcceptance {
    /// By id or name.
    node: String,
    from: Instant,
    /// Not included.
    to: Instant,
    /// Why it is billed around: what the next person, and the auditor, read.
    reason: Line,
}

#[derive(Serialize, ToSchema)]
pub struct AcceptanceView {
    node: String,
    from: String,
    to: String,
    reason: String,
    accepted_by: String,
}

/// Decides to bill around a missing stretch: it holds no invoice back any more. Kept for ever, and can't be undone;
/// what comes late all the same is counted.
#[utoipa::path(post, path = "/v1/gaps/accept", tag = "billing", request_body = NewAcceptance,
    responses((status = 201, body = AcceptanceView)), security(("api_key" = ["operator:write"])))]
async fn accept(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewAcceptance>,
) -> Result<Response, Problem> {
    input.reason.must_say_why(FOR_THE_NEXT)?;
    if input.to.0 <= input.from.0 {
        return Err(Problem::field("to", "a stretch ends after it starts"));
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            if input.to.0 > now {
                return Err(Problem::field("to", "what has not passed can't be missing"));
            }
            let node = lookup::node(conn, &input.node).await.map_err(|p| lookup::in_field(p, "node"))?;
            let acceptance = accepted(node.id, &input, &actor);
            if !gaps::accept(conn, &acceptance, now).await? {
                return Err(Problem::new(Code::AlreadyDecided, "this very stretch was accepted before").at("from"));
            }
            let view = AcceptanceView {
                node: node.id.to_string(),
                from: acceptance.from.to_string(),
                to: acceptance.to.to_string(),
                reason: acceptance.reason,
                accepted_by: acceptance.accepted_by,
            };
            let (subject, after) = (view.node.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "gap.accept", subject, before: None, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

fn accepted(node: NodeId, input: &NewAcceptance, actor: &str) -> Acceptance {
    Acceptance {
        node,
        from: input.from.0,
        to: input.to.0,
        reason: input.reason.0.clone(),
        accepted_by: actor.to_owned(),
    }
}
