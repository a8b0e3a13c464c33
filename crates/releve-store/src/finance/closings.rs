//! How was a month closed? What of usage was not invoiced at its end, as it was known when it was closed.

use releve_finance::month::{AccrualKey, Accruals};
use releve_types::{AccountId, BillingMonth, Currency, Money, Period, Timestamp, ids::IssuerId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("month_accruals", column, detail)
}

/// When the month was closed; none: it is not.
pub async fn closed_at(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query!(
        "select closed_at from month_closings where issuer_id = $1 and period_start = $2",
        issuer.uuid(),
        to_sql(period.start())
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| from_sql(row.closed_at)))
}

/// What was not invoiced then; none: the month is not closed.
pub async fn accruals(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
) -> Result<Option<Accruals>, StoreError> {
    if closed_at(&mut *conn, issuer, period).await?.is_none() {
        return Ok(None);
    }
    let rows = sqlx::query!(
        r#"
        select account_id, usage_month, sku, kind, currency, amount
        from month_accruals
        where issuer_id = $1 and period_start = $2
        "#,
        issuer.uuid(),
        to_sql(period.start())
    )
    .fetch_all(conn)
    .await?;
    let mut accruals = Accruals::new();
    for row in rows {
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let month: BillingMonth = row.usage_month.parse().map_err(|e| broken("usage_month", e))?;
        let account = AccountId::from_uuid(row.account_id);
        let key = AccrualKey { account, month, sku: row.sku, kind: row.kind, currency };
        accruals.insert(key, Money::exact(row.amount, currency).map_err(|e| broken("amount", e))?);
    }
    Ok(Some(accruals))
}

/// Closes a month; false if somebody has.
pub async fn close(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
    accruals: &Accruals,
    now: Timestamp,
    by: &str,
) -> Result<bool, StoreError> {
    let closed = sqlx::query!(
        r#"
        insert into month_closings (issuer_id, period_start, period_end, closed_at, closed_by, ledgers)
        select $1, $2, $3, $4, $5, ledgers from issuers where issuer_id = $1
        on conflict (issuer_id, period_start) do nothing
        "#,
        issuer.uuid(),
        to_sql(period.start()),
        to_sql(period.end()),
        to_sql(now),
        by
    )
    .execute(&mut *conn)
    .await?;
    if closed.rows_affected() == 0 {
        return Ok(false);
    }
    let accounts: Vec<Uuid> = accruals.keys().map(|key| key.account.uuid()).collect();
    let months: Vec<String> = accruals.keys().map(|key| key.month.to_string()).collect();
    let skus: Vec<&str> = accruals.keys().map(|key| key.sku.as_str()).collect();
    let kinds: Vec<&str> = accruals.keys().map(|key| key.kind.as_str()).collect();
    let currencies: Vec<&str> = accruals.keys().map(|key| key.currency.code()).collect();
    let amounts: Vec<Decimal> = accruals.values().map(|amount| amount.amount()).collect();
    sqlx::query!(
        r#"
        insert into month_accruals (issuer_id, period_start, account_id, usage_month, sku, kind, currency, amount)
        select $1, $2, a.account_id, a.usage_month, a.sku, a.kind, a.currency, a.amount
        from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::numeric[])
             as a(account_id, usage_month, sku, kind, currency, amount)
        "#,
        issuer.uuid(),
        to_sql(period.start()),
        &accounts,
        &months,
        &skus as _,
        &kinds as _,
        &currencies as _,
        &amounts
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// A seller's own account numbers and labels, by what they are for: `{"revenue": {"number": "706100", "label": "…"}}`.
pub async fn ledgers(conn: &mut PgConnection, issuer: IssuerId) -> Result<serde_json::Value, StoreError> {
    let row = sqlx::query!("select ledgers from issuers where issuer_id = $1", issuer.uuid()).fetch_one(conn).await?;
    Ok(row.ledgers)
}

/// The same as a month was booked with: as they were when it was closed, or as they are now.
pub async fn ledgers_of(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
) -> Result<serde_json::Value, StoreError> {
    let row = sqlx::query!(
        r#"
        select coalesce(c.ledgers, i.ledgers) as "ledgers!"
        from issuers i
        left join month_closings c on c.issuer_id = i.issuer_id and c.period_start = $2
        where i.issuer_id = $1
        "#,
        issuer.uuid(),
        to_sql(period.start())
    )
    .fetch_one(conn)
    .await?;
    Ok(row.ledgers)
}

pub async fn set_ledgers(
    conn: &mut PgConnection,
    issuer: IssuerId,
    ledgers: &serde_json::Value,
) -> Result<(), StoreError> {
    sqlx::query!("update issuers set ledgers = $2 where issuer_id = $1", issuer.uuid(), ledgers).execute(conn).await?;
    Ok(())
}
