//! What was billed? Invoices in their three states, their lines, and the documents made of them.

mod read;

use std::collections::BTreeMap;

use releve_billing::{Content, Hold, Line, Number};
use releve_types::{AccountId, InvoiceId, Period, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::read::{InvoiceFilter, InvoiceHead, head, issued, page, parked};
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
        where account_id = any($1) and period_start = $2
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
    pub digest: Option<[u8; 32]>,
    pub holds: &'a [Hold],
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
    let state = |i: &NewInvoice<'_>| if i.holds.is_empty() { InvoiceState::Draft } else { InvoiceState::Parked };
    let states: Vec<&str> = invoices.iter().map(|i| state(i).name()).collect();
    let starts: Vec<_> = invoices.iter().map(|i| to_sql(i.content.period.start())).collect();
    let ends: Vec<_> = invoices.iter().map(|i| to_sql(i.content.period.end())).collect();
    let books: Vec<i32> = invoices.iter().map(|i| i.content.book).collect();
    let currencies: Vec<&str> = invoices.iter().map(|i| i.content.currency.code()).collect();
    let totals: Vec<Decimal> = invoices.iter().map(|i| i.content.total.amount()).collect();
    let digests: Vec<Option<&[u8]>> = invoices.iter().map(|i| i.digest.as_ref().map(|d| d.as_slice())).collect();
    let reasons: Vec<Value> = invoices.iter().map(|i| i.holds.iter().map(hold_to_json).collect()).collect();
    sqlx::query!(
        r#"
        insert into invoices as i (invoice_id, account_id, issuer_id, state, period_start, period_end, book, series,
                                   currency, total, digest, parked_for, created_at)
        select invoice_id, account_id, issuer_id, state, period_start, period_end, book, $12, currency, total, digest,
               parked_for, $13
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int4[],
                    $8::text[], $9::numeric[], $10::bytea[], $11::jsonb[])
             as made(invoice_id, account_id, issuer_id, state, period_start, period_end, book, currency, total, digest,
                     parked_for)
        order by account_id
        on conflict (account_id, period_start, book) do update
            set state = excluded.state, series = excluded.series, currency = excluded.currency, total = excluded.total,
                digest = excluded.digest, parked_for = excluded.parked_for
            where (i.state, i.series, i.currency, i.total, i.digest, i.parked_for) is distinct from
                  (excluded.state, excluded.series, excluded.currency, excluded.total, excluded.digest, excluded.parked_for)
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
        to_sql(now)
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

/// Stores the lines of drafts.
pub async fn put_lines(conn: &mut PgConnection, of: &[(InvoiceId, &Content)]) -> Result<(), StoreError> {
    let mut columns = LineColumns::default();
    for (id, content) in of {
        for line in &content.lines {
            columns.push(*id, content.account, line);
        }
    }
    sqlx::query!(
        r#"
        insert into invoice_lines (invoice_id, account_id, line, tenant_id, project, sku, description, unit, price_id,
                                   tier, from_at, to_at, metered, billed, energy_mj, unit_price, base_quantity, amount)
        select * from unnest($1::uuid[], $2::uuid[], $3::int4[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                             $8::text[], $9::uuid[], $10::int4[], $11::timestamptz[], $12::timestamptz[], $13::bigint[],
                             $14::bigint[], $15::bigint[], $16::numeric[], $17::bigint[], $18::numeric[])
        "#,
        &columns.invoices,
        &columns.accounts,
        &columns.lines,
        &columns.tenants,
        &columns.projects as _,
        &columns.skus,
        &columns.descriptions as _,
        &columns.units as _,
        &columns.prices,
        &columns.tiers,
        &columns.froms,
        &columns.tos,
        &columns.metered,
        &columns.billed,
        &columns.energies,
        &columns.unit_prices,
        &columns.bases,
        &columns.amounts
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Default)]
struct LineColumns<'a> {
    invoices: Vec<Uuid>,
    accounts: Vec<Uuid>,
    lines: Vec<i32>,
    tenants: Vec<Uuid>,
    projects: Vec<&'a str>,
    skus: Vec<String>,
    descriptions: Vec<&'a str>,
    units: Vec<&'a str>,
    prices: Vec<Uuid>,
    tiers: Vec<i32>,
    froms: Vec<OffsetDateTime>,
    tos: Vec<OffsetDateTime>,
    metered: Vec<i64>,
    billed: Vec<i64>,
    energies: Vec<i64>,
    unit_prices: Vec<Decimal>,
    bases: Vec<i64>,
    amounts: Vec<Decimal>,
}

impl<'a> LineColumns<'a> {
    fn push(&mut self, invoice: InvoiceId, account: AccountId, line: &'a Line) {
        let c = &line.charge;
        self.invoices.push(invoice.uuid());
        self.accounts.push(account.uuid());
        self.lines.push(line.line);
        self.tenants.push(c.tenant.uuid());
        self.projects.push(&c.project);
        self.skus.push(c.sku.to_string());
        self.descriptions.push(&line.description);
        self.units.push(c.unit.name());
        self.prices.push(c.price_id.uuid());
        self.tiers.push(i32::try_from(c.tier).unwrap_or(i32::MAX));
        self.froms.push(to_sql(c.stretch.start()));
        self.tos.push(to_sql(c.stretch.end()));
        self.metered.push(c.metered);
        self.billed.push(c.billed);
        self.energies.push(c.energy_mj);
        self.unit_prices.push(c.unit_price);
        self.bases.push(c.base_quantity);
        self.amounts.push(c.amount.amount());
    }
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
                       'issuer', jsonb_build_object('name', p.name, 'address', p.address, 'country', p.country,
                                                    'vat_id', p.vat_id),
                       'account', jsonb_build_object('name', a.name, 'address', a.address, 'country', a.country,
                                                     'vat_id', a.vat_id),
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

fn hold_to_json(hold: &Hold) -> Value {
    json!({ "kind": hold.kind.name(), "detail": hold.detail, "to_do": hold.to_do, "gpu_ms": hold.gpu_ms })
}
