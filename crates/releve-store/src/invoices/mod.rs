//! What was billed? Invoices in their three states, their lines, and the documents made of them.

mod lines;
mod read;

use std::collections::BTreeMap;

use releve_billing::{Advances, Content, Corrected, Hold, Number, tax::Taxes};
use releve_types::{AccountId, InvoiceId, Period, Timestamp, ids::CreditId};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::{
    lines::put_lines,
    read::{InvoiceFilter, InvoiceHead, head, issued, issued_heads, numbered, page, parked},
};
use crate::{pool::StoreError, sql_time::to_sql};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvoiceState {
    Draft,
    Parked,
    Issued,
}

impl InvoiceState {
    pub const ALL: [Self; 3] = [Self::Draft, Self::Parked, Self::Issued];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Parked => "parked",
            Self::Issued => "issued",
        }
    }

    fn from_sql(text: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|s| s.name() == text);
        found.ok_or_else(|| StoreError::inconsistent("invoices", "state", text))
    }
}

/// What there is of an account's period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Existing {
    pub invoice: InvoiceId,
    pub state: InvoiceState,
    pub book: i32,
}

/// The invoices of these accounts' period, by book.
pub async fn existing(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<BTreeMap<AccountId, Vec<Existing>>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select account_id, invoice_id, state, book from invoices
        where account_id = any($1) and period_start = $2 and credit_id is null
        order by account_id, book
        "#,
        &ids,
        to_sql(period.start())
    )
    .fetch_all(conn)
    .await?;
    let mut found: BTreeMap<AccountId, Vec<Existing>> = BTreeMap::new();
    for row in rows {
        let state = InvoiceState::from_sql(&row.state)?;
        let existing = Existing { invoice: InvoiceId::from_uuid(row.invoice_id), state, book: row.book };
        found.entry(AccountId::from_uuid(row.account_id)).or_default().push(existing);
    }
    Ok(found)
}

/// An invoice to be stored: a draft with the digest that it will be issued under, or a parked one with its holds.
#[derive(Clone, Debug)]
pub struct NewInvoice<'a> {
    pub id: InvoiceId,
    pub content: &'a Content,
    /// The advance that it is of, if it is of one and no period's.
    pub credit: Option<CreditId>,
    /// Of a draft.
    pub taxes: Option<&'a Taxes>,
    /// Of a draft.
    pub advances: Option<&'a Advances>,
    pub digest: Option<[u8; 32]>,
    pub holds: &'a [Hold],
    /// What it says of coverage.
    pub missing_gpu_ms: Option<i64>,
}

impl NewInvoice<'_> {
    const fn state(&self) -> InvoiceState {
        if self.holds.is_empty() { InvoiceState::Draft } else { InvoiceState::Parked }
    }
}

/// Stores drafts and parked invoices; one that was parked before is made again in its place. A parked invoice
/// that would say the same is not written again. Parked invoices keep no lines: charges are not stored before an
/// invoice freezes them.
pub async fn put(
    conn: &mut PgConnection,
    invoices: &[NewInvoice<'_>],
    series: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = invoices.iter().map(|i| i.id.uuid()).collect();
    let accounts: Vec<Uuid> = invoices.iter().map(|i| i.content.account.uuid()).collect();
    let issuers: Vec<Uuid> = invoices.iter().map(|i| i.content.issuer.uuid()).collect();
    let states: Vec<&str> = invoices.iter().map(|i| i.state().name()).collect();
    let stretch = |i: &NewInvoice<'_>| (to_sql(i.content.period.start()), to_sql(i.content.period.end()));
    let (starts, ends): (Vec<_>, Vec<_>) = invoices.iter().map(stretch).unzip();
    let books: Vec<i32> = invoices.iter().map(|i| i.content.book).collect();
    let currencies: Vec<&str> = invoices.iter().map(|i| i.content.currency.code()).collect();
    let totals: Vec<Decimal> = invoices.iter().map(|i| i.content.total.amount()).collect();
    let corrects: Vec<Value> =
        invoices.iter().map(|i| i.content.corrects.iter().map(corrected_to_json).collect()).collect();
    let payable: Vec<Option<Decimal>> = invoices.iter().map(|i| i.taxes.map(|t| t.payable.amount())).collect();
    let prepaid = invoices.iter().map(|i| i.advances.map_or(Decimal::ZERO, |a| a.paid.amount()));
    let prepaid: Vec<Decimal> = prepaid.collect();
    let orders = invoices.iter().map(|i| i.content.purchase_order.clone().map(|o| (o.id.uuid(), o.number)).unzip());
    let (order_ids, order_numbers): (Vec<Option<Uuid>>, Vec<Option<String>>) = orders.unzip();
    let digests: Vec<Option<&[u8]>> = invoices.iter().map(|i| i.digest.as_ref().map(|d| d.as_slice())).collect();
    let missing: Vec<Option<i64>> = invoices.iter().map(|i| i.missing_gpu_ms).collect();
    let credits: Vec<Option<Uuid>> = invoices.iter().map(|i| i.credit.map(CreditId::uuid)).collect();
    let reasons: Vec<Value> = invoices.iter().map(|i| i.holds.iter().map(hold_to_json).collect()).collect();
    sqlx::query!(
        r#"
        insert into invoices as i (invoice_id, account_id, issuer_id, state, period_start, period_end, book, series,
                                   currency, total, digest, parked_for, payable, prepaid, corrects,
                                   purchase_order_id, purchase_order, missing_gpu_ms, credit_id, created_at)
        select invoice_id, account_id, issuer_id, state, period_start, period_end, book, $12, currency, total, digest,
               parked_for, payable, prepaid, corrects, purchase_order_id, purchase_order, missing_gpu_ms, credit_id, $13
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int4[],
                    $8::text[], $9::numeric[], $10::bytea[], $11::jsonb[],
                    $14::numeric[], $15::numeric[], $16::jsonb[], $17::uuid[], $18::text[], $19::bigint[],
                    $20::uuid[])
             as made(invoice_id, account_id, issuer_id, state, period_start, period_end, book, currency, total, digest,
                     parked_for, payable, prepaid, corrects, purchase_order_id, purchase_order, missing_gpu_ms, credit_id)
        order by account_id
        on conflict (account_id, period_start, book) where credit_id is null do update
            set (state, series, currency, total, digest, parked_for, payable, prepaid, corrects, purchase_order_id, purchase_order, missing_gpu_ms)
                = (excluded.state, excluded.series, excluded.currency, excluded.total, excluded.digest, excluded.parked_for,
                   excluded.payable, excluded.prepaid, excluded.corrects, excluded.purchase_order_id, excluded.purchase_order, excluded.missing_gpu_ms)
            where (i.state, i.series, i.currency, i.total, i.digest, i.parked_for, i.payable, i.prepaid, i.corrects,
                   i.purchase_order_id, i.missing_gpu_ms)
                  is distinct from
                  (excluded.state, excluded.series, excluded.currency, excluded.total, excluded.digest, excluded.parked_for,
                   excluded.payable, excluded.prepaid, excluded.corrects, excluded.purchase_order_id, excluded.missing_gpu_ms)
        "#,
        &ids,
        &accounts,
        &issuers,
        &states as _,
        &starts,
        &ends,
        &books,
        &currencies as _,
        &totals,
        &digests as _,
        &reasons,
        series,
        to_sql(now),
        &payable as _,
        &prepaid,
        &corrects,
        &order_ids as _,
        &order_numbers as _,
        &missing as _,
        &credits as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was parked and turned out to have nothing to bill: it waits for nobody any more, as an empty draft. Ids that
/// are not stored, or not parked, are passed over.
pub async fn release(conn: &mut PgConnection, ids: &[InvoiceId]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        r#"
        update invoices set state = 'draft', total = 0, parked_for = '[]'
        where invoice_id = any($1) and state = 'parked'
        "#,
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What issuing writes onto a draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewStamp {
    pub id: InvoiceId,
    pub number: Number,
}

/// Issues drafts under their numbers, and writes onto them who seller, customer and tenants are at this moment: what
/// documents are rendered from, however much later. Returns how many were; the caller refuses any other count than it asked for.
pub async fn stamp(
    conn: &mut PgConnection,
    stamps: &[NewStamp],
    issued_at: Timestamp,
    due_at: Timestamp,
) -> Result<u64, StoreError> {
    let ids: Vec<Uuid> = stamps.iter().map(|s| s.id.uuid()).collect();
    let years: Vec<i32> = stamps.iter().map(|s| s.number.year()).collect();
    let serials: Vec<i64> = stamps.iter().map(|s| s.number.serial()).collect();
    let numbers: Vec<String> = stamps.iter().map(|s| s.number.to_string()).collect();
    let done = sqlx::query!(
        r#"
        update invoices i
        set state = 'issued', year = s.year, serial = s.serial, number = s.number, issued_at = $5, due_at = $6,
            parties = s.parties
        from (
            select made.invoice_id, made.year, made.serial, made.number,
                   jsonb_build_object(
                       'issuer', issuer_as_party(p),
                       'account', account_as_party(a),
                       'tenants', coalesce(jsonb_object_agg(t.tenant_id, t.name) filter (where t.tenant_id is not null),
                                           '{}')) as parties
            from unnest($1::uuid[], $2::int4[], $3::bigint[], $4::text[]) as made(invoice_id, year, serial, number)
            join invoices d on d.invoice_id = made.invoice_id
            join accounts a on a.account_id = d.account_id
            join issuers p on p.issuer_id = d.issuer_id
            left join tenants t on t.account_id = a.account_id
            group by made.invoice_id, made.year, made.serial, made.number, a.account_id, p.issuer_id
        ) s
        where i.invoice_id = s.invoice_id and i.state = 'draft'
        "#,
        &ids,
        &years,
        &serials,
        &numbers,
        to_sql(issued_at),
        to_sql(due_at)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

fn corrected_to_json(corrected: &Corrected) -> Value {
    let Corrected { id, number, issued_at } = corrected;
    json!({ "id": id.uuid().to_string(), "series": number.series(), "year": number.year(), "serial": number.serial(),
            "issued_at_ms": issued_at.as_millis() })
}

fn hold_to_json(hold: &Hold) -> Value {
    json!({ "kind": hold.kind.name(), "detail": hold.detail, "to_do": hold.to_do, "gpu_ms": hold.gpu_ms })
}
