//! Who changed what? Written in the transaction of the change, never changed after, and sealed soon after that: each entry into
//! a chain of digests.

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
    /// None: not yet sealed.
    pub seal: Option<String>,
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
        select entry, a.at, a.actor, a.action, a.subject, a.before, a.after, encode(s.sha256, 'hex') as seal
        from audit_log a left join audit_seals s using (entry)
        where ($1::text is null or a.subject = $1) and ($2::bigint is null or entry < $2)
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
            seal: row.seal,
        })
        .collect())
}

/// Seals entries that are not yet, in their order; how many. The caller holds the job's lock: nobody else seals meanwhile.
pub async fn seal(conn: &mut PgConnection, entries_max: i32) -> Result<u64, StoreError> {
    let row = sqlx::query!(r#"select seal_audit_log($1) as "sealed!""#, entries_max).fetch_one(conn).await?;
    Ok(u64::try_from(row.sealed).unwrap_or(0))
}

/// How far the log is sealed. Whoever notes `head` elsewhere can later tell whether anything up to it was touched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    pub sealed: i64,
    pub unsealed: i64,
    /// The last seal; none: nothing is sealed.
    pub head: Option<String>,
}

pub async fn chain(conn: &mut PgConnection) -> Result<Chain, StoreError> {
    let row = sqlx::query!(
        r#"
        select (select count(*) from audit_seals) as "sealed!",
               (select count(*) from audit_log a where not exists (select from audit_seals s where s.entry = a.entry)) as "unsealed!",
               (select encode(sha256, 'hex') from audit_seals order by seal desc limit 1) as head
        "#
    )
    .fetch_one(conn)
    .await?;
    Ok(Chain { sealed: row.sealed, unsealed: row.unsealed, head: row.head })
}

/// Seals that don't follow from the one before and their entry; none in a log that nobody touched.
pub async fn broken_seals(conn: &mut PgConnection, len_max: i64) -> Result<Vec<i64>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select s.seal as "seal!"
        from (select seal, entry, sha256,
                     lag(sha256, 1, decode(repeat('00', 32), 'hex')) over (order by seal) as before,
                     lag(seal, 1, 0::bigint) over (order by seal) as last
              from audit_seals) s
        left join audit_log a on a.entry = s.entry
        where a.entry is null or s.last <> s.seal - 1 or s.sha256 <> audit_digest(s.before, a)
        order by s.seal
        limit $1
        "#,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.seal).collect())
}
