//! What was asked to be taken away, and how far has that come?

use releve_types::{
    AccountId, Period, Timestamp,
    ids::{ExportId, IssuerId},
    time::MILLIS_PER_MINUTE,
};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, period_from_sql, to_sql},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportState {
    Pending,
    Done,
    Failed,
}

impl ExportState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Done, Self::Failed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// An export that was asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Export {
    pub id: ExportId,
    pub issuer: IssuerId,
    /// None: of all its customers.
    pub account: Option<AccountId>,
    pub dataset: String,
    pub format: String,
    pub period: Period,
    pub state: ExportState,
    pub files_done: i32,
    /// None: not begun.
    pub files_total: Option<i32>,
    /// Of a done one.
    pub manifest: Option<Value>,
    /// Of a failed one.
    pub error: Option<String>,
    pub requested_at: Timestamp,
    pub requested_by: String,
    pub finished_at: Option<Timestamp>,
}

impl Export {
    /// One that is asked for now, of all customers.
    pub fn pending(
        issuer: IssuerId,
        (dataset, format): (&str, &str),
        period: Period,
        now: Timestamp,
        requested_by: String,
    ) -> Self {
        Self {
            id: ExportId::fresh(now),
            issuer,
            account: None,
            dataset: dataset.to_owned(),
            format: format.to_owned(),
            period,
            state: ExportState::Pending,
            files_done: 0,
            files_total: None,
            manifest: None,
            error: None,
            requested_at: now,
            requested_by,
            finished_at: None,
        }
    }
}

struct ExportRow {
    export_id: Uuid,
    issuer_id: Uuid,
    account_id: Option<Uuid>,
    dataset: String,
    format: String,
    period_start: OffsetDateTime,
    period_end: OffsetDateTime,
    state: String,
    files_done: i32,
    files_total: Option<i32>,
    manifest: Option<Value>,
    error: Option<String>,
    requested_at: OffsetDateTime,
    requested_by: String,
    finished_at: Option<OffsetDateTime>,
}

impl TryFrom<ExportRow> for Export {
    type Error = StoreError;
    fn try_from(row: ExportRow) -> Result<Self, StoreError> {
        let state = ExportState::ALL.into_iter().find(|state| state.name() == row.state);
        Ok(Self {
            id: ExportId::from_uuid(row.export_id),
            issuer: IssuerId::from_uuid(row.issuer_id),
            account: row.account_id.map(AccountId::from_uuid),
            dataset: row.dataset,
            format: row.format,
            period: period_from_sql("exports", row.period_start, row.period_end)?,
            state: state.ok_or_else(|| StoreError::inconsistent("exports", "state", row.state))?,
            files_done: row.files_done,
            files_total: row.files_total,
            manifest: row.manifest,
            error: row.error,
            requested_at: from_sql(row.requested_at),
            requested_by: row.requested_by,
            finished_at: row.finished_at.map(from_sql),
        })
    }
}

/// Asks for one; its state is pending.
pub async fn insert(conn: &mut PgConnection, new: &Export) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into exports (export_id, issuer_id, account_id, dataset, format, period_start, period_end, requested_at, requested_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id.uuid(),
        new.issuer.uuid(),
        new.account.map(AccountId::uuid),
        new.dataset,
        new.format,
        to_sql(new.period.start()),
        to_sql(new.period.end()),
        to_sql(new.requested_at),
        new.requested_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, id: ExportId) -> Result<Option<Export>, StoreError> {
    let row = sqlx::query_as!(
        ExportRow,
        r#"
        select export_id, issuer_id, account_id, dataset, format, period_start, period_end, state, files_done, files_total, manifest,
               error, requested_at, requested_by, finished_at
        from exports where export_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Export::try_from).transpose()
}

/// Exports by their ids, the latest first, before one.
pub async fn page(
    conn: &mut PgConnection,
    issuer: Option<IssuerId>,
    before: Option<ExportId>,
    len_max: i64,
) -> Result<Vec<Export>, StoreError> {
    let rows = sqlx::query_as!(
        ExportRow,
        r#"
        select export_id, issuer_id, account_id, dataset, format, period_start, period_end, state, files_done, files_total, manifest,
               error, requested_at, requested_by, finished_at
        from exports
        where ($1::uuid is null or issuer_id = $1) and ($2::uuid is null or export_id < $2)
        order by export_id desc
        limit $3
        "#,
        issuer.map(IssuerId::uuid),
        before.map(ExportId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Export::try_from).collect()
}

/// How long a program has for a file before another may take the export, in milliseconds.
const TAKEN_MS: i64 = 15 * MILLIS_PER_MINUTE;

/// Takes the one that waits longest and that nobody is at.
pub async fn take(conn: &mut PgConnection, now: Timestamp) -> Result<Option<Export>, StoreError> {
    let row = sqlx::query_as!(
        ExportRow,
        r#"
        update exports set taken_until = $2
        where export_id = (
            select export_id from exports
            where state = 'pending' and (taken_until is null or taken_until < $1)
            order by requested_at, export_id
            limit 1
            for update skip locked
        )
        returning export_id, issuer_id, account_id, dataset, format, period_start, period_end, state, files_done, files_total, manifest,
                  error, requested_at, requested_by, finished_at
        "#,
        to_sql(now),
        to_sql(now.plus_millis(TAKEN_MS))
    )
    .fetch_optional(conn)
    .await?;
    row.map(Export::try_from).transpose()
}

/// Leaves it for the next round.
pub async fn put_back(conn: &mut PgConnection, id: ExportId) -> Result<(), StoreError> {
    sqlx::query!("update exports set taken_until = null where export_id = $1 and state = 'pending'", id.uuid())
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a seller's month was asked for in this shape since it was billed, of all customers, and did not fail.
pub async fn was_asked_for(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
    (dataset, format): (&str, &str),
    billed_at: Timestamp,
) -> Result<bool, StoreError> {
    let row = sqlx::query!(
        r#"
        select exists (
            select from exports
            where issuer_id = $1 and period_start = $2 and dataset = $3 and format = $4 and account_id is null
              and requested_at >= $5 and state <> 'failed'
        ) as "found!"
        "#,
        issuer.uuid(),
        to_sql(period.start()),
        dataset,
        format,
        to_sql(billed_at)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.found)
}

/// Sellers' months that are billed, and since when: a run over each has come to its end.
pub async fn billed_months(
    conn: &mut PgConnection,
    since: Timestamp,
) -> Result<Vec<(IssuerId, Period, Timestamp)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select issuer_id, period_start, period_end, finished_at as "finished_at!"
        from billing_runs
        where finished_at >= $1
        order by period_start, issuer_id
        "#,
        to_sql(since)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let period = period_from_sql("billing_runs", r.period_start, r.period_end)?;
            Ok((IssuerId::from_uuid(r.issuer_id), period, from_sql(r.finished_at)))
        })
        .collect()
}

/// Notes how far it has come; who makes it has as much time for the next file.
pub async fn progress(
    conn: &mut PgConnection,
    id: ExportId,
    (done, total): (i32, i32),
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update exports set files_done = $2, files_total = $3, taken_until = $4 where export_id = $1 and state = 'pending'",
        id.uuid(),
        done,
        total,
        to_sql(now.plus_millis(TAKEN_MS))
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How it ended: with a manifest, or with an error.
pub async fn finish(
    conn: &mut PgConnection,
    id: ExportId,
    outcome: Result<&Value, &str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update exports
        set state = case when $2::jsonb is null then 'failed' else 'done' end, manifest = $2, error = $3, finished_at = $4
        where export_id = $1 and state = 'pending'
        "#,
        id.uuid(),
        outcome.ok(),
        outcome.err(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
