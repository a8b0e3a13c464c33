//! Who changed what? Written in the transaction of the change, never changed after.

use releve_types::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

/// One change. `action` is `<resource>.<verb>`, `subject` the id of what was changed.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub actor: String,
    pub action: &'static str,
    pub subject: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub async fn add(conn: &mut PgConnection, change: &Change, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into audit_log (at, actor, action, subject, before, after) values ($1, $2, $3, $4, $5, $6)",
        to_sql(now),
        change.actor,
        change.action,
        change.subject,
        change.before,
        change.after,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub entry: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Entries from the newest back, before one; of one subject or of all.
pub async fn entries(
    conn: &mut PgConnection,
    subject: Option<&str>,
    before: Option<i64>,
    len_max: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select entry, at, actor, action, subject, before, after
        from audit_log
        where ($1::text is null or subject = $1) and ($2::bigint is null or entry < $2)
        order by entry desc
        limit $3
        "#,
        subject,
        before,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Entry {
            entry: row.entry,
            at: from_sql(row.at),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            before: row.before,
            after: row.after,
        })
        .collect())
}
