//! How does a person come in? The provider says who they are, and they choose as what they come: a session of one of their
//! memberships. Nothing of this takes a key; whoever takes part is held to one browser, by a secret that its cookie keeps.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse, response::Response};
use releve_outbound::oidc::Identity;
use releve_store::{
    StoreError, api_keys,
    audit_log::{self, Change},
    customers, logins,
    memberships::{self, Membership},
    users,
};
use releve_types::{
    Timestamp,
    ids::{MembershipId, UserId},
    time::MILLIS_PER_SECOND,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sessions::{NewSessionView, SESSION_SECONDS_MAX, view};
use crate::{
    AppState,
    auth::{Role, fresh_secret, mint},
    error::{Code, Problem},
    input::Command,
    limit::Door,
    sign_in::{MEMBERSHIPS_LEN_MAX, SignIn, follow_groups},
};

/// How long a login may take from its begin to the choice, in seconds, for each of its two halves.
pub const LOGIN_SECONDS_MAX: i64 = 10 * 60;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(methods))
        .routes(routes!(begin))
        .routes(routes!(identify))
        .routes(routes!(choose))
}

#[derive(Serialize, ToSchema)]
pub struct LoginMethodsView {
    /// Whose identities people may come with: the issuer's address. None: by key or by link only.
    identity_provider: Option<String>,
}

/// Says how people may sign in.
#[utoipa::path(get, path = "/v1/login-methods", tag = "access", responses((status = 200, body = LoginMethodsView)), security(()))]
async fn methods(State(app): State<AppState>) -> Json<LoginMethodsView> {
    let identity_provider = app.sign_in().map(|with| with.provider.issuer().to_owned());
    Json(LoginMethodsView { identity_provider })
}

fn offered(app: &AppState) -> Result<SignIn, Problem> {
    app.limits().take(Door::Login, None)?;
    let missing = || Problem::new(Code::NotFound, "no identity provider is set up here");
    app.sign_in().cloned().ok_or_else(missing)
}

#[derive(Serialize, ToSchema)]
pub struct LoginView {
    /// Where to send the browser.
    url: String,
    /// What the browser keeps in a cookie until it comes back: only there does the provider's answer count.
    browser: String,
    expires_at: String,
}

/// Begins a login with the identity provider.
#[utoipa::path(post, path = "/v1/logins", tag = "access", responses((status = 201, body = LoginView)), security(()))]
async fn begin(State(app): State<AppState>) -> Result<Response, Problem> {
    let provider = offered(&app)?.provider;
    let [state, browser, nonce, verifier] =
        [fresh_secret("")?, fresh_secret("")?, fresh_secret("")?, fresh_secret("")?];
    // The provider is asked before a connection is taken.
    let url = provider.begin(&state, &nonce, &verifier, app.now()).await?;
    let (of_state, of_browser) = (digest(&state), digest(&browser));
    let expires_at = app
        .step(move |conn, now| {
            Box::pin(async move {
                let expires_at = now.plus_millis(LOGIN_SECONDS_MAX * MILLIS_PER_SECOND);
                logins::begin(conn, (&of_state, &of_browser), (&nonce, &verifier), expires_at).await?;
                Ok(expires_at)
            })
        })
        .await?;
    let view = LoginView { url, browser, expires_at: expires_at.to_string() };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvidersAnswer {
    /// As the browser brought them back.
    state: String,
    code: String,
    /// As the browser's cookie has it.
    browser: String,
}

#[derive(Serialize, ToSchema)]
pub struct IdentifiedView {
    /// What the person chooses with, once, for ten minutes.
    choice: String,
    name: String,
    /// As what they may come.
    memberships: Vec<OfferedMembershipView>,
}

#[derive(Serialize, ToSchema)]
pub struct OfferedMembershipView {
    id: String,
    /// None: the operator.
    tenant: Option<String>,
    tenant_name: Option<String>,
    /// `viewer`, `billing` or `admin`.
    role: String,
}

/// Takes the provider's answer, once, and says as what the person may come. Who is nothing here is not kept.
#[utoipa::path(post, path = "/v1/logins/identify", tag = "access", request_body = ProvidersAnswer,
    responses((status = 200, body = IdentifiedView)), security(()))]
async fn identify(
    State(app): State<AppState>,
    Command { input, .. }: Command<ProvidersAnswer>,
) -> Result<Json<IdentifiedView>, Problem> {
    let with = offered(&app)?;
    let (state, browser) = (digest(&input.state), digest(&input.browser));
    // Committed before the provider is asked: a second try with the same state finds nothing.
    let taken =
        app.step(move |conn, now| Box::pin(async move { Ok(logins::take(conn, (&state, &browser), now).await?) }));
    let Some((nonce, verifier)) = taken.await? else {
        let detail = "this login was not begun in this browser, was used before, or took too long: sign in again";
        return Err(Problem::new(Code::Unauthorized, detail).because("state"));
    };
    let identity = with.provider.identify(&input.code, &verifier, &nonce, app.now()).await?;
    let choice = fresh_secret("")?;
    let of_choice = digest(&choice);
    let (name, memberships) =
        app.step(move |conn, now| Box::pin(arrived(conn, with, identity, of_choice, now))).await?;
    if memberships.is_empty() {
        return Err(nobody_here());
    }
    Ok(Json(IdentifiedView { choice, name, memberships }))
}

fn nobody_here() -> Problem {
    Problem::new(Code::Forbidden, "you are known, and have no role here: ask who runs this for one")
}

/// Notes who came and what their groups are by now, and as what they may come.
async fn arrived(
    conn: &mut PgConnection,
    with: SignIn,
    identity: Identity,
    choice: [u8; 32],
    now: Timestamp,
) -> Result<(String, Vec<OfferedMembershipView>), Problem> {
    let Identity { issuer, subject, email, name, groups } = &identity;
    let (user, is_new) = users::arrive(conn, (issuer, subject), (email.as_deref(), name.as_deref()), now).await?;
    follow_groups(conn, user, &with.grants, groups, now).await?;
    let mut offers = Vec::new();
    for one in open_memberships(conn, user, now).await? {
        let tenant = match one.tenant {
            Some(tenant) => customers::tenant(conn, tenant).await?,
            None => None,
        };
        offers.push(OfferedMembershipView {
            id: one.id.to_string(),
            tenant: one.tenant.map(|tenant| tenant.to_string()),
            tenant_name: tenant.map(|tenant| tenant.name),
            role: one.role,
        });
    }
    if offers.is_empty() && is_new {
        // Rolls back: of a stranger nothing is kept. Of who had a role before, that it is over is.
        return Err(nobody_here());
    }
    logins::offer(conn, &choice, user, now.plus_millis(LOGIN_SECONDS_MAX * MILLIS_PER_SECOND)).await?;
    Ok((name.clone().or(email.clone()).unwrap_or_else(|| user.to_string()), offers))
}

async fn open_memberships(conn: &mut PgConnection, user: UserId, now: Timestamp) -> Result<Vec<Membership>, Problem> {
    let all = memberships::memberships(conn, (Some(user), None), None, MEMBERSHIPS_LEN_MAX).await?;
    Ok(all.into_iter().filter(|one| one.until.is_none_or(|until| until > now)).collect())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    choice: String,
    /// One of those that were offered.
    membership: String,
}

/// Starts a session of at most 8 hours in one of the person's memberships. It ends with that.
#[utoipa::path(post, path = "/v1/logins/choose", tag = "access", request_body = Choice,
    responses((status = 201, body = NewSessionView)), security(()))]
async fn choose(State(app): State<AppState>, Command { input, .. }: Command<Choice>) -> Result<Response, Problem> {
    offered(&app)?;
    let missing = || Problem::field("membership", "it is none of those that were offered");
    let membership: MembershipId = input.membership.parse().map_err(|_| missing())?;
    let choice = digest(&input.choice);
    let view = app
        .step(move |conn, now| {
            Box::pin(async move {
                let Some(user) = logins::choose(conn, &choice, now).await? else {
                    let detail = "this login was used before, or took too long: sign in again";
                    return Err(Problem::new(Code::Unauthorized, detail).because("choice"));
                };
                let mut open = open_memberships(conn, user, now).await?.into_iter();
                let chosen = open.find(|one| one.id == membership).ok_or_else(missing)?;
                session(conn, &chosen, now).await
            })
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

async fn session(conn: &mut PgConnection, of: &Membership, now: Timestamp) -> Result<NewSessionView, Problem> {
    let role = Role::from_name(&of.role).ok_or_else(|| StoreError::inconsistent("memberships", "role", &of.role))?;
    let scopes = if of.tenant.is_some() { role.of_tenant() } else { role.of_operator() };
    let end = now.plus_millis(SESSION_SECONDS_MAX * MILLIS_PER_SECOND);
    // What is kept of the session names the person by their id alone.
    let person = of.user.to_string();
    let minted = mint(&person, scopes, of.tenant, &person, now)?;
    let minted = minted.of_person((of.user, of.id), of.until.map_or(end, |until| until.min(end)))?;
    api_keys::insert(conn, &minted.record).await?;
    let about = view(conn, &minted.record).await?;
    let (actor, subject) = (format!("{person} ({})", minted.record.id), minted.record.id.to_string());
    let after = Some(json!({ "membership": of.id.to_string() }));
    audit_log::add(conn, &Change { actor, action: "session.begin", subject, before: None, after }, now).await?;
    Ok(NewSessionView { session: minted.secret, about })
}
