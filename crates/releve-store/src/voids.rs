//! Which periods were taken back whole, and why?

use releve_types::{AccountId, InvoiceId, Period, Timestamp};
use sqlx::PgConnection;

use crate::{pool::StoreError, sql_time::to_sql};

/// A person's decision that a period's documents are void.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Void {
    pub account: AccountId,
    pub period: Period,
    /// Of the credit note that takes them back.
    pub book: i32,
    pub credit_note: InvoiceId,
    pub reason: String,
    pub by: String,
}

/// Notes it, in the transaction that issues the credit note.
pub async fn put(conn: &mut PgConnection, void: &Void, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into voids (account_id, period_start, book, invoice_id, reason, voided_by, voided_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        void.account.uuid(),
        to_sql(void.period.start()),
        void.book,
        void.credit_note.uuid(),
        void.reason,
        void.by,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
