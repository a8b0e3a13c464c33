//! What did customers order in advance, and what of it do their documents draw?

use std::collections::BTreeMap;

use releve_billing::orders::{self, OpenOrder, PurchaseOrder};
use releve_types::{AccountId, Currency, Money, Timestamp, ids::PurchaseOrderId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// An order as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderRecord {
    pub account: AccountId,
    pub open: OpenOrder,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// False if the account has an order of this number.
pub async fn insert(conn: &mut PgConnection, record: &OrderRecord) -> Result<bool, StoreError> {
    let order = &record.open.order;
    let done = sqlx::query!(
        r#"
        insert into purchase_orders (purchase_order_id, account_id, number, amount, currency, from_at, until_at, created_at,
                                     created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (account_id, number) do nothing
        "#,
        order.id().uuid(),
        record.account.uuid(),
        order.number(),
        order.amount().map(Money::amount),
        record.open.drawn.currency().code(),
        to_sql(order.from().start()),
        order.until().map(|until| to_sql(until.start())),
        to_sql(record.created_at),
        record.created_by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends one. The caller has made sure that it ends sooner than it would have.
pub async fn end(conn: &mut PgConnection, id: PurchaseOrderId, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("update purchase_orders set until_at = $2 where purchase_order_id = $1", id.uuid(), to_sql(until))
        .execute(conn)
        .await?;
    Ok(())
}

/// Locks these accounts' orders until the commit: what is left of one stays so until it is drawn.
pub async fn lock(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    sqlx::query!(
        "select purchase_order_id from purchase_orders where account_id = any($1) order by purchase_order_id for update",
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

struct OrderRow {
    purchase_order_id: Uuid,
    account_id: Uuid,
    number: String,
    amount: Option<Decimal>,
    currency: String,
    from_at: OffsetDateTime,
    until_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    created_by: String,
}

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("purchase_orders", column, detail)
}

impl OrderRow {
    fn record(self, drawn: &BTreeMap<PurchaseOrderId, Money>) -> Result<OrderRecord, StoreError> {
        let row = self;
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let money = |amount| Money::exact(amount, currency).map_err(|e| broken("amount", e));
        let id = PurchaseOrderId::from_uuid(row.purchase_order_id);
        let amount = row.amount.map(money).transpose()?;
        let order = PurchaseOrder::new(id, row.number, amount, from_sql(row.from_at), row.until_at.map(from_sql));
        let order = order.map_err(|e| broken("purchase_order_id", e))?;
        let drawn = drawn.get(&id).copied().unwrap_or(Money::zero(currency));
        Ok(OrderRecord {
            account: AccountId::from_uuid(row.account_id),
            open: OpenOrder { order, drawn },
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        })
    }
}

/// All orders of these accounts with what their issued documents draw, by start.
pub async fn of(
    conn: &mut PgConnection,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Vec<OrderRecord>>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query_as!(
        OrderRow,
        r#"
        select o.purchase_order_id, o.account_id, o.number, o.amount, o.currency, o.from_at, o.until_at, o.created_at,
               o.created_by
        from purchase_orders o
        where o.account_id = any($1)
        order by o.from_at, o.purchase_order_id
        "#,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut of: BTreeMap<AccountId, Vec<OrderRecord>> = BTreeMap::new();
    if rows.is_empty() {
        return Ok(of);
    }
    let drawn = drawn(conn, &ids).await?;
    for row in rows {
        let record = row.record(&drawn)?;
        of.entry(record.account).or_default().push(record);
    }
    Ok(of)
}

/// What the issued documents of these accounts draw on each order, period by period. A period that was billed in two currencies
/// is two.
async fn drawn(conn: &mut PgConnection, accounts: &[Uuid]) -> Result<BTreeMap<PurchaseOrderId, Money>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select i.account_id, i.period_start, i.currency, i.total, i.purchase_order_id
        from invoices i
        where i.account_id = any($1) and i.state = 'issued' and i.credit_id is null
          and exists (select from invoices n
                      where n.account_id = i.account_id and n.period_start = i.period_start
                        and n.purchase_order_id is not null)
        order by i.account_id, i.period_start, i.book
        "#,
        accounts
    )
    .fetch_all(conn)
    .await?;
    let mut periods: BTreeMap<_, Vec<(Option<PurchaseOrderId>, Money)>> = BTreeMap::new();
    for row in rows {
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let total = Money::exact(row.total, currency).map_err(|e| broken("total", e))?;
        let of = periods.entry((row.account_id, row.period_start, currency)).or_default();
        of.push((row.purchase_order_id.map(PurchaseOrderId::from_uuid), total));
    }
    let mut sums: BTreeMap<PurchaseOrderId, Money> = BTreeMap::new();
    for documents in periods.into_values() {
        for (order, amount) in orders::drawn(&documents).map_err(|e| broken("total", e))? {
            let sum = sums.entry(order).or_insert(Money::zero(amount.currency()));
            *sum = sum.checked_add(amount).map_err(|e| broken("total", e))?;
        }
    }
    Ok(sums)
}
