//! Which billing runs were there, and what became of each account in one?

use std::collections::BTreeMap;

use releve_types::{
    AccountId, InvoiceId,
    ids::{IssuerId, RunId},
};
use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    runs::{AccountOutcome, AccountRow, Run},
    sql_time::{from_sql, period_from_sql},
};

/// A run, and how many of its accounts have each outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunCounts {
    pub run: Run,
    pub counts: BTreeMap<AccountOutcome, i64>,
}

/// Runs from the newest back, before one; of an issuer or of all.
pub async fn runs(
    conn: &mut PgConnection,
    issuer: Option<IssuerId>,
    before: Option<RunId>,
    len_max: i64,
) -> Result<Vec<RunCounts>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select r.run_id, r.issuer_id, r.period_start, r.period_end, r.started_at, r.finished_at,
               count(a.account_id) filter (where a.outcome = 'issued') as "issued!",
               count(a.account_id) filter (where a.outcome = 'parked') as "parked!",
               count(a.account_id) filter (where a.outcome = 'nothing') as "nothing!"
        from billing_runs r
        left join billing_run_accounts a on a.run_id = r.run_id
        where ($1::uuid is null or r.issuer_id = $1) and ($2::uuid is null or r.run_id < $2)
        group by r.run_id
        order by r.run_id desc
        limit $3
        "#,
        issuer.map(IssuerId::uuid),
        before.map(RunId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let run = Run {
                id: RunId::from_uuid(row.run_id),
                issuer: IssuerId::from_uuid(row.issuer_id),
                period: period_from_sql("billing_runs", row.period_start, row.period_end)?,
                started_at: from_sql(row.started_at),
                finished_at: row.finished_at.map(from_sql),
            };
            let counts = [
                (AccountOutcome::Issued, row.issued),
                (AccountOutcome::Parked, row.parked),
                (AccountOutcome::Nothing, row.nothing),
            ];
            Ok(RunCounts { run, counts: BTreeMap::from(counts) })
        })
        .collect()
}

/// What became of a run's accounts, by account, after one.
pub async fn accounts(
    conn: &mut PgConnection,
    run: RunId,
    after: Option<AccountId>,
    len_max: i64,
) -> Result<Vec<AccountRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select account_id, outcome, invoice_id
        from billing_run_accounts
        where run_id = $1 and ($2::uuid is null or account_id > $2)
        order by account_id
        limit $3
        "#,
        run.uuid(),
        after.map(AccountId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AccountRow {
                account: AccountId::from_uuid(row.account_id),
                outcome: AccountOutcome::from_sql(&row.outcome)?,
                invoice: row.invoice_id.map(InvoiceId::from_uuid),
            })
        })
        .collect()
}
