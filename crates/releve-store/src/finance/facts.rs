//! What happened at a seller before an instant, beside its documents' own words? For the books: read whole, in few statements.

use std::collections::BTreeMap;

use releve_finance::month::{GivenUp, Move, Wallet, WalletEntry};
use releve_types::{
    AccountId, InvoiceId, Money, Period, TenantId, Timestamp,
    ids::{CreditId, IssuerId},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// A seller's documents that were issued before an instant, in the order of their issue.
pub async fn issued_before(
    conn: &mut PgConnection,
    issuer: IssuerId,
    before: Timestamp,
) -> Result<Vec<InvoiceId>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select invoice_id from invoices
        where issuer_id = $1 and state = 'issued' and issued_at < $2
        order by issued_at, series, year, serial
        "#,
        issuer.uuid(),
        to_sql(before)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| InvoiceId::from_uuid(row.invoice_id)).collect())
}

/// The documents of these accounts that are of a period of usage, in the order of their books.
pub async fn of_period(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<Vec<InvoiceId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select invoice_id from invoices
        where account_id = any($1) and period_start = $2 and state = 'issued' and credit_id is null
        order by account_id, book
        "#,
        &ids,
        to_sql(period.start())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| InvoiceId::from_uuid(row.invoice_id)).collect())
}

/// Their documents of the usage of a month, and of advances that were made in it.
pub async fn of_month(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<Vec<InvoiceId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select invoice_id from invoices
        where account_id = any($1) and period_start >= $2 and period_start < $3 and state = 'issued'
        order by account_id, period_start, credit_id nulls first, book, series, year, serial
        "#,
        &ids,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| InvoiceId::from_uuid(row.invoice_id)).collect())
}

/// Their documents of advances, and what was billed of whatever period after its first document, that were issued in a stretch of time.
pub async fn beside_period(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    issued: Period,
) -> Result<Vec<InvoiceId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select i.invoice_id from invoices i
        where i.account_id = any($1) and i.issued_at >= $2 and i.issued_at < $3 and i.state = 'issued'
          and (i.credit_id is not null or exists (
              select from invoices e
              where e.account_id = i.account_id and e.period_start = i.period_start and e.credit_id is null
                and e.state = 'issued' and e.book < i.book))
        order by i.account_id, i.issued_at, i.series, i.year, i.serial
        "#,
        &ids,
        to_sql(issued.start()),
        to_sql(issued.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| InvoiceId::from_uuid(row.invoice_id)).collect())
}

/// Accounts of a seller with a document of a period that was issued from an instant on, or that waits for a person.
pub async fn concerned_since(
    conn: &mut PgConnection,
    issuer: IssuerId,
    period: Period,
    since: Timestamp,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct account_id from invoices
        where issuer_id = $1 and period_start = $2 and credit_id is null
          and (state = 'parked' or state = 'issued' and issued_at >= $3)
        "#,
        issuer.uuid(),
        to_sql(period.start()),
        to_sql(since)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| AccountId::from_uuid(row.account_id)).collect())
}

/// What was given up of its documents, and taken back of that, in the order in which it was.
pub async fn given_up(
    conn: &mut PgConnection,
    issuer: IssuerId,
    before: Timestamp,
) -> Result<Vec<GivenUp>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select w.account_id, w.invoice_id, w.amount, w.written_off_at, i.currency
        from write_offs w
        join invoices i on i.invoice_id = w.invoice_id
        where i.issuer_id = $1 and w.written_off_at < $2
        order by w.entry_id
        "#,
        issuer.uuid(),
        to_sql(before)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(GivenUp {
                account: AccountId::from_uuid(row.account_id),
                invoice: InvoiceId::from_uuid(row.invoice_id),
                amount: money("write_offs", row.amount, &row.currency)?,
                at: from_sql(row.written_off_at),
            })
        })
        .collect()
}

fn money(table: &'static str, amount: rust_decimal::Decimal, currency: &str) -> Result<Money, StoreError> {
    let currency = currency.parse().map_err(|e| StoreError::inconsistent(table, "currency", e))?;
    Money::exact(amount, currency).map_err(|e| StoreError::inconsistent(table, "amount", e))
}

/// The credits of its customers, whatever is left of them.
pub async fn wallets(
    conn: &mut PgConnection,
    issuer: IssuerId,
    before: Timestamp,
) -> Result<BTreeMap<CreditId, Wallet>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select c.credit_id, c.account_id, c.kind, c.description, c.expires_at, d.invoice_id as "deposit?"
        from credits c
        join accounts a on a.account_id = c.account_id
        left join invoices d on d.credit_id = c.credit_id and d.corrects = '[]'
        where a.issuer_id = $1 and c.created_at < $2
        "#,
        issuer.uuid(),
        to_sql(before)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let wallet = Wallet {
                account: AccountId::from_uuid(row.account_id),
                paid: row.kind == "paid",
                description: row.description,
                expires: row.expires_at.map(from_sql),
                deposit: row.deposit.map(InvoiceId::from_uuid),
            };
            (CreditId::from_uuid(row.credit_id), wallet)
        })
        .collect())
}

/// What moved on them, in the order in which it was entered.
pub async fn wallet_entries(
    conn: &mut PgConnection,
    issuer: IssuerId,
    before: Timestamp,
) -> Result<Vec<WalletEntry>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select e.credit_id, e.from_side, e.to_side, e.amount, e.invoice_id, e.entered_at, c.currency
        from credit_entries e
        join credits c on c.credit_id = e.credit_id
        join accounts a on a.account_id = c.account_id
        where a.issuer_id = $1 and e.entered_at < $2
        order by e.entry_id
        "#,
        issuer.uuid(),
        to_sql(before)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let moved = match (row.from_side.as_str(), row.to_side.as_str()) {
                ("payment" | "seller", "credit") => Move::Opened,
                ("credit", "invoice") => Move::Drawn,
                ("invoice", "credit") => Move::GivenBack,
                ("credit", "expired") => Move::Expired,
                ("credit", "payment" | "seller") => Move::TakenBack,
                (from, _) => return Err(StoreError::inconsistent("credit_entries", "from_side", from)),
            };
            Ok(WalletEntry {
                credit: CreditId::from_uuid(row.credit_id),
                moved,
                amount: money("credit_entries", row.amount, &row.currency)?,
                invoice: row.invoice_id.map(InvoiceId::from_uuid),
                at: from_sql(row.entered_at),
            })
        })
        .collect()
}

/// What a customer's tenants are called.
pub async fn tenant_names(
    conn: &mut PgConnection,
    accounts: &[AccountId],
) -> Result<BTreeMap<TenantId, (AccountId, String)>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"select tenant_id, account_id as "account_id!", name from tenants where account_id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let named = rows
        .into_iter()
        .map(|row| (TenantId::from_uuid(row.tenant_id), (AccountId::from_uuid(row.account_id), row.name)));
    Ok(named.collect())
}
