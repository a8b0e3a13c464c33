//! What do tenants mean to spend, and which thresholds of it were reached?

use std::collections::BTreeMap;

use releve_billing::watch::{self, Basis, Figure, Fired};
use releve_types::{AccountId, Currency, Hour, Money, Sku, TenantId, Timestamp, ids::BudgetId, time::MILLIS_PER_HOUR};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, hour_to_sql, to_sql},
};

/// A budget as a person made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BudgetRecord {
    /// What fired is not among it.
    pub budget: watch::Budget,
    pub name: String,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// Measure and ceiling, as the table has them.
fn limit_to_sql(limit: Figure) -> (&'static str, Decimal) {
    match limit {
        Figure::Amount(money) => ("amount", money.amount()),
        Figure::GpuMs(ms) => ("gpu_hours", Decimal::from(ms / MILLIS_PER_HOUR)),
    }
}

fn limit_from_sql(measure: &str, ceiling: Decimal, currency: &str) -> Result<Figure, StoreError> {
    let wrong = |detail: &str| StoreError::inconsistent("budgets", "ceiling", detail);
    if measure == "gpu_hours" {
        return i64::try_from(ceiling).ok().and_then(Figure::hours).ok_or_else(|| wrong("too many hours"));
    }
    let currency: Currency = currency.parse().map_err(|e| StoreError::inconsistent("accounts", "currency", e))?;
    Money::exact(ceiling, currency).map(Figure::Amount).map_err(|e| wrong(&e.to_string()))
}

fn thresholds_to_sql(budget: &watch::Budget) -> Vec<i32> {
    budget.thresholds.iter().filter_map(|t| i32::try_from(*t).ok()).collect()
}

/// False if the tenant has a budget of this name.
pub async fn insert(conn: &mut PgConnection, tenant: TenantId, record: &BudgetRecord) -> Result<bool, StoreError> {
    let budget = &record.budget;
    let (measure, ceiling) = limit_to_sql(budget.limit);
    let done = sqlx::query!(
        r#"
        insert into budgets (tenant_id, budget_id, name, project, sku, measure, ceiling, basis, thresholds, hard, created_at,
                             created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (tenant_id, name) do nothing
        "#,
        tenant.uuid(),
        budget.id.uuid(),
        record.name,
        budget.project,
        budget.sku.as_ref().map(Sku::to_string),
        measure,
        ceiling,
        budget.basis.name(),
        &thresholds_to_sql(budget),
        budget.hard,
        to_sql(record.created_at),
        record.created_by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many a tenant has. Who asks before making one keeps others from making one meanwhile.
pub async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    sqlx::query!("select from tenants where tenant_id = $1 for no key update", tenant.uuid())
        .fetch_all(&mut *conn)
        .await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "n!" from budgets where tenant_id = $1"#, tenant.uuid());
    Ok(count.fetch_one(conn).await?)
}

/// What of a budget may be changed. False if the tenant has another of this name.
pub async fn update(conn: &mut PgConnection, tenant: TenantId, record: &BudgetRecord) -> Result<bool, StoreError> {
    let (_, ceiling) = limit_to_sql(record.budget.limit);
    let done = sqlx::query!(
        r#"
        update budgets set name = $3, ceiling = $4, thresholds = $5, hard = $6
        where tenant_id = $1 and budget_id = $2
          and not exists (select from budgets o where o.tenant_id = $1 and o.name = $3 and o.budget_id <> $2)
        "#,
        tenant.uuid(),
        record.budget.id.uuid(),
        record.name,
        ceiling,
        &thresholds_to_sql(&record.budget),
        record.budget.hard
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn remove(conn: &mut PgConnection, tenant: TenantId, id: BudgetId) -> Result<(), StoreError> {
    sqlx::query!("delete from budgets where tenant_id = $1 and budget_id = $2", tenant.uuid(), id.uuid())
        .execute(conn)
        .await?;
    Ok(())
}

struct BudgetRow {
    tenant_id: Uuid,
    account_id: Uuid,
    budget_id: Uuid,
    name: String,
    project: Option<String>,
    sku: Option<String>,
    measure: String,
    ceiling: Decimal,
    basis: String,
    thresholds: Vec<i32>,
    hard: bool,
    created_at: OffsetDateTime,
    created_by: String,
    currency: String,
}

impl TryFrom<BudgetRow> for BudgetRecord {
    type Error = StoreError;

    fn try_from(row: BudgetRow) -> Result<Self, StoreError> {
        let basis = Basis::ALL.into_iter().find(|basis| basis.name() == row.basis);
        let sku = row.sku.map(|sku| sku.parse().map_err(|e| StoreError::inconsistent("budgets", "sku", e)));
        let budget = watch::Budget {
            id: BudgetId::from_uuid(row.budget_id),
            tenant: TenantId::from_uuid(row.tenant_id),
            project: row.project,
            sku: sku.transpose()?,
            limit: limit_from_sql(&row.measure, row.ceiling, &row.currency)?,
            basis: basis.ok_or_else(|| StoreError::inconsistent("budgets", "basis", row.basis))?,
            thresholds: row.thresholds.into_iter().filter_map(|t| u32::try_from(t).ok()).collect(),
            hard: row.hard,
            fired: Vec::new(),
        };
        Ok(Self { budget, name: row.name, created_at: from_sql(row.created_at), created_by: row.created_by })
    }
}

/// One of a tenant's budgets.
pub async fn budget(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: BudgetId,
) -> Result<Option<BudgetRecord>, StoreError> {
    let row = sqlx::query_as!(
        BudgetRow,
        r#"
        select b.tenant_id, b.budget_id, b.name, b.project, b.sku, b.measure, b.ceiling, b.basis, b.thresholds, b.hard,
               b.created_at, b.created_by, t.account_id as "account_id!", a.currency
        from budgets b
        join tenants t on t.tenant_id = b.tenant_id
        join accounts a on a.account_id = t.account_id
        where b.tenant_id = $1 and b.budget_id = $2
        "#,
        tenant.uuid(),
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(BudgetRecord::try_from).transpose()
}

/// A tenant's budgets, in the order they were made.
pub async fn budgets(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Option<BudgetId>,
    len_max: i64,
) -> Result<Vec<BudgetRecord>, StoreError> {
    let rows = sqlx::query_as!(
        BudgetRow,
        r#"
        select b.tenant_id, b.budget_id, b.name, b.project, b.sku, b.measure, b.ceiling, b.basis, b.thresholds, b.hard,
               b.created_at, b.created_by, t.account_id as "account_id!", a.currency
        from budgets b
        join tenants t on t.tenant_id = b.tenant_id
        join accounts a on a.account_id = t.account_id
        where b.tenant_id = $1 and ($2::uuid is null or b.budget_id > $2)
        order by b.budget_id
        limit $3
        "#,
        tenant.uuid(),
        after.map(BudgetId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BudgetRecord::try_from).collect()
}

/// All budgets of these accounts' tenants, locked, with what fired of each in the period that starts then. Who has none is not in it.
pub async fn of_accounts(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period_start: Timestamp,
) -> Result<BTreeMap<AccountId, Vec<BudgetRecord>>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query_as!(
        BudgetRow,
        r#"
        select b.tenant_id, b.budget_id, b.name, b.project, b.sku, b.measure, b.ceiling, b.basis, b.thresholds, b.hard,
               b.created_at, b.created_by, t.account_id as "account_id!", a.currency
        from budgets b
        join tenants t on t.tenant_id = b.tenant_id
        join accounts a on a.account_id = t.account_id
        where a.account_id = any($1)
        order by b.budget_id
        for update of b
        "#,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.budget_id).collect();
    let firings = sqlx::query!(
        "select budget_id, threshold, ceiling from budget_firings where budget_id = any($1) and period_start = $2",
        &ids,
        to_sql(period_start)
    )
    .fetch_all(conn)
    .await?;
    let mut fired: BTreeMap<Uuid, Vec<(i32, Decimal)>> = BTreeMap::new();
    for row in firings {
        fired.entry(row.budget_id).or_default().push((row.threshold, row.ceiling));
    }
    let mut budgets: BTreeMap<AccountId, Vec<BudgetRecord>> = BTreeMap::new();
    for row in rows {
        let (account, currency) = (AccountId::from_uuid(row.account_id), row.currency.clone());
        let mut record = BudgetRecord::try_from(row)?;
        let (measure, _) = limit_to_sql(record.budget.limit);
        for (threshold, ceiling) in fired.remove(&record.budget.id.uuid()).unwrap_or_default() {
            let of = limit_from_sql(measure, ceiling, &currency)?;
            record.budget.fired.extend(u32::try_from(threshold).ok().map(|threshold| (threshold, of)));
        }
        budgets.entry(account).or_default().push(record);
    }
    Ok(budgets)
}

/// Notes that a threshold fired; false if it had already.
pub async fn fire(
    conn: &mut PgConnection,
    tenant: TenantId,
    period_start: Timestamp,
    fired: &Fired,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into budget_firings (tenant_id, budget_id, period_start, threshold, ceiling, fired_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        "#,
        tenant.uuid(),
        fired.budget.uuid(),
        to_sql(period_start),
        i32::try_from(fired.threshold).unwrap_or(i32::MAX),
        limit_to_sql(fired.limit).1,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a threshold fire again.
pub async fn rearm(
    conn: &mut PgConnection,
    (budget, threshold): (BudgetId, u32),
    period_start: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from budget_firings where budget_id = $1 and period_start = $2 and threshold = $3",
        budget.uuid(),
        to_sql(period_start),
        i32::try_from(threshold).unwrap_or(i32::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Turns marks of changed usage into accounts to judge; how many marks. Of those that have no budget, each once for every full
/// hour. A mark that somebody holds, or of an account that somebody judges, is left for the next time, so nobody who counts
/// waits for judging. One program at a time.
pub async fn collect(conn: &mut PgConnection, marks_max: i64, hour: Hour, now: Timestamp) -> Result<i64, StoreError> {
    let row = sqlx::query!(
        r#"
        with looked_at as materialized (
            select m.tenant_id, t.account_id
            from (select tenant_id from spend_marks order by tenant_id limit $1 for update skip locked) m
            left join tenants t on t.tenant_id = m.tenant_id
        ), due_already as materialized (
            select account_id from budgets_due where account_id in (select account_id from looked_at)
        ), free as materialized (
            select account_id from budgets_due where account_id in (select account_id from due_already) for update skip locked
        ), taken as (
            delete from spend_marks where tenant_id in (
                select l.tenant_id from looked_at l
                where l.account_id is null or l.account_id not in (select account_id from due_already)
                   or l.account_id in (select account_id from free))
            returning tenant_id
        ), marked as (
            select distinct l.account_id from taken join looked_at l on l.tenant_id = taken.tenant_id
            where l.account_id is not null
        ), due as (
            insert into budgets_due as d (account_id, due_at, hourly)
            select m.account_id, $2::timestamptz, not m.has_budget
            from (
                select account_id, exists (
                    select from budgets b join tenants o on o.tenant_id = b.tenant_id where o.account_id = marked.account_id
                ) as has_budget
                from marked
            ) m
            where m.has_budget
               or not exists (select from account_watches w where w.account_id = m.account_id and w.hour >= $3)
            order by m.account_id
            on conflict (account_id) do update set hourly = false where d.hourly and not excluded.hourly
        ), noted as (
            insert into account_watches as w (account_id, hour, marked_hour)
            select account_id, to_timestamp(0), $3 from marked order by account_id
            on conflict (account_id) do update set marked_hour = excluded.marked_hour
                where w.marked_hour < excluded.marked_hour
        )
        select count(*) as "marks!" from taken
        "#,
        marks_max,
        to_sql(now),
        hour_to_sql(hour)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.marks)
}

/// The next accounts whose budgets are due, or that are judged by the hour, without those that somebody judges. Served by
/// budgets_due_next.
pub async fn due(
    conn: &mut PgConnection,
    hourly: bool,
    len_max: i64,
    now: Timestamp,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"
        select account_id from budgets_due where hourly = $2 and due_at <= $1 order by due_at limit $3
        for update skip locked
        "#,
        to_sql(now),
        hourly,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccountId::from_uuid).collect())
}

/// Takes those of these accounts that are due and that nobody judges: they are judged in this transaction, or are due again.
pub async fn take(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<Vec<AccountId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query_scalar!(
        r#"
        delete from budgets_due where account_id in (
            select account_id from budgets_due where account_id = any($1) for update skip locked)
        returning account_id
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccountId::from_uuid).collect())
}

/// Puts an account off that could not be judged.
pub async fn put_off(conn: &mut PgConnection, account: AccountId, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("update budgets_due set due_at = $2 where account_id = $1", account.uuid(), to_sql(until))
        .execute(conn)
        .await?;
    Ok(())
}
