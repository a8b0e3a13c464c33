//! How does a key change without anybody standing still? The new one opens at once, the old one still does for a while.

use super::{known, not_kept, room};
use crate::{
    AppState,
    auth::{Caller, OperatorWriteScope, mint_again},
    error::{Code, Problem},
    input::{Command, Instant, PathOf},
    write::Answer,
};
use axum::{extract::State, response::Response};
use releve_store::{
    api_keys::{self, ApiKey, CredentialKind},
    audit_log::{self, Change},
};
use releve_types::{TenantId, Timestamp, time::MILLIS_PER_SECOND};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ApiKeyView, MintedView};

/// How long the old key still opens unless told, in seconds.
pub const GRACE_SECONDS_DEFAULT: i64 = 24 * 60 * 60;
/// How long it does at most, in seconds.
pub const GRACE_SECONDS_MAX: i64 = 30 * 24 * 60 * 60;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(rotate))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the old key still opens: 0 to 2592000 (30 days); 86400 (a day) if absent.
    grace_seconds: Option<i64>,
    /// When the new key ends. If absent: it lives as long as the old one was made for.
    expires_at: Option<Instant>,
}

impl Rotation {
    fn grace_ms(&self) -> Result<i64, Problem> {
        let seconds = self.grace_seconds.unwrap_or(GRACE_SECONDS_DEFAULT);
        if !(0..=GRACE_SECONDS_MAX).contains(&seconds) {
            return Err(Problem::field("grace_seconds", format!("0 to {GRACE_SECONDS_MAX} s")));
        }
        Ok(seconds * MILLIS_PER_SECOND)
    }

    fn end(&self, old: &ApiKey, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        match &self.expires_at {
            Some(at) if at.0 <= now => Err(Problem::field("expires_at", "it lies in the past")),
            Some(at) => Ok(Some(at.0)),
            None => Ok(old.expires_at.map(|end| now.plus_millis(end.as_millis() - old.created_at.as_millis()))),
        }
    }
}

/// Makes a key that takes the place of another, with the same name, scopes and tenant, and shows it, once. The old one ends after
/// the grace time, with the sessions that came from it. Takes no idempotency key: the new key is not kept.
#[utoipa::path(post, path = "/v1/api-keys/{key}/rotate", tag = "access", params(("key" = String, Path)),
    request_body = Rotation, responses((status = 201, body = MintedView)), security(("api_key" = ["operator:write"])))]
async fn rotate(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    command: Command<Rotation>,
) -> Result<Response, Problem> {
    rotated(&app, scope.caller(), None, reference, command).await
}

pub(super) async fn rotated(
    app: &AppState,
    caller: &Caller,
    tenant: Option<TenantId>,
    reference: String,
    Command { input, repeat }: Command<Rotation>,
) -> Result<Response, Problem> {
    not_kept(&repeat)?;
    let grace_ms = input.grace_ms()?;
    let (actor, minter) = (caller.actor(), caller.minter());
    app.write(caller, repeat, move |conn, now| {
        Box::pin(async move {
            let old = usable(conn, tenant, &reference, now).await?;
            room(conn, old.tenant, now).await?;
            let mut minted = mint_again(&old, &actor, now)?;
            minted.record.expires_at = input.end(&old, now)?;
            api_keys::insert(conn, &minted.record).await?;
            api_keys::note_minter(conn, minted.record.id, minter).await?;
            api_keys::end_at(conn, old.id, now.plus_millis(grace_ms)).await?;
            let view = ApiKeyView::from(&minted.record);
            let (subject, before, after) = (view.id.clone(), Some(json!(ApiKeyView::from(&old))), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "api_key.rotate", subject, before, after }, now).await?;
            Answer::created(&MintedView { key: minted.secret, record: view })
        })
    })
    .await
}

/// A key that still opens and that none took the place of.
async fn usable(
    conn: &mut PgConnection,
    tenant: Option<TenantId>,
    reference: &str,
    now: Timestamp,
) -> Result<ApiKey, Problem> {
    let old = known(conn, tenant, reference).await?;
    if old.kind != CredentialKind::Key {
        return Err(Problem::not_found("API key", reference));
    }
    if old.revoked_at.is_some() || old.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::new(Code::AlreadyDecided, "the key was revoked or has expired: make a new one"));
    }
    if api_keys::is_replaced(conn, old.id).await? {
        return Err(Problem::new(
            Code::AlreadyDecided,
            "the key was rotated before: rotate the one that took its place",
        ));
    }
    Ok(old)
}
