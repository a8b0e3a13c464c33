//! How far has billing a period come? One run per issuer and period, and what became of each account in it.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{
    AccountId, InvoiceId, Period, Timestamp,
    ids::{IssuerId, RunId},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    billing_usage,
    pool::StoreError,
    sql_time::{from_sql, period_from_sql, to_sql},
};

/// Class of the advisory locks that keep one kind of job from running twice at once.
const JOB_LOCK: i32 = 7_210;

/// What a run did with an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AccountOutcome {
    Issued,
    Parked,
    Nothing,
}

impl AccountOutcome {
    pub const ALL: [Self; 3] = [Self::Issued, Self::Parked, Self::Nothing];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Parked => "parked",
            Self::Nothing => "nothing",
        }
    }

    pub(crate) fn from_sql(name: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.name() == name);
        found.ok_or_else(|| StoreError::inconsistent("billing_run_accounts", "outcome", name))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    pub id: RunId,
    pub issuer: IssuerId,
    pub period: Period,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// The outcome of one account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountRow {
    pub account: AccountId,
    pub outcome: AccountOutcome,
    pub invoice: Option<InvoiceId>,
}

/// Takes a job's lock until the transaction ends; false if another program holds it.
pub async fn try_job_lock(conn: &mut PgConnection, job: i32) -> Result<bool, StoreError> {
    let row =
        sqlx::query!(r#"select pg_try_advisory_xact_lock($1, $2) as "taken!""#, JOB_LOCK, job).fetch_one(conn).await?;
    Ok(row.taken)
}

/// Readies the transaction for statements over thousands of accounts: each is planned for the arrays that it is
/// given, since one plan is right for one account and another for all of them, and may sum them in memory.
pub async fn expect_large_batches(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true) as plans")
        .fetch_one(&mut *conn)
        .await?;
    billing_usage::roomy(conn).await
}

/// The run of this period, begun if it is new.
pub async fn begin(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
    now: Timestamp,
) -> Result<RunId, StoreError> {
    sqlx::query!(
        r#"
        insert into billing_runs (run_id, issuer_id, period_start, period_end, started_at)
        values ($1, $2, $3, $4, $5)
        on conflict (issuer_id, period_start) do nothing
        "#,
        RunId::fresh(now).uuid(),
        issuer.uuid(),
        to_sql(period.start()),
        to_sql(period.end()),
        to_sql(now)
    )
    .execute(&mut *conn)
    .await?;
    let run = find(conn, issuer, period).await?;
    run.map(|r| r.id)
        .ok_or_else(|| StoreError::inconsistent("billing_runs", "run_id", "the run that was just begun is gone"))
}

pub async fn find(conn: &mut PgConnection, issuer: IssuerId, period: Period) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query!(
        "select run_id, started_at, finished_at from billing_runs where issuer_id = $1 and period_start = $2",
        issuer.uuid(),
        to_sql(period.start())
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|r| Run {
        id: RunId::from_uuid(r.run_id),
        issuer,
        period,
        started_at: from_sql(r.started_at),
        finished_at: r.finished_at.map(from_sql),
    }))
}

/// Whom a run has still to look at: without an outcome, parked, or with nothing to bill then and usage or agreements now. An
/// account that has an invoice of this period is never among them. In any order.
pub async fn open_accounts(
    conn: &mut PgConnection,
    run: RunId,
    issuer: IssuerId,
    period: Period,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select a.account_id as "account_id!"
        from accounts a
        left join billing_run_accounts o on o.run_id = $1 and o.account_id = a.account_id
        where a.issuer_id = $2
          and (o.outcome is null or o.outcome = 'parked' or o.outcome = 'nothing' and (
                  exists (select from tenants t join usage_hours u on u.tenant_id = t.tenant_id
                          where t.account_id = a.account_id and u.hour >= $3 and u.hour < $4)
                  or exists (select from tenants t join meter_hours m on m.tenant_id = t.tenant_id
                             where t.account_id = a.account_id and m.hour >= $3 and m.hour < $4)
                  or exists (select from agreements g
                             where g.account_id = a.account_id and g.from_at < $4
                               and (g.kind in ('reservation', 'recurring', 'minimum')
                                        and (g.until_at is null or g.until_at > $3)
                                    or g.kind in ('once', 'goodwill') and g.from_at >= $3))))
          and not exists (select from invoices i
                          where i.account_id = a.account_id and i.period_start = $3 and i.state = 'issued'
                            and i.credit_id is null)
        "#,
        run.uuid(),
        issuer.uuid(),
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| AccountId::from_uuid(r.account_id)).collect())
}

/// Writes what became of accounts. Issued stays issued.
pub async fn record(
    conn: &mut PgConnection,
    run: RunId,
    outcomes: &[AccountRow],
    now: Timestamp,
) -> Result<(), StoreError> {
    let accounts: Vec<Uuid> = outcomes.iter().map(|o| o.account.uuid()).collect();
    let names: Vec<&str> = outcomes.iter().map(|o| o.outcome.name()).collect();
    let invoices: Vec<Option<Uuid>> = outcomes.iter().map(|o| o.invoice.map(InvoiceId::uuid)).collect();
    sqlx::query!(
        r#"
        insert into billing_run_accounts as o (run_id, account_id, outcome, invoice_id, at)
        select $1, account_id, outcome, invoice_id, $5
        from unnest($2::uuid[], $3::text[], $4::uuid[]) as said(account_id, outcome, invoice_id)
        order by account_id
        on conflict (run_id, account_id) do update
            set outcome = excluded.outcome, invoice_id = excluded.invoice_id, at = excluded.at
            where o.outcome <> 'issued' and (o.outcome, o.invoice_id) is distinct from (excluded.outcome, excluded.invoice_id)
        "#,
        run.uuid(),
        &accounts,
        &names as _,
        &invoices as _,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that every account of the issuer has an outcome. The first time stands.
pub async fn finish(conn: &mut PgConnection, run: RunId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "update billing_runs set finished_at = $2 where run_id = $1 and finished_at is null",
        run.uuid(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many accounts of a run have each outcome.
pub async fn counts(conn: &mut PgConnection, run: RunId) -> Result<BTreeMap<AccountOutcome, i64>, StoreError> {
    let rows = sqlx::query!(
        r#"select outcome, count(*) as "accounts!" from billing_run_accounts where run_id = $1 group by outcome"#,
        run.uuid()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|r| Ok((AccountOutcome::from_sql(&r.outcome)?, r.accounts))).collect()
}

/// Which periods ended before an instant and have an account whose first book is still open: whom nobody billed
/// yet, or whose invoice is held back.
pub async fn unbilled_periods(
    conn: &mut PgConnection,
    ended_by: Timestamp,
) -> Result<Vec<(IssuerId, Period)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct a.issuer_id, p.period_start, p.period_end
        from periods p
        join accounts a on a.account_id = p.account_id
        where p.period_end <= $1 and p.open_book = 1
        order by p.period_start, a.issuer_id
        "#,
        to_sql(ended_by)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| Ok((IssuerId::from_uuid(r.issuer_id), period_from_sql("periods", r.period_start, r.period_end)?)))
        .collect()
}

/// The open books of these accounts' period, read under the lock; 1 for an account that has used nothing yet.
/// Makes no rows, so that a period without usage leaves no trace.
pub async fn open_books(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<BTreeMap<AccountId, i32>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select asked.account_id as "account_id!", coalesce(p.open_book, 1) as "open_book!"
        from unnest($1::uuid[]) as asked(account_id)
        left join periods p on p.account_id = asked.account_id and p.period_start = $2
        "#,
        &ids,
        to_sql(period.start())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (AccountId::from_uuid(r.account_id), r.open_book)).collect())
}

/// Closes these accounts' open books and opens the next. Call it under the lock taken alone.
pub async fn close_books(conn: &mut PgConnection, accounts: &[AccountId], period: Period) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    sqlx::query!(
        r#"
        insert into periods as p (account_id, period_start, period_end, open_book)
        select account_id, $2, $3, 2 from unnest($1::uuid[]) as closed(account_id) order by account_id
        on conflict (account_id, period_start) do update set open_book = p.open_book + 1
        "#,
        &ids,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first earlier period of each of these accounts that has usage and no invoice, or whose first one is held back;
/// whose has none is left out. A correction that is held back keeps nobody waiting: what is rounded is read from the
/// usage, not from documents.
pub async fn earlier_open(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<BTreeMap<AccountId, Period>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select distinct on (account_id) account_id as "account_id!", period_start as "period_start!",
               period_end as "period_end!"
        from (
            select account_id, period_start, period_end
            from invoices
            where account_id = any($1) and period_start < $2 and state = 'parked' and book = 1
            union all
            select account_id, period_start, period_end
            from unbilled_usage_periods
            where account_id = any($1) and period_start < $2
        ) open
        order by account_id, period_start
        "#,
        &ids,
        to_sql(period.start())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let open = period_from_sql("periods", r.period_start, r.period_end)?;
            Ok((AccountId::from_uuid(r.account_id), open))
        })
        .collect()
}

/// The start of the earliest period that ended by now and is not settled for somebody: parked for a person, or used and
/// not billed.
pub async fn first_unsettled(conn: &mut PgConnection, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query!(
        r#"
        select least(
            (select min(period_start) from invoices where state = 'parked' and not rests),
            (select min(period_start) from unbilled_usage_periods where period_end <= $1)) as first
        "#,
        to_sql(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.first.map(from_sql))
}

/// Which of these accounts an invoice was issued to for a period.
pub async fn issued_to(
    conn: &mut PgConnection,
    accounts: &BTreeSet<AccountId>,
    period: Period,
) -> Result<BTreeSet<AccountId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        "select account_id from invoices where account_id = any($1) and period_start = $2 and state = 'issued' and credit_id is null",
        &ids,
        to_sql(period.start())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| AccountId::from_uuid(r.account_id)).collect())
}
