//! Who looks at the web pages? Sessions: credentials of this API that end by themselves, and the links that start one.
//!
//! An operator's program makes a link for a tenant whose person it knows, as a cloud's own console does, and sends the person
//! there. Whoever follows it gets a session of this tenant, once, that may what the link's role may.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse, response::Response};
use releve_store::{
    api_keys::{self, CredentialKind},
    audit_log::{self, Change},
    customers, users,
};
use releve_types::{Timestamp, time::MILLIS_PER_SECOND};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{BeginScope, OperatorWriteScope, ReaderScope, Role, Scope, mint},
    error::{Code, Problem},
    input::{Command, Repeat},
    lookup,
    write::Answer,
};

/// How long a session lasts at most, in seconds: a working day.
pub const SESSION_SECONDS_MAX: i64 = 8 * 60 * 60;
/// How long a link waits to be followed at most, in seconds.
pub const LINK_SECONDS_MAX: i64 = 15 * 60;
/// How long it waits unless told.
pub const LINK_SECONDS_DEFAULT: i64 = 5 * 60;
/// Where links lead, on the server that serves the pages.
pub const LINK_PATH: &str = "/portal/enter/";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_link)).routes(routes!(begin)).routes(routes!(show, end))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPortalLink {
    /// Whose pages, by id or name.
    tenant: String,
    /// `viewer` (if absent) reads this tenant and changes nothing; `billing` also changes its budgets; `admin` also its keys and
    /// webhook endpoints.
    #[schema(example = "viewer")]
    role: Option<String>,
    /// How long it waits to be followed: 1 to 900; 300 if absent.
    ttl_seconds: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct PortalLinkView {
    /// Relative to this server. It is not kept: this is the only time it is shown.
    #[schema(example = "/portal/enter/rll_…")]
    url: String,
    tenant: String,
    role: &'static str,
    expires_at: String,
}

#[derive(Serialize, ToSchema)]
pub struct NewSessionView {
    /// The credential, a bearer token. It is not kept: this is the only time it is shown.
    pub(super) session: String,
    #[serde(flatten)]
    pub(super) about: SessionView,
}

#[derive(Serialize, ToSchema)]
pub struct SessionView {
    id: String,
    /// `session`, or `key` where a key asks.
    kind: &'static str,
    /// Of the key that it came from, or of the person.
    name: String,
    /// Of a person's: who.
    user: Option<String>,
    scopes: Vec<String>,
    /// The one that it reads; none of an operator's.
    tenant: Option<SessionTenantView>,
    expires_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SessionTenantView {
    id: String,
    name: String,
}

/// Makes a link that starts a session of a tenant, once. Takes no idempotency key: the link is not kept.
#[utoipa::path(post, path = "/v1/portal-links", tag = "access", request_body = NewPortalLink,
    responses((status = 201, body = PortalLinkView)), security(("api_key" = ["operator:write"])))]
async fn create_link(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewPortalLink>,
) -> Result<Response, Problem> {
    if repeat.key.is_some() {
        return Err(Problem::new(Code::IdempotencyNotOffered, "a link's text is never kept").at("Idempotency-Key"));
    }
    let role = input.role.as_deref().map_or(Some(Role::Viewer), Role::from_name);
    let role = role.ok_or_else(|| Problem::field("role", "expected viewer, billing or admin"))?;
    let seconds = input.ttl_seconds.unwrap_or(LINK_SECONDS_DEFAULT);
    if !(1..=LINK_SECONDS_MAX).contains(&seconds) {
        return Err(Problem::field("ttl_seconds", format!("a link waits 1 to {LINK_SECONDS_MAX} s")));
    }
    let (actor, maker) = (scope.caller().actor(), scope.caller().record().clone());
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let tenant = lookup::tenant(conn, &input.tenant).await.map_err(|p| lookup::in_field(p, "tenant"))?;
            let expires_at = until(now, seconds, maker.expires_at);
            let made_by = maker.made_by.unwrap_or(maker.id);
            let minted = mint("portal link", role.of_tenant(), Some(tenant.id), &actor, now)?;
            let minted = minted.from_key(CredentialKind::Link, made_by, expires_at)?;
            api_keys::insert(conn, &minted.record).await?;
            let after = Some(
                json!({ "tenant": tenant.id.to_string(), "role": role.name(), "expires_at": expires_at.to_string() }),
            );
            let subject = minted.record.id.to_string();
            audit_log::add(conn, &Change { actor, action: "portal_link.create", subject, before: None, after }, now)
                .await?;
            Answer::created(&PortalLinkView {
                url: format!("{LINK_PATH}{}", minted.secret),
                tenant: tenant.id.to_string(),
                role: role.name(),
                expires_at: expires_at.to_string(),
            })
        })
    })
    .await
}

/// What comes from a key ends with it.
fn until(now: Timestamp, seconds: i64, ends: Option<Timestamp>) -> Timestamp {
    let at = now.plus_millis(seconds * MILLIS_PER_SECOND);
    ends.map_or(at, |ends| ends.min(at))
}

/// Starts a session of at most 8 hours with what its key may read and change. The bearer is a key, or a link, which is
/// used up by it. A session starts none.
#[utoipa::path(post, path = "/v1/sessions", tag = "access", responses((status = 201, body = NewSessionView)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn begin(scope: BeginScope, State(app): State<AppState>) -> Result<Response, Problem> {
    let from = scope.caller().record().clone();
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let of_link = from.kind == CredentialKind::Link;
            if of_link && !api_keys::use_up(conn, from.id, now).await? {
                return Err(Problem::new(Code::Unauthorized, "the link was used before").because("revoked"));
            }
            let scopes = Scope::OF_PAGES.into_iter().filter(|s| from.scopes.contains(&s.to_string()));
            let scopes: Vec<Scope> = scopes.collect();
            // A link's own end says when it has to be followed by, and nothing of what it starts.
            let expires_at = until(now, SESSION_SECONDS_MAX, from.expires_at.filter(|_| !of_link));
            let minted = mint(&from.name, &scopes, from.tenant, &actor, now)?;
            let minted = minted.from_key(CredentialKind::Session, from.made_by.unwrap_or(from.id), expires_at)?;
            api_keys::insert(conn, &minted.record).await?;
            let about = view(conn, &minted.record).await?;
            let (subject, after) = (about.id.clone(), Some(json!({ "expires_at": about.expires_at })));
            audit_log::add(conn, &Change { actor, action: "session.begin", subject, before: None, after }, now).await?;
            Answer::created(&NewSessionView { session: minted.secret, about })
        })
    })
    .await
}

pub(super) async fn view(conn: &mut sqlx::PgConnection, of: &api_keys::ApiKey) -> Result<SessionView, Problem> {
    let tenant = match of.tenant {
        Some(id) => customers::tenant(conn, id).await?,
        None => None,
    };
    let user = match of.person {
        Some((id, _)) => users::user(conn, id).await?,
        None => None,
    };
    let name = user.and_then(|user| user.name.or(user.email)).unwrap_or_else(|| of.name.clone());
    Ok(SessionView {
        id: of.id.to_string(),
        kind: of.kind.name(),
        name,
        user: of.person.map(|(user, _)| user.to_string()),
        scopes: of.scopes.clone(),
        tenant: tenant.map(|tenant| SessionTenantView { id: tenant.id.to_string(), name: tenant.name }),
        expires_at: of.expires_at.map(|at| at.to_string()),
    })
}

/// Says who is asking: what the bearer may do, and until when.
#[utoipa::path(get, path = "/v1/session", tag = "access", responses((status = 200, body = SessionView)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn show(scope: ReaderScope, State(app): State<AppState>) -> Result<Json<SessionView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    Ok(Json(view(&mut tx, scope.caller().record()).await?))
}

/// Ends the session that asks, at once. A key has none to end.
#[utoipa::path(delete, path = "/v1/session", tag = "access", responses((status = 204)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn end(scope: ReaderScope, State(app): State<AppState>) -> Result<Response, Problem> {
    let (id, actor) = (scope.caller().key(), scope.caller().actor());
    if scope.caller().record().kind != CredentialKind::Session {
        return Err(Problem::not_found("session", &id.to_string()));
    }
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            api_keys::revoke(conn, id, now).await?;
            let change = Change { actor, action: "session.end", subject: id.to_string(), before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
