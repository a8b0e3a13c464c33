//! What left for the customer, and what came back about it?

use std::collections::BTreeMap;

use releve_billing::{Delivery, delivery::Status};
use releve_types::{AccountId, InvoiceId, Timestamp, ids::InvoiceStatusId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// Issued documents with all of these media types that nobody handed over, oldest number first: those issued since then, and
/// whose next try has come.
pub async fn due(
    conn: &mut PgConnection,
    media_types: &[&str],
    since: Timestamp,
    now: Timestamp,
    len_max: i64,
) -> Result<Vec<(AccountId, InvoiceId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select i.account_id, i.invoice_id
        from invoices i
        left join hand_over_failures f on f.account_id = i.account_id and f.invoice_id = i.invoice_id
        where i.state = 'issued' and i.issued_at >= $2
          and not exists (select from hand_overs h where h.account_id = i.account_id and h.invoice_id = i.invoice_id)
          and (f.next_at is null or f.next_at <= $3)
          and (select count(*) from invoice_documents d
               where d.account_id = i.account_id and d.invoice_id = i.invoice_id and d.media_type = any($1)) = $4
        order by i.issuer_id, i.series, i.year, i.serial
        limit $5
        "#,
        media_types as _,
        to_sql(since),
        to_sql(now),
        i64::try_from(media_types.len()).unwrap_or(i64::MAX),
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (AccountId::from_uuid(r.account_id), InvoiceId::from_uuid(r.invoice_id))).collect())
}

/// Records that a document was handed over; one that two programs put in the same place is recorded once.
pub async fn done(
    conn: &mut PgConnection,
    (account, invoice): (AccountId, InvoiceId),
    destination: &str,
    manifest_sha256: [u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into hand_overs (account_id, invoice_id, destination, manifest_sha256, handed_over_at)
        values ($1, $2, $3, $4, $5)
        on conflict do nothing
        "#,
        account.uuid(),
        invoice.uuid(),
        destination,
        manifest_sha256.as_slice(),
        to_sql(now)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from hand_over_failures where account_id = $1 and invoice_id = $2",
        account.uuid(),
        invoice.uuid()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often it failed before; none if it never did.
pub async fn attempts(conn: &mut PgConnection, invoice: InvoiceId) -> Result<i32, StoreError> {
    let attempts = sqlx::query_scalar!("select attempts from hand_over_failures where invoice_id = $1", invoice.uuid());
    Ok(attempts.fetch_optional(conn).await?.unwrap_or(0))
}

/// Notes that it failed once more.
pub async fn failed(
    conn: &mut PgConnection,
    (account, invoice): (AccountId, InvoiceId),
    detail: &str,
    next_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into hand_over_failures as f (account_id, invoice_id, attempts, detail, failed_at, next_at)
        values ($1, $2, 1, $3, $4, $5)
        on conflict (account_id, invoice_id) do update
            set attempts = f.attempts + 1, detail = excluded.detail, failed_at = excluded.failed_at,
                next_at = excluded.next_at
        "#,
        account.uuid(),
        invoice.uuid(),
        detail,
        to_sql(now),
        to_sql(next_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is told of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    pub status: Status,
    pub happened_at: Timestamp,
    pub reference: String,
    pub reason: String,
    pub recorded_at: Timestamp,
    pub recorded_by: String,
}

/// Why a document is still here, and when it is tried again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub attempts: i32,
    pub detail: String,
    pub failed_at: Timestamp,
    pub next_at: Timestamp,
}

/// All that is known of a document's way to its customer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Way {
    /// Where to, and when.
    pub handed_over: Option<(String, Timestamp)>,
    pub failure: Option<Failure>,
    /// By when it happened.
    pub told: Vec<Told>,
}

impl Way {
    pub fn delivery(&self) -> Delivery {
        Delivery::of(self.handed_over.is_some(), self.told.iter().map(|told| (told.happened_at, told.status)))
    }
}

/// The ways of these documents; those of which nothing is known are at their beginning.
pub async fn ways(
    conn: &mut PgConnection,
    of: &[(AccountId, InvoiceId)],
) -> Result<BTreeMap<InvoiceId, Way>, StoreError> {
    let ids: Vec<Uuid> = of.iter().map(|(_, invoice)| invoice.uuid()).collect();
    let accounts: Vec<Uuid> = of.iter().map(|(account, _)| account.uuid()).collect();
    let mut ways: BTreeMap<InvoiceId, Way> = of.iter().map(|(_, invoice)| (*invoice, Way::default())).collect();
    let rows = sqlx::query!(
        r#"
        select asked.invoice_id as "invoice_id!", h.destination as "destination?", h.handed_over_at as "handed_over_at?",
               f.attempts as "attempts?", f.detail as "detail?", f.failed_at as "failed_at?", f.next_at as "next_at?"
        from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
        left join hand_overs h on h.account_id = asked.account_id and h.invoice_id = asked.invoice_id
        left join hand_over_failures f on f.account_id = asked.account_id and f.invoice_id = asked.invoice_id
        "#,
        &accounts,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    for r in rows {
        let way = ways.entry(InvoiceId::from_uuid(r.invoice_id)).or_default();
        way.handed_over = r.destination.zip(r.handed_over_at.map(from_sql));
        way.failure = r.attempts.zip(r.detail).zip(r.failed_at.zip(r.next_at)).map(
            |((attempts, detail), (failed_at, next_at))| Failure {
                attempts,
                detail,
                failed_at: from_sql(failed_at),
                next_at: from_sql(next_at),
            },
        );
    }
    let rows = sqlx::query!(
        r#"
        select s.invoice_id, s.status, s.happened_at, s.reference, s.reason, s.recorded_at, s.recorded_by
        from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
        join invoice_statuses s on s.account_id = asked.account_id and s.invoice_id = asked.invoice_id
        order by s.happened_at, s.invoice_status_id
        "#,
        &accounts,
        &ids
    )
    .fetch_all(conn)
    .await?;
    for r in rows {
        let told = Told {
            status: status(&r.status)?,
            happened_at: from_sql(r.happened_at),
            reference: r.reference,
            reason: r.reason,
            recorded_at: from_sql(r.recorded_at),
            recorded_by: r.recorded_by,
        };
        ways.entry(InvoiceId::from_uuid(r.invoice_id)).or_default().told.push(told);
    }
    Ok(ways)
}

fn status(name: &str) -> Result<Status, StoreError> {
    let known = Status::ALL.into_iter().find(|status| status.name() == name);
    known.ok_or_else(|| StoreError::inconsistent("invoice_statuses", "status", name))
}

/// Records what was told; false if the message is known by its reference.
pub async fn tell(
    conn: &mut PgConnection,
    (account, invoice): (AccountId, InvoiceId),
    told: &Told,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into invoice_statuses (invoice_status_id, account_id, invoice_id, status, happened_at, reference, reason,
                                      recorded_at, recorded_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (account_id, invoice_id, reference) do nothing
        "#,
        InvoiceStatusId::fresh(told.recorded_at).uuid(),
        account.uuid(),
        invoice.uuid(),
        told.status.name(),
        to_sql(told.happened_at),
        told.reference,
        told.reason,
        to_sql(told.recorded_at),
        told.recorded_by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Issued documents that may need a person, after one: those that could not be handed over, and those that were rejected or
/// refused at some time.
pub async fn troubled(
    conn: &mut PgConnection,
    after: Option<InvoiceId>,
    len_max: i64,
) -> Result<Vec<(AccountId, InvoiceId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select account_id as "account_id!", invoice_id as "invoice_id!"
        from (
            select account_id, invoice_id from hand_over_failures
            union
            select account_id, invoice_id from invoice_statuses where status in ('rejected', 'refused')
        ) troubled
        where invoice_id > $1
        order by invoice_id
        limit $2
        "#,
        after.map_or(Uuid::nil(), InvoiceId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (AccountId::from_uuid(r.account_id), InvoiceId::from_uuid(r.invoice_id))).collect())
}
