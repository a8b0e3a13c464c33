//! Whose issued periods may be worth less or more than their documents say?

use std::collections::BTreeMap;

use releve_types::{AccountId, Period, Timestamp, ids::IssuerId};
use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    sql_time::{period_from_sql, to_sql},
};

/// An issuer's periods that ended by an instant and have a document, the earliest first.
pub async fn billed_periods(
    conn: &mut PgConnection,
    issuer: IssuerId,
    ended_by: Timestamp,
) -> Result<Vec<Period>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct period_start, period_end
        from invoices
        where issuer_id = $1 and state = 'issued' and credit_id is null and period_end <= $2
        order by period_start
        "#,
        issuer.uuid(),
        to_sql(ended_by)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|r| period_from_sql("invoices", r.period_start, r.period_end)).collect()
}

/// Accounts with a document of this period and usage in the book after it, or a correction that is held back; and those
/// of which an earlier period got a document since, as what a plan rounds over its end may change this one: asked again,
/// these come to nothing. And those whose documents were taken back whole.
pub async fn open_accounts(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select p.account_id
        from periods p
        join accounts a on a.account_id = p.account_id and a.issuer_id = $1
        where p.period_start = $2 and p.open_book > 1
          and exists (select from invoices i
                      where i.account_id = p.account_id and i.period_start = $2 and i.state = 'issued'
                        and i.credit_id is null)
          and (exists (select from invoices earlier
                       where earlier.account_id = p.account_id and earlier.period_start < $2 and earlier.state = 'issued'
                         and earlier.credit_id is null
                         and earlier.issued_at >= (select max(i.issued_at) from invoices i
                                                   where i.account_id = p.account_id and i.period_start = $2
                                                     and i.state = 'issued' and i.credit_id is null))
               or exists (select from invoices i
                          where i.account_id = p.account_id and i.period_start = $2 and i.state = 'parked')
               or exists (select from voids v
                          where v.account_id = p.account_id and v.period_start = $2 and v.book = p.open_book - 1)
               or exists (select from tenants t join usage_hours u on u.tenant_id = t.tenant_id
                          where t.account_id = p.account_id and u.hour >= $2 and u.hour < $3 and u.book = p.open_book)
               or exists (select from tenants t join meter_hours m on m.tenant_id = t.tenant_id
                          where t.account_id = p.account_id and m.hour >= $2 and m.hour < $3 and m.book = p.open_book))
        "#,
        issuer.uuid(),
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| AccountId::from_uuid(r.account_id)).collect())
}

/// Whose correction of which period waits for a person. What the contract alone holds back is looked at with the month.
pub async fn held(conn: &mut PgConnection) -> Result<BTreeMap<(IssuerId, Period), Vec<AccountId>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select issuer_id, period_start, period_end, account_id
        from invoices
        where state = 'parked' and book > 1 and not rests
        order by period_start, issuer_id, account_id
        "#
    )
    .fetch_all(conn)
    .await?;
    let mut held: BTreeMap<(IssuerId, Period), Vec<AccountId>> = BTreeMap::new();
    for r in rows {
        let period = period_from_sql("invoices", r.period_start, r.period_end)?;
        held.entry((IssuerId::from_uuid(r.issuer_id), period)).or_default().push(AccountId::from_uuid(r.account_id));
    }
    Ok(held)
}

/// Issuers that have billed a month that ended by an instant, and have not looked through their earlier months since;
/// with that month.
pub async fn due(conn: &mut PgConnection, ended_by: Timestamp) -> Result<Vec<(IssuerId, Period)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct on (r.issuer_id) r.issuer_id, r.period_start, r.period_end
        from billing_runs r
        left join correction_passes c on c.issuer_id = r.issuer_id
        where r.finished_at is not null and r.period_end <= $1 and (c.period_start is null or c.period_start < r.period_start)
        order by r.issuer_id, r.period_start desc
        "#,
        to_sql(ended_by)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| Ok((IssuerId::from_uuid(r.issuer_id), period_from_sql("billing_runs", r.period_start, r.period_end)?)))
        .collect()
}

/// Notes that an issuer's months before this one were looked through.
pub async fn passed(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into correction_passes as c (issuer_id, period_start, passed_at) values ($1, $2, $3)
        on conflict (issuer_id) do update set period_start = excluded.period_start, passed_at = excluded.passed_at
            where c.period_start < excluded.period_start
        "#,
        issuer.uuid(),
        to_sql(period.start()),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
