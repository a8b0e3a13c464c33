//! Who are the people? Invited, listed, and erased: their data stands in one row, and goes with it.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_store::{
    audit_log::{self, Change},
    memberships,
    users::{self, User},
};
use releve_types::ids::UserId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::OperatorWriteScope,
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Line, Page, Params, PathOf, Repeat},
    lookup,
    sign_in::MEMBERSHIPS_LEN_MAX,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(invite, list)).routes(routes!(show, erase))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// As the identity provider will say that it has verified it.
    #[schema(example = "ada@example.com")]
    email: Line,
    name: Option<Line>,
}

#[derive(Serialize, ToSchema)]
pub struct UserView {
    id: String,
    /// The identity provider; none of who was invited and has not come yet.
    issuer: Option<String>,
    subject: Option<String>,
    email: Option<String>,
    name: Option<String>,
    created_at: String,
    last_login_at: Option<String>,
    erased_at: Option<String>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let (issuer, subject) = user.known_as.unzip();
        Self {
            id: user.id.to_string(),
            issuer,
            subject,
            email: user.email,
            name: user.name,
            created_at: user.created_at.to_string(),
            last_login_at: user.last_login_at.map(|at| at.to_string()),
            erased_at: user.erased_at.map(|at| at.to_string()),
        }
    }
}

pub(super) async fn known(conn: &mut PgConnection, reference: &str) -> Result<User, Problem> {
    let missing = || Problem::not_found("user", reference);
    let id: UserId = reference.parse().map_err(|_| missing())?;
    users::user(conn, id).await?.ok_or_else(missing)
}

/// Invites a person, so that they can be given roles before they first sign in: then the identity provider has to vouch for the
/// address. Sends nothing. Takes no idempotency key: its answer would keep personal data.
#[utoipa::path(post, path = "/v1/users", tag = "access", request_body = NewUser,
    responses((status = 201, body = UserView)), security(("api_key" = ["operator:write"])))]
async fn invite(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewUser>,
) -> Result<Response, Problem> {
    if repeat.key.is_some() {
        let detail = "personal data is kept in one place, and no answer is";
        return Err(Problem::new(Code::IdempotencyNotOffered, detail).at("Idempotency-Key"));
    }
    let (email, name) = (input.email.0, input.name.map(|name| name.0));
    let looks_like_one = email.split_once('@').is_some_and(|(who, at)| !who.is_empty() && at.contains('.'));
    if !looks_like_one || email.contains(char::is_whitespace) {
        return Err(Problem::field("email", "expected an address like ada@example.com"));
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let id = UserId::fresh(now);
            if !users::invite(conn, id, &email, name.as_deref(), now).await? {
                return Err(Problem::new(Code::NameTaken, "somebody with this address was invited before").at("email"));
            }
            let subject = id.to_string();
            // Who it is stands in one place, and not in the log.
            let change = Change { actor, action: "user.invite", subject, before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::created(&UserView::from(known(conn, &id.to_string()).await?))
        })
    })
    .await
}

/// Lists the people in the order in which they became known.
#[utoipa::path(get, path = "/v1/users", tag = "access", params(Page),
    responses((status = 200, body = Paged<UserView>)), security(("api_key" = ["operator:write"])))]
async fn list(
    _: OperatorWriteScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<UserView>>, Problem> {
    let after: Option<String> = cursor::decode("users", query.cursor.as_deref())?;
    let after = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let rows = users::users(&mut tx, after, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, "users", |last| last.id.to_string(), UserView::from)?))
}

/// Shows a person.
#[utoipa::path(get, path = "/v1/users/{user}", tag = "access", params(("user" = String, Path)),
    responses((status = 200, body = UserView)), security(("api_key" = ["operator:write"])))]
async fn show(
    _: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<UserView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    Ok(Json(UserView::from(known(&mut tx, &reference).await?)))
}

/// Erases a person: name, address and what the identity provider calls them. Their roles and sessions end; what they did stays, under
/// an id that says nothing. Somebody who comes again is somebody else.
#[utoipa::path(delete, path = "/v1/users/{user}", tag = "access", params(("user" = String, Path)),
    responses((status = 204)), security(("api_key" = ["operator:write"])))]
async fn erase(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let user = known(conn, &reference).await?.id;
            for one in memberships::memberships(conn, (Some(user), None), None, MEMBERSHIPS_LEN_MAX).await? {
                memberships::remove(conn, one.id, now).await?;
            }
            users::erase(conn, user, now).await?;
            let change = Change { actor, action: "user.erase", subject: user.to_string(), before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
