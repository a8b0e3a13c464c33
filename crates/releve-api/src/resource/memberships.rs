//! What is a person to whom? Roles with the operator or with a tenant: given, listed, taken away with the sessions that they opened.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_store::{
    audit_log::{self, Change},
    memberships::{self, Membership, Source},
};
use releve_types::ids::MembershipId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::users;
use crate::{
    AppState,
    auth::{OperatorWriteScope, Role},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Instant, PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(remove))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembership {
    /// By id.
    user: String,
    /// With which tenant, by id or name. If absent: with the operator.
    tenant: Option<String>,
    /// `viewer`, `billing` or `admin`.
    #[schema(example = "viewer")]
    role: String,
    /// When it ends by itself.
    until: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct MembershipView {
    id: String,
    user: String,
    /// None: the operator.
    tenant: Option<String>,
    role: String,
    /// `assigned`: a person gave it. `claim`: the identity provider's groups do, at each login.
    source: &'static str,
    until: Option<String>,
    created_at: String,
    created_by: String,
}

impl From<&Membership> for MembershipView {
    fn from(of: &Membership) -> Self {
        Self {
            id: of.id.to_string(),
            user: of.user.to_string(),
            tenant: of.tenant.map(|tenant| tenant.to_string()),
            role: of.role.clone(),
            source: of.source.name(),
            until: of.until.map(|at| at.to_string()),
            created_at: of.created_at.to_string(),
            created_by: of.created_by.clone(),
        }
    }
}

/// Gives a person a role, with the operator or with a tenant. There is one of each: to change it, take it away first.
#[utoipa::path(post, path = "/v1/memberships", tag = "access", request_body = NewMembership,
    responses((status = 201, body = MembershipView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewMembership>,
) -> Result<Response, Problem> {
    let role = Role::from_name(&input.role);
    let role = role.ok_or_else(|| Problem::field("role", "expected viewer, billing or admin"))?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            if input.until.as_ref().is_some_and(|at| at.0 <= now) {
                return Err(Problem::field("until", "it lies in the past"));
            }
            let user = users::known(conn, &input.user).await.map_err(|p| lookup::in_field(p, "user"))?;
            if user.erased_at.is_some() {
                return Err(Problem::field("user", "this person was erased"));
            }
            let tenant = lookup::tenant_if_named(conn, input.tenant.as_deref()).await?;
            let new = Membership {
                id: MembershipId::fresh(now),
                user: user.id,
                tenant,
                role: role.name().to_owned(),
                source: Source::Assigned,
                until: input.until.map(|at| at.0),
                created_at: now,
                created_by: actor.clone(),
            };
            if !memberships::insert(conn, &new).await? {
                return Err(Problem::new(Code::NameTaken, "the person has a role there: take it away first").at("user"));
            }
            let view = MembershipView::from(&new);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            let change = Change { actor, action: "membership.create", subject, before: None, after };
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
    /// Of this person only, by id.
    user: Option<String>,
    /// With this tenant only, by id or name.
    tenant: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists who is what to whom, in the order in which it was given.
#[utoipa::path(get, path = "/v1/memberships", tag = "access", params(Listing),
    responses((status = 200, body = Paged<MembershipView>)), security(("api_key" = ["operator:write"])))]
async fn list(
    _: OperatorWriteScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<MembershipView>>, Problem> {
    let request = format!("memberships of {:?} with {:?}", query.user, query.tenant);
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let user = query.user.as_deref().map(|user| lookup::parsed("user", user)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let tenant = lookup::tenant_if_named(&mut tx, query.tenant.as_deref()).await?;
    let rows = memberships::memberships(&mut tx, (user, tenant), after, query.limit.and_one()).await?;
    let view = |one: Membership| MembershipView::from(&one);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), view)?))
}

/// Takes a role away at once, with the sessions that it opened. One that the identity provider's groups give comes back at the next
/// login.
#[utoipa::path(delete, path = "/v1/memberships/{membership}", tag = "access", params(("membership" = String, Path)),
    responses((status = 204)), security(("api_key" = ["operator:write"])))]
async fn remove(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let missing = || Problem::not_found("membership", &reference);
            let id: MembershipId = reference.parse().map_err(|_| missing())?;
            let old = memberships::lock(conn, id).await?.ok_or_else(missing)?;
            memberships::remove(conn, old.id, now).await?;
            let (subject, before) = (old.id.to_string(), Some(json!(MembershipView::from(&old))));
            let change = Change { actor, action: "membership.remove", subject, before, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
