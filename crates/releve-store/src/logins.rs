//! Which logins are under way? What the provider's answer is held against, and who was named and has not chosen yet.

use releve_types::{Timestamp, ids::UserId};
use sqlx::PgConnection;

use crate::{pool::StoreError, sql_time::to_sql};

/// Notes that a login began. `state` and `browser` are digests.
pub async fn begin(
    conn: &mut PgConnection,
    (state, browser): (&[u8; 32], &[u8; 32]),
    (nonce, verifier): (&str, &str),
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into logins (state_sha256, browser_sha256, nonce, verifier, expires_at) values ($1, $2, $3, $4, $5)",
        state.as_slice(),
        browser.as_slice(),
        nonce,
        verifier,
        to_sql(expires_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a login, once, for the browser that began it: its nonce and its verifier.
pub async fn take(
    conn: &mut PgConnection,
    (state, browser): (&[u8; 32], &[u8; 32]),
    now: Timestamp,
) -> Result<Option<(String, String)>, StoreError> {
    let row = sqlx::query!(
        r#"
        delete from logins where state_sha256 = $1 and browser_sha256 = $2 and expires_at > $3 returning nonce, verifier
        "#,
        state.as_slice(),
        browser.as_slice(),
        to_sql(now)
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.nonce, row.verifier)))
}

/// Lets a person choose as what they come.
pub async fn offer(
    conn: &mut PgConnection,
    choice: &[u8; 32],
    user: UserId,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into login_choices (choice_sha256, user_id, expires_at) values ($1, $2, $3)",
        choice.as_slice(),
        user.uuid(),
        to_sql(expires_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a choice, once: whose it is.
pub async fn choose(conn: &mut PgConnection, choice: &[u8; 32], now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let user = sqlx::query_scalar!(
        "delete from login_choices where choice_sha256 = $1 and expires_at > $2 returning user_id",
        choice.as_slice(),
        to_sql(now)
    )
    .fetch_optional(conn)
    .await?;
    Ok(user.map(UserId::from_uuid))
}

/// Forgets what nobody came back for.
pub async fn forget(conn: &mut PgConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("delete from logins where expires_at <= $1", to_sql(now)).execute(&mut *conn).await?;
    sqlx::query!("delete from login_choices where expires_at <= $1", to_sql(now)).execute(conn).await?;
    Ok(())
}
