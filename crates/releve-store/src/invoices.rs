//! What was billed? Invoices in their three states, their lines, and the documents made of them.

use std::collections::BTreeMap;

use releve_billing::{Charge, Content, Hold, HoldKind, Issued, Line, Number, Parked, Stamp};
use releve_types::{
    AccountId, Currency, InvoiceId, Money, Period, TenantId, Timestamp,
    ids::{IssuerId, PriceId},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

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
            parties = jsonb_build_object(
                'issuer', (select jsonb_build_object('name', p.name, 'address', p.address, 'country', p.country,
                                                     'vat_id', p.vat_id)
                           from issuers p where p.issuer_id = i.issuer_id),
                'account', (select jsonb_build_object('name', p.name, 'address', p.address, 'country', p.country,
                                                      'vat_id', p.vat_id)
                            from accounts p where p.account_id = i.account_id),
                'tenants', (select coalesce(jsonb_object_agg(t.tenant_id, t.name), '{}')
                            from tenants t where t.account_id = i.account_id))
        from unnest($1::uuid[], $2::int4[], $3::bigint[], $4::text[]) as s(invoice_id, year, serial, number)
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

/// An invoice without its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvoiceHead {
    pub id: InvoiceId,
    pub account: AccountId,
    pub issuer: IssuerId,
    pub state: InvoiceState,
    pub period: Period,
    pub book: i32,
    pub total: Money,
    pub holds: Vec<Hold>,
    pub created_at: Timestamp,
    /// Of an issued one.
    pub stamp: Option<Stamp>,
}

struct HeadRow {
    invoice_id: Uuid,
    account_id: Uuid,
    issuer_id: Uuid,
    state: String,
    period_start: OffsetDateTime,
    period_end: OffsetDateTime,
    book: i32,
    series: String,
    year: Option<i32>,
    serial: Option<i64>,
    currency: String,
    total: Decimal,
    digest: Option<Vec<u8>>,
    parked_for: Value,
    created_at: OffsetDateTime,
    issued_at: Option<OffsetDateTime>,
    due_at: Option<OffsetDateTime>,
}

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("invoices", column, detail)
}

impl TryFrom<HeadRow> for InvoiceHead {
    type Error = StoreError;
    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let state = InvoiceState::from_sql(&row.state)?;
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let holds = row.parked_for.as_array().map_or(&[][..], Vec::as_slice);
        let stamp = match (state, row.year, row.serial, row.issued_at, row.due_at, row.digest) {
            (InvoiceState::Issued, Some(year), Some(serial), Some(issued_at), Some(due_at), Some(digest)) => {
                Some(Stamp {
                    id: InvoiceId::from_uuid(row.invoice_id),
                    number: Number::new(&row.series, year, serial).map_err(|e| broken("number", e))?,
                    issued_at: from_sql(issued_at),
                    due_at: from_sql(due_at),
                    digest: digest.try_into().map_err(|_| broken("digest", "no SHA-256"))?,
                })
            }
            (InvoiceState::Issued, ..) => return Err(broken("state", "issued and not complete")),
            _ => None,
        };
        Ok(Self {
            id: InvoiceId::from_uuid(row.invoice_id),
            account: AccountId::from_uuid(row.account_id),
            issuer: IssuerId::from_uuid(row.issuer_id),
            state,
            period: Period::new(from_sql(row.period_start), from_sql(row.period_end))
                .map_err(|e| broken("period_start", e))?,
            book: row.book,
            total: Money::exact(row.total, currency).map_err(|e| broken("total", e))?,
            holds: holds.iter().map(hold_from_json).collect::<Result<_, _>>()?,
            created_at: from_sql(row.created_at),
            stamp,
        })
    }
}

/// Which invoices are asked for; all of what is named must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InvoiceFilter {
    pub account: Option<AccountId>,
    pub issuer: Option<IssuerId>,
    pub state: Option<InvoiceState>,
    pub period_start: Option<Timestamp>,
}

/// Invoices by their ids, which sort by when they were made, after one.
pub async fn page(
    conn: &mut PgConnection,
    filter: InvoiceFilter,
    after: Option<InvoiceId>,
    len_max: i64,
) -> Result<Vec<InvoiceHead>, StoreError> {
    let rows = sqlx::query_as!(
        HeadRow,
        r#"
        select invoice_id, account_id, issuer_id, state, period_start, period_end, book, series, year, serial,
               currency, total, digest, parked_for, created_at, issued_at, due_at
        from invoices
        where ($1::uuid is null or account_id = $1) and ($2::uuid is null or issuer_id = $2)
          and ($3::text is null or state = $3) and ($4::timestamptz is null or period_start = $4)
          and ($5::uuid is null or invoice_id > $5)
        order by invoice_id
        limit $6
        "#,
        filter.account.map(AccountId::uuid),
        filter.issuer.map(IssuerId::uuid),
        filter.state.map(InvoiceState::name),
        filter.period_start.map(to_sql),
        after.map(InvoiceId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(InvoiceHead::try_from).collect()
}

pub async fn head(conn: &mut PgConnection, id: InvoiceId) -> Result<Option<InvoiceHead>, StoreError> {
    let row = sqlx::query_as!(
        HeadRow,
        r#"
        select invoice_id, account_id, issuer_id, state, period_start, period_end, book, series, year, serial,
               currency, total, digest, parked_for, created_at, issued_at, due_at
        from invoices
        where invoice_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(InvoiceHead::try_from).transpose()
}

/// Issued invoices with their lines, in the order asked; those that are not issued are left out.
pub async fn issued(conn: &mut PgConnection, ids: &[InvoiceId]) -> Result<Vec<Issued>, StoreError> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let heads = sqlx::query_as!(
        HeadRow,
        r#"
        select i.invoice_id, i.account_id, i.issuer_id, i.state, i.period_start, i.period_end, i.book, i.series,
               i.year, i.serial, i.currency, i.total, i.digest, i.parked_for, i.created_at, i.issued_at, i.due_at
        from unnest($1::uuid[]) with ordinality as asked(invoice_id, ord)
        join invoices i on i.invoice_id = asked.invoice_id
        where i.state = 'issued'
        order by asked.ord
        "#,
        &uuids
    )
    .fetch_all(&mut *conn)
    .await?;
    let heads = heads.into_iter().map(InvoiceHead::try_from).collect::<Result<Vec<_>, _>>()?;
    let mut lines = lines(conn, &heads).await?;
    let mut issued = Vec::with_capacity(heads.len());
    for head in heads {
        let Some(stamp) = head.stamp.clone() else { continue };
        let lines = lines.remove(&head.id).unwrap_or_default();
        let restored = Issued::restore(content(&head, lines), stamp);
        issued.push(restored.map_err(|e| broken("invoice_id", format!("{}: {e}", head.id)))?);
    }
    Ok(issued)
}

/// A parked invoice as its type. It has no lines.
pub fn parked(head: &InvoiceHead) -> Result<Parked, StoreError> {
    let mut content = content(head, Vec::new());
    content.total = Money::zero(head.total.currency());
    Parked::restore(content, head.holds.clone()).map_err(|e| broken("parked_for", e))
}

fn content(head: &InvoiceHead, lines: Vec<Line>) -> Content {
    Content {
        account: head.account,
        issuer: head.issuer,
        period: head.period,
        book: head.book,
        currency: head.total.currency(),
        lines,
        total: head.total,
    }
}

async fn lines(conn: &mut PgConnection, of: &[InvoiceHead]) -> Result<BTreeMap<InvoiceId, Vec<Line>>, StoreError> {
    let (accounts, invoices): (Vec<Uuid>, Vec<Uuid>) = of.iter().map(|h| (h.account.uuid(), h.id.uuid())).unzip();
    let currencies: BTreeMap<InvoiceId, Currency> = of.iter().map(|h| (h.id, h.total.currency())).collect();
    let rows = sqlx::query!(
        r#"
        select l.invoice_id, l.line, l.tenant_id, l.project, l.sku, l.description, l.unit, l.price_id, l.tier,
               l.from_at, l.to_at, l.metered, l.billed, l.energy_mj, l.unit_price, l.base_quantity, l.amount
        from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
        join invoice_lines l on l.account_id = asked.account_id and l.invoice_id = asked.invoice_id
        order by l.invoice_id, l.line
        "#,
        &accounts,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    let broken = |column, detail: String| StoreError::inconsistent("invoice_lines", column, detail);
    let mut lines: BTreeMap<InvoiceId, Vec<Line>> = BTreeMap::new();
    for r in rows {
        let invoice = InvoiceId::from_uuid(r.invoice_id);
        let currency = currencies.get(&invoice).copied();
        let currency = currency.ok_or_else(|| broken("invoice_id", "not among those asked for".to_owned()))?;
        let charge = Charge {
            tenant: TenantId::from_uuid(r.tenant_id),
            project: r.project,
            sku: r.sku.parse().map_err(|e: releve_types::sku::SkuError| broken("sku", e.to_string()))?,
            unit: r.unit.parse().map_err(|e: releve_types::unit::UnitError| broken("unit", e.to_string()))?,
            price_id: PriceId::from_uuid(r.price_id),
            tier: u32::try_from(r.tier).map_err(|e| broken("tier", e.to_string()))?,
            stretch: Period::new(from_sql(r.from_at), from_sql(r.to_at))
                .map_err(|e| broken("from_at", e.to_string()))?,
            metered: r.metered,
            billed: r.billed,
            energy_mj: r.energy_mj,
            unit_price: r.unit_price.normalize(),
            base_quantity: r.base_quantity,
            amount: Money::exact(r.amount, currency).map_err(|e| broken("amount", e.to_string()))?,
        };
        lines.entry(invoice).or_default().push(Line { line: r.line, description: r.description, charge });
    }
    Ok(lines)
}

fn hold_to_json(hold: &Hold) -> Value {
    json!({ "kind": hold.kind.name(), "detail": hold.detail, "to_do": hold.to_do, "gpu_ms": hold.gpu_ms })
}

fn hold_from_json(value: &Value) -> Result<Hold, StoreError> {
    let text = |name: &str| value[name].as_str().map(str::to_owned).ok_or_else(|| broken("parked_for", name));
    let kind: HoldKind = text("kind")?.parse().map_err(|e| broken("parked_for", e))?;
    Ok(Hold { kind, detail: text("detail")?, to_do: text("to_do")?, gpu_ms: value["gpu_ms"].as_i64() })
}
