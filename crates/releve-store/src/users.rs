//! Who signs in? The one place of personal data: everywhere else a person is an opaque id.

use releve_types::{Timestamp, ids::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    pub id: UserId,
    /// The identity provider, and what it calls the person; none: invited, and never signed in.
    pub known_as: Option<(String, String)>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
    pub erased_at: Option<Timestamp>,
}

struct UserRow {
    user_id: Uuid,
    issuer: Option<String>,
    subject: Option<String>,
    email: Option<String>,
    name: Option<String>,
    created_at: OffsetDateTime,
    last_login_at: Option<OffsetDateTime>,
    erased_at: Option<OffsetDateTime>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId::from_uuid(row.user_id),
            known_as: row.issuer.zip(row.subject),
            email: row.email,
            name: row.name,
            created_at: from_sql(row.created_at),
            last_login_at: row.last_login_at.map(from_sql),
            erased_at: row.erased_at.map(from_sql),
        }
    }
}

/// Invites somebody by their address; false if somebody of this address was invited and has not come yet.
pub async fn invite(
    conn: &mut PgConnection,
    id: UserId,
    email: &str,
    name: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into users (user_id, email, name, created_at) values ($1, $2, $3, $4) on conflict do nothing",
        id.uuid(),
        email,
        name,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Somebody has come, whom the provider `issuer` calls `subject`: known from before, or invited by an address that the provider
/// has verified, or new; whether it is that.
pub async fn arrive(
    conn: &mut PgConnection,
    (issuer, subject): (&str, &str),
    (email, name): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<(UserId, bool), StoreError> {
    let known = sqlx::query_scalar!(
        r#"
        update users set email = coalesce($3, email), name = coalesce($4, name), last_login_at = $5
        where issuer = $1 and subject = $2
        returning user_id
        "#,
        issuer,
        subject,
        email,
        name,
        to_sql(now)
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(known) = known {
        return Ok((UserId::from_uuid(known), false));
    }
    let invited = sqlx::query_scalar!(
        r#"
        update users set issuer = $1, subject = $2, name = coalesce($4, name), last_login_at = $5
        where subject is null and lower(email) = lower($3)
        returning user_id
        "#,
        issuer,
        subject,
        email,
        name,
        to_sql(now)
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(invited) = invited {
        return Ok((UserId::from_uuid(invited), false));
    }
    let id = UserId::fresh(now);
    sqlx::query!(
        r#"
        insert into users (user_id, issuer, subject, email, name, created_at, last_login_at)
        values ($1, $2, $3, $4, $5, $6, $6)
        "#,
        id.uuid(),
        issuer,
        subject,
        email,
        name,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok((id, true))
}

pub async fn user(conn: &mut PgConnection, id: UserId) -> Result<Option<User>, StoreError> {
    let row = sqlx::query_as!(
        UserRow,
        r#"
        select user_id, issuer, subject, email, name, created_at, last_login_at, erased_at from users where user_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(User::from))
}

/// Those who were not erased, in the order in which they became known.
pub async fn users(conn: &mut PgConnection, after: Option<UserId>, len_max: i64) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query_as!(
        UserRow,
        r#"
        select user_id, issuer, subject, email, name, created_at, last_login_at, erased_at from users
        where erased_at is null and ($1::uuid is null or user_id > $1)
        order by user_id
        limit $2
        "#,
        after.map(UserId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Forgets who somebody is. The id stays, for what was done under it.
pub async fn erase(conn: &mut PgConnection, id: UserId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update users set issuer = null, subject = null, email = null, name = null, erased_at = coalesce(erased_at, $2)
        where user_id = $1
        "#,
        id.uuid(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
