//! Which payments are there, and what became of them?

use std::collections::BTreeMap;

use releve_billing::{
    Number,
    payment::{HeldFor, Share},
    tax::{Vat, VatRate},
};
use releve_types::{
    AccountId, Currency, Day, InvoiceId, Money, Timestamp,
    ids::{IssuerId, PaymentId},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{Payment, Source};
use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, from_sql},
};

struct PaymentRow {
    payment_id: Uuid,
    issuer_id: Uuid,
    returns: Option<Uuid>,
    amount: Decimal,
    currency: String,
    paid_on: Date,
    source: String,
    reference: String,
    end_to_end_id: String,
    payer: String,
    remittance: String,
    held_for: Option<String>,
    recorded_at: OffsetDateTime,
    recorded_by: String,
}

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("payments", column, detail)
}

fn held_for(text: &str) -> Result<HeldFor, StoreError> {
    HeldFor::ALL.into_iter().find(|h| h.name() == text).ok_or_else(|| broken("held_for", text))
}

impl TryFrom<PaymentRow> for Payment {
    type Error = StoreError;
    fn try_from(row: PaymentRow) -> Result<Self, StoreError> {
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let source = [Source::Api, Source::Camt].into_iter().find(|s| s.name() == row.source);
        Ok(Self {
            id: PaymentId::from_uuid(row.payment_id),
            issuer: IssuerId::from_uuid(row.issuer_id),
            returns: row.returns.map(PaymentId::from_uuid),
            amount: Money::exact(row.amount, currency).map_err(|e| broken("amount", e))?,
            paid_on: Day::from_index(day_from_sql(row.paid_on)),
            source: source.ok_or_else(|| broken("source", &row.source))?,
            reference: row.reference,
            end_to_end_id: row.end_to_end_id,
            payer: row.payer,
            remittance: row.remittance,
            held_for: row.held_for.as_deref().map(held_for).transpose()?,
            recorded_at: from_sql(row.recorded_at),
            recorded_by: row.recorded_by,
        })
    }
}

pub async fn payment(conn: &mut PgConnection, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    let row = sqlx::query_as!(
        PaymentRow,
        r#"
        select payment_id, issuer_id, returns, amount, currency, paid_on, source, reference, end_to_end_id, payer,
               remittance, held_for, recorded_at, recorded_by
        from payments where payment_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Payment::try_from).transpose()
}

/// The payment that this issuer knows by a reference.
pub async fn by_reference(
    conn: &mut PgConnection,
    issuer: IssuerId,
    reference: &str,
) -> Result<Option<Payment>, StoreError> {
    let row = sqlx::query_as!(
        PaymentRow,
        r#"
        select payment_id, issuer_id, returns, amount, currency, paid_on, source, reference, end_to_end_id, payer,
               remittance, held_for, recorded_at, recorded_by
        from payments where issuer_id = $1 and reference = $2
        "#,
        issuer.uuid(),
        reference
    )
    .fetch_optional(conn)
    .await?;
    row.map(Payment::try_from).transpose()
}

/// Payments that what is given back now may be: by what their payer gave them, of the opposite sign, the last first.
pub async fn returned_by(
    conn: &mut PgConnection,
    issuer: IssuerId,
    end_to_end_id: &str,
    amount: Money,
) -> Result<Vec<Payment>, StoreError> {
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"
        select payment_id, issuer_id, returns, amount, currency, paid_on, source, reference, end_to_end_id, payer,
               remittance, held_for, recorded_at, recorded_by
        from payments
        where issuer_id = $1 and end_to_end_id = $2 and end_to_end_id <> '' and currency = $3
          and sign(amount) = -sign($4::numeric) and returns is null
        order by payment_id desc
        "#,
        issuer.uuid(),
        end_to_end_id,
        amount.currency().code(),
        amount.amount()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Payment::try_from).collect()
}

/// What gave a payment back.
pub async fn returns_of(conn: &mut PgConnection, id: PaymentId) -> Result<Vec<PaymentId>, StoreError> {
    let rows = sqlx::query!("select payment_id from payments where returns = $1 order by payment_id", id.uuid())
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| PaymentId::from_uuid(row.payment_id)).collect())
}

/// Which payments are asked for; all of what is named must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PaymentFilter {
    pub issuer: Option<IssuerId>,
    /// Those of which something was set against it.
    pub invoice: Option<InvoiceId>,
    /// Only those of which something is set against nothing.
    pub held: bool,
}

/// Payments by their ids, which sort by when they were recorded, after one.
pub async fn page(
    conn: &mut PgConnection,
    filter: PaymentFilter,
    after: Option<PaymentId>,
    len_max: i64,
) -> Result<Vec<Payment>, StoreError> {
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"
        select p.payment_id, p.issuer_id, p.returns, p.amount, p.currency, p.paid_on, p.source, p.reference,
               p.end_to_end_id, p.payer, p.remittance, p.held_for, p.recorded_at, p.recorded_by
        from payments p
        where ($1::uuid is null or p.issuer_id = $1) and ($3::uuid is null or p.payment_id > $3)
          and ($2::uuid is null or exists (
              select from settlements s where s.payment_id = p.payment_id and s.invoice_id = $2))
          and (not $4 or payment_left(p) <> 0)
        order by p.payment_id
        limit $5
        "#,
        filter.issuer.map(IssuerId::uuid),
        filter.invoice.map(InvoiceId::uuid),
        after.map(PaymentId::uuid),
        filter.held,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Payment::try_from).collect()
}

/// What of a payment is set against nothing, returns taken off.
pub async fn left_of(conn: &mut PgConnection, payment: &Payment) -> Result<Money, StoreError> {
    let left = left(conn, &[payment]).await?.remove(&payment.id);
    Ok(left.unwrap_or_else(|| Money::zero(payment.amount.currency())))
}

/// What of each payment is set against nothing, returns taken off. A return waits for nothing itself.
pub async fn left(conn: &mut PgConnection, of: &[&Payment]) -> Result<BTreeMap<PaymentId, Money>, StoreError> {
    let ids: Vec<Uuid> = of.iter().map(|p| p.id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select p.payment_id, payment_left(p) as "left!"
        from unnest($1::uuid[]) as asked(payment_id)
        join payments p on p.payment_id = asked.payment_id
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let lefts: BTreeMap<PaymentId, Decimal> =
        rows.into_iter().map(|row| (PaymentId::from_uuid(row.payment_id), row.left)).collect();
    of.iter()
        .map(|p| {
            let left = lefts.get(&p.id).copied().unwrap_or_default();
            Ok((p.id, Money::exact(left, p.amount.currency()).map_err(|e| broken("amount", e))?))
        })
        .collect()
}

/// A part of a payment that was set against a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    pub payment: PaymentId,
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub number: String,
    pub amount: Money,
    pub shares: Vec<Share>,
    pub reason: String,
    pub settled_at: Timestamp,
    pub settled_by: String,
}

/// What of these payments was set against which documents, in the order in which it was.
pub async fn settlements(conn: &mut PgConnection, of: &[PaymentId]) -> Result<Vec<Settlement>, StoreError> {
    let ids: Vec<Uuid> = of.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select s.settlement_id, s.payment_id, s.account_id, s.invoice_id, s.amount, s.reason, s.settled_at, s.settled_by,
               i.number as "number!", i.currency
        from settlements s
        join invoices i on i.invoice_id = s.invoice_id
        where s.payment_id = any($1)
        order by s.settled_at, s.settlement_id
        "#,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let settlement_ids: Vec<Uuid> = rows.iter().map(|row| row.settlement_id).collect();
    let taxes = sqlx::query!(
        r#"
        select settlement_id, ground, rate, base, tax from settlement_taxes where settlement_id = any($1)
        order by settlement_id, ground, rate
        "#,
        &settlement_ids
    )
    .fetch_all(conn)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let money = |amount| Money::exact(amount, currency).map_err(|e| broken("amount", e));
        let mut shares = Vec::new();
        for tax in taxes.iter().filter(|tax| tax.settlement_id == row.settlement_id) {
            let ground = tax.ground.parse().map_err(|e| StoreError::inconsistent("settlement_taxes", "ground", e))?;
            let rate = VatRate::new(tax.rate).map_err(|e| StoreError::inconsistent("settlement_taxes", "rate", e))?;
            shares.push(Share { vat: Vat { ground, rate }, base: money(tax.base)?, tax: money(tax.tax)? });
        }
        found.push(Settlement {
            payment: PaymentId::from_uuid(row.payment_id),
            account: AccountId::from_uuid(row.account_id),
            invoice: InvoiceId::from_uuid(row.invoice_id),
            number: row.number,
            amount: money(row.amount)?,
            shares,
            reason: row.reason,
            settled_at: from_sql(row.settled_at),
            settled_by: row.settled_by,
        });
    }
    Ok(found)
}

/// The issuer's documents that go by these numbers.
pub async fn named(
    conn: &mut PgConnection,
    issuer: IssuerId,
    numbers: impl IntoIterator<Item = &Number>,
) -> Result<Vec<InvoiceId>, StoreError> {
    let numbers: Vec<String> = numbers.into_iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        "select invoice_id from invoices where issuer_id = $1 and number = any($2) order by number",
        issuer.uuid(),
        &numbers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| InvoiceId::from_uuid(row.invoice_id)).collect())
}
