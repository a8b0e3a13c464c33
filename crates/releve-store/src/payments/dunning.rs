//! Who was reminded, and who may have to be?

use std::collections::BTreeMap;

use releve_types::{AccountId, InvoiceId, Money, Timestamp, ids::IssuerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// A reminder that was due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notice {
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub level: i32,
    pub open: Money,
}

/// An issuer's invoices that were due within a time, were not given up, paid by settlements, or reminded of at the last level:
/// with when they were due, and the last level that they were reminded at. Credit notes may still cover them.
pub async fn may_be_overdue(
    conn: &mut PgConnection,
    issuer: IssuerId,
    due: std::ops::Range<Timestamp>,
    last_level: i32,
) -> Result<Vec<(AccountId, InvoiceId, Timestamp, i32)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select i.account_id, i.invoice_id, i.due_at as "due_at!", coalesce(n.level, 0) as "level!"
        from invoices i
        left join lateral (
            select max(n.level) as level from dunning_notices n
            where n.account_id = i.account_id and n.invoice_id = i.invoice_id
        ) n on true
        where i.issuer_id = $1 and i.state = 'issued' and i.due_at >= $2 and i.due_at < $3 and i.payable > i.prepaid
          and coalesce(n.level, 0) < $4
          and i.payable - i.prepaid > coalesce((select sum(s.amount) from settlements s
                                    where s.account_id = i.account_id and s.invoice_id = i.invoice_id), 0)
                                    + coalesce((select sum(w.amount) from write_offs w
                                    where w.account_id = i.account_id and w.invoice_id = i.invoice_id), 0)
        order by i.account_id, i.invoice_id
        "#,
        issuer.uuid(),
        to_sql(due.start),
        to_sql(due.end),
        last_level
    )
    .fetch_all(conn)
    .await?;
    let row = |account, invoice, due_at, level| {
        (AccountId::from_uuid(account), InvoiceId::from_uuid(invoice), from_sql(due_at), level)
    };
    Ok(rows.into_iter().map(|r| row(r.account_id, r.invoice_id, r.due_at, r.level)).collect())
}

/// Notes reminders. One that is noted stays as it is; what is returned are those that were new.
pub async fn notice(conn: &mut PgConnection, notices: &[Notice], now: Timestamp) -> Result<Vec<Notice>, StoreError> {
    let mut new = Vec::with_capacity(notices.len());
    for notice in notices {
        let done = sqlx::query!(
            r#"
            insert into dunning_notices (account_id, invoice_id, level, open, noticed_at) values ($1, $2, $3, $4, $5)
            on conflict do nothing
            "#,
            notice.account.uuid(),
            notice.invoice.uuid(),
            notice.level,
            notice.open.amount(),
            to_sql(now)
        )
        .execute(&mut *conn)
        .await?;
        if done.rows_affected() == 1 {
            new.push(*notice);
        }
    }
    Ok(new)
}

/// The last level that each of these was reminded at.
pub async fn levels(
    conn: &mut PgConnection,
    of: &[(AccountId, InvoiceId)],
) -> Result<BTreeMap<InvoiceId, i32>, StoreError> {
    let accounts: Vec<Uuid> = of.iter().map(|(account, _)| account.uuid()).collect();
    let invoices: Vec<Uuid> = of.iter().map(|(_, invoice)| invoice.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select n.invoice_id, max(n.level) as "level!"
        from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
        join dunning_notices n on n.account_id = asked.account_id and n.invoice_id = asked.invoice_id
        group by n.invoice_id
        "#,
        &accounts,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (InvoiceId::from_uuid(row.invoice_id), row.level)).collect())
}
