//! What did a currency cost in another, and by which rate is a document's VAT stated?

use std::collections::BTreeMap;

use releve_billing::{
    Draft,
    tax::{ExchangeRate, RATE_AGE_DAYS_MAX, Stated},
};
use releve_types::{Currency, Day, InvoiceId, Money, Timestamp, ids::ExchangeRateId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql, to_sql},
};

struct Row {
    exchange_rate_id: Uuid,
    base: String,
    quote: String,
    day: Date,
    rate: Decimal,
    source: String,
}

impl TryFrom<Row> for ExchangeRate {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let currency = |column, code: &str| {
            code.parse::<Currency>().map_err(|e| StoreError::inconsistent("exchange_rates", column, e))
        };
        let between = (currency("base", &row.base)?, currency("quote", &row.quote)?);
        let (id, day) = (ExchangeRateId::from_uuid(row.exchange_rate_id), Day::from_index(day_from_sql(row.day)));
        Self::new(id, between, row.rate, day, &row.source)
            .map_err(|e| StoreError::inconsistent("exchange_rates", "rate", e))
    }
}

/// The rates that hold on a day: of each two currencies the latest of at most [`RATE_AGE_DAYS_MAX`] days before, as it was told last.
pub async fn on(conn: &mut PgConnection, day: Day) -> Result<Vec<ExchangeRate>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select distinct on (base, quote) exchange_rate_id, base, quote, day, rate, source
        from exchange_rates
        where day > $1 and day <= $2
        order by base, quote, day desc, created_at desc, exchange_rate_id desc
        "#,
        day_to_sql(day.index() - RATE_AGE_DAYS_MAX),
        day_to_sql(day.index())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ExchangeRate::try_from).collect()
}

pub async fn insert(conn: &mut PgConnection, rate: &ExchangeRate, by: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into exchange_rates (exchange_rate_id, base, quote, day, rate, source, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        rate.id().uuid(),
        rate.base().code(),
        rate.quote().code(),
        day_to_sql(rate.day().index()),
        rate.rate(),
        rate.source(),
        to_sql(now),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All rates, the latest made first, before one.
pub async fn page(
    conn: &mut PgConnection,
    before: Option<ExchangeRateId>,
    len_max: i64,
) -> Result<Vec<ExchangeRate>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select exchange_rate_id, base, quote, day, rate, source
        from exchange_rates
        where $1::uuid is null or exchange_rate_id < $1
        order by exchange_rate_id desc
        limit $2
        "#,
        before.map(ExchangeRateId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ExchangeRate::try_from).collect()
}

/// Stores by which rate drafts' VAT is stated in another currency, of those of which it is.
pub async fn put_stated(conn: &mut PgConnection, of: &[(InvoiceId, &Draft)]) -> Result<(), StoreError> {
    for (invoice, draft) in of {
        let Some(stated) = &draft.taxes().stated else { continue };
        sqlx::query!(
            "insert into invoice_stated_taxes (account_id, invoice_id, tax, exchange_rate_id) values ($1, $2, $3, $4)",
            draft.content().account.uuid(),
            invoice.uuid(),
            stated.tax.amount(),
            stated.rate.id().uuid()
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What was stated on these documents.
pub async fn stated(
    conn: &mut PgConnection,
    invoices: &[InvoiceId],
) -> Result<BTreeMap<InvoiceId, Stated>, StoreError> {
    let ids: Vec<Uuid> = invoices.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select s.invoice_id, s.tax, r.exchange_rate_id, r.base, r.quote, r.day, r.rate, r.source, i.currency
        from invoices i
        join invoice_stated_taxes s on s.account_id = i.account_id and s.invoice_id = i.invoice_id
        join exchange_rates r on r.exchange_rate_id = s.exchange_rate_id
        where i.invoice_id = any($1)
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let broken = |detail: String| StoreError::inconsistent("invoice_stated_taxes", "tax", detail);
    rows.into_iter()
        .map(|r| {
            let (exchange_rate_id, base, quote, source) = (r.exchange_rate_id, r.base, r.quote, r.source);
            let rate = ExchangeRate::try_from(Row { exchange_rate_id, base, quote, day: r.day, rate: r.rate, source })?;
            let currency: Currency =
                r.currency.parse().map_err(|e| StoreError::inconsistent("invoices", "currency", e))?;
            let other = rate.other(currency).ok_or_else(|| broken(format!("no rate of {currency}")))?;
            let tax = Money::exact(r.tax, other).map_err(|e| broken(e.to_string()))?;
            Ok((InvoiceId::from_uuid(r.invoice_id), Stated { tax, rate }))
        })
        .collect()
}
