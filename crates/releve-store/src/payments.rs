//! What came in, and what was it set against? Facts that are only added to; how a document stands follows from them.

mod dunning;
mod read;
mod standings;

use releve_billing::payment::{HeldFor, Share};
use releve_types::{
    AccountId, Currency, Day, InvoiceId, Money, Timestamp,
    ids::{IssuerId, PaymentId},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::{
    dunning::{Notice, levels, may_be_overdue, notice},
    read::{
        PaymentFilter, Settlement, by_reference, left, left_of, named, page, payment, returned_by, returns_of,
        settlements,
    },
    standings::{Owed, owed, standings},
};
use crate::{
    pool::StoreError,
    sql_time::{day_to_sql, to_sql},
};

/// Class of the advisory locks on an issuer's payments.
const PAYMENT_LOCK: i32 = 7_205;

/// Who told of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Api,
    Camt,
}

impl Source {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Camt => "camt",
        }
    }
}

/// Money that came in or, below zero, went out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    pub id: PaymentId,
    pub issuer: IssuerId,
    /// The payment that this one gives back.
    pub returns: Option<PaymentId>,
    pub amount: Money,
    pub paid_on: Day,
    pub source: Source,
    pub reference: String,
    pub end_to_end_id: String,
    pub payer: String,
    pub remittance: String,
    pub held_for: Option<HeldFor>,
    pub recorded_at: Timestamp,
    pub recorded_by: String,
}

impl Payment {
    /// Why what is left of it waits for a person; none once nothing is left.
    pub fn waits_for(&self, left: Money) -> Option<HeldFor> {
        // What a person took off a document again was not held when it came.
        (!left.is_zero()).then(|| self.held_for.unwrap_or(HeldFor::NoInvoice))
    }
}

/// Held alone by whoever sets payments against documents, until its transaction ends: what is open stays so until it is
/// settled.
pub async fn lock(conn: &mut PgConnection, issuer: IssuerId) -> Result<(), StoreError> {
    sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", PAYMENT_LOCK, issuer.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Records a payment. The caller has looked, under the lock, that its reference is new.
pub async fn insert(conn: &mut PgConnection, payment: &Payment) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into payments (payment_id, issuer_id, returns, amount, currency, paid_on, source, reference, end_to_end_id,
                              payer, remittance, held_for, recorded_at, recorded_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        "#,
        payment.id.uuid(),
        payment.issuer.uuid(),
        payment.returns.map(PaymentId::uuid),
        payment.amount.amount(),
        payment.amount.currency().code(),
        day_to_sql(payment.paid_on.index()),
        payment.source.name(),
        payment.reference,
        payment.end_to_end_id,
        payment.payer,
        payment.remittance,
        payment.held_for.map(HeldFor::name),
        to_sql(payment.recorded_at),
        payment.recorded_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A part of a payment that goes to a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSettlement<'a> {
    pub id: Uuid,
    pub payment: &'a Payment,
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub shares: Vec<Share>,
    /// Why a person placed it there; empty: its text named the document.
    pub reason: &'a str,
    pub by: &'a str,
}

/// Sets a part of a payment against a document. The database refuses what goes beyond what is payable.
pub async fn settle(conn: &mut PgConnection, new: &NewSettlement<'_>, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into settlements (settlement_id, payment_id, account_id, invoice_id, amount, paid_on, reason, settled_at,
                                 settled_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id,
        new.payment.id.uuid(),
        new.account.uuid(),
        new.invoice.uuid(),
        new.amount.amount(),
        day_to_sql(new.payment.paid_on.index()),
        new.reason,
        to_sql(now),
        new.by
    )
    .execute(&mut *conn)
    .await?;
    let grounds: Vec<&str> = new.shares.iter().map(|s| s.vat.ground.name()).collect();
    let rates: Vec<Decimal> = new.shares.iter().map(|s| s.vat.rate.percent()).collect();
    let bases: Vec<Decimal> = new.shares.iter().map(|s| s.base.amount()).collect();
    let taxes: Vec<Decimal> = new.shares.iter().map(|s| s.tax.amount()).collect();
    sqlx::query!(
        r#"
        insert into settlement_taxes (settlement_id, account_id, ground, rate, base, tax)
        select $1, $2, ground, rate, base, tax
        from unnest($3::text[], $4::numeric[], $5::numeric[], $6::numeric[]) as borne(ground, rate, base, tax)
        "#,
        new.id,
        new.account.uuid(),
        &grounds as _,
        &rates,
        &bases,
        &taxes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a person gave up of an invoice, and why; below zero, what of that was taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteOff {
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub reason: String,
    pub by: String,
}

/// Notes what is given up. Call it under the lock.
pub async fn write_off(conn: &mut PgConnection, off: &WriteOff, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into write_offs (account_id, invoice_id, amount, reason, written_off_at, written_off_by)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        off.account.uuid(),
        off.invoice.uuid(),
        off.amount.amount(),
        off.reason,
        to_sql(now),
        off.by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of an invoice in this currency is given up, whether or not anything covers it by now.
pub async fn given_up(
    conn: &mut PgConnection,
    account: AccountId,
    invoice: InvoiceId,
    currency: Currency,
) -> Result<Money, StoreError> {
    let row = sqlx::query!(
        r#"select coalesce(sum(amount), 0) as "amount!" from write_offs where account_id = $1 and invoice_id = $2"#,
        account.uuid(),
        invoice.uuid()
    )
    .fetch_one(conn)
    .await?;
    Money::exact(row.amount, currency).map_err(|e| StoreError::inconsistent("write_offs", "amount", e))
}
