//! How do documents stand with their payment?

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::{
    Number,
    payment::{Item, Standing, standings as derive},
    tax::Subtotal,
};
use releve_types::{AccountId, Currency, InvoiceId, Money, Timestamp, ids::IssuerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{invoices, pool::StoreError, sql_time::from_sql};

/// How these documents stand. Those that were not issued are left out.
pub async fn standings(
    conn: &mut PgConnection,
    of: &[(AccountId, InvoiceId)],
    now: Timestamp,
) -> Result<BTreeMap<InvoiceId, Standing>, StoreError> {
    let wanted: BTreeSet<InvoiceId> = of.iter().map(|(_, invoice)| *invoice).collect();
    let mut found = BTreeMap::new();
    for items in groups(conn, of).await? {
        found.extend(derive(&items, now).map_err(|e| broken("amount", e))?);
    }
    found.retain(|invoice, _| wanted.contains(invoice));
    Ok(found)
}

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("settlements", column, detail)
}

/// All documents of the accounts' periods that these are of, period by period and in the order in which they were issued.
/// A period that was billed in two currencies is two.
async fn groups(conn: &mut PgConnection, of: &[(AccountId, InvoiceId)]) -> Result<Vec<Vec<Item>>, StoreError> {
    let accounts: Vec<Uuid> = of.iter().map(|(account, _)| account.uuid()).collect();
    let invoices: Vec<Uuid> = of.iter().map(|(_, invoice)| invoice.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select i.invoice_id, i.account_id, i.period_start, i.credit_id, i.currency, i.payable - i.prepaid as "due!", i.due_at as "due_at!",
               coalesce(s.amount, 0) as "settled!", coalesce(w.amount, 0) as "given_up!"
        from (
            select distinct i.account_id, i.period_start, i.credit_id
            from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
            join invoices i on i.invoice_id = asked.invoice_id and i.account_id = asked.account_id
        ) asked
        join invoices i on i.account_id = asked.account_id and i.period_start = asked.period_start
                       and i.credit_id is not distinct from asked.credit_id
        left join lateral (
            select sum(s.amount) as amount from settlements s
            where s.account_id = i.account_id and s.invoice_id = i.invoice_id
        ) s on true
        left join lateral (
            select sum(w.amount) as amount from write_offs w
            where w.account_id = i.account_id and w.invoice_id = i.invoice_id
        ) w on true
        where i.state = 'issued'
        order by i.account_id, i.period_start, i.book
        "#,
        &accounts,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    let mut groups: BTreeMap<(Uuid, Timestamp, Option<Uuid>, Currency), Vec<Item>> = BTreeMap::new();
    for row in rows {
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let money = |amount| Money::exact(amount, currency).map_err(|e| broken("amount", e));
        groups.entry((row.account_id, from_sql(row.period_start), row.credit_id, currency)).or_default().push(Item {
            invoice: InvoiceId::from_uuid(row.invoice_id),
            due: money(row.due)?,
            due_at: from_sql(row.due_at),
            settled: money(row.settled)?,
            given_up: money(row.given_up)?,
        });
    }
    Ok(groups.into_values().collect())
}

/// A document with how it stands, and the VAT that its payment bears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owed {
    pub invoice: InvoiceId,
    pub account: AccountId,
    pub issuer: IssuerId,
    pub number: Number,
    pub payable: Money,
    /// What of it was paid in advance: what else settles it comes after that.
    pub prepaid: Money,
    pub subtotals: Vec<Subtotal>,
    pub standing: Standing,
}

/// Issued documents, with what is open on each. Call it under the lock to settle them.
pub async fn owed(conn: &mut PgConnection, ids: &[InvoiceId], now: Timestamp) -> Result<Vec<Owed>, StoreError> {
    let issued = invoices::issued_heads(conn, ids).await?;
    let of: Vec<(AccountId, InvoiceId)> = issued.iter().map(|(head, _)| (head.account, head.id)).collect();
    let mut standings = standings(conn, &of, now).await?;
    let mut owed = Vec::with_capacity(issued.len());
    for (head, subtotals) in issued {
        let (Some(stamp), Some(payable), Some(standing)) = (head.stamp, head.payable, standings.remove(&head.id))
        else {
            continue;
        };
        let (invoice, account, issuer, prepaid) = (head.id, head.account, head.issuer, head.prepaid);
        owed.push(Owed { invoice, account, issuer, number: stamp.number, payable, prepaid, subtotals, standing });
    }
    Ok(owed)
}
