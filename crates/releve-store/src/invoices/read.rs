//! What does a stored invoice say? Its head, its lines and what holds it back; money is checked again after it is loaded.

use std::collections::BTreeMap;

use releve_billing::{
    Advances, Allowance, Charge, ChargeKind, Content, Corrected, Drawn, Hold, HoldKind, Issued, Line, Number, Parked,
    Percent, Stamp,
    orders::OrderRef,
    tax::{RateClassError, Subtotal, Taxes, Vat, VatRate},
};
use releve_types::{
    AccountId, Currency, InvoiceId, Money, Period, TenantId, Timestamp,
    ids::{AgreementId, CreditId, IssuerId, PurchaseOrderId},
};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::InvoiceState;
use crate::{
    credits, exchange_rates,
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

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
    /// With VAT; of a draft or an issued one.
    pub payable: Option<Money>,
    /// What of it was paid in advance.
    pub prepaid: Money,
    pub corrects: Vec<Corrected>,
    /// What the customer ordered it under.
    pub purchase_order: Option<OrderRef>,
    pub holds: Vec<Hold>,
    /// The advance that it is of, if it is of one and no period's.
    pub credit: Option<CreditId>,
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
    payable: Option<Decimal>,
    prepaid: Decimal,
    purchase_order_id: Option<Uuid>,
    purchase_order: Option<String>,
    digest: Option<Vec<u8>>,
    parked_for: Value,
    corrects: Value,
    credit_id: Option<Uuid>,
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
        let corrects = row.corrects.as_array().map_or(&[][..], Vec::as_slice);
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
            payable: row.payable.map(|p| Money::exact(p, currency).map_err(|e| broken("payable", e))).transpose()?,
            prepaid: Money::exact(row.prepaid, currency).map_err(|e| broken("prepaid", e))?,
            corrects: corrects.iter().map(corrected_from_json).collect::<Result<_, _>>()?,
            purchase_order: row.purchase_order_id.zip(row.purchase_order).map(|(id, number)| {
                let id = PurchaseOrderId::from_uuid(id);
                OrderRef { id, number }
            }),
            holds: holds.iter().map(hold_from_json).collect::<Result<_, _>>()?,
            credit: row.credit_id.map(CreditId::from_uuid),
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
    /// Documents of advances are of no period.
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
               currency, total, payable, prepaid, purchase_order_id, purchase_order, digest, parked_for, corrects, credit_id, created_at, issued_at,
               due_at
        from invoices
        where ($1::uuid is null or account_id = $1) and ($2::uuid is null or issuer_id = $2)
          and ($3::text is null or state = $3) and ($4::timestamptz is null or period_start = $4 and credit_id is null)
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
               currency, total, payable, prepaid, purchase_order_id, purchase_order, digest, parked_for, corrects, credit_id, created_at, issued_at,
               due_at
        from invoices
        where invoice_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(InvoiceHead::try_from).transpose()
}

/// The issued invoices that go by a number: one of each seller at most.
pub async fn numbered(conn: &mut PgConnection, number: &str) -> Result<Vec<InvoiceHead>, StoreError> {
    let rows = sqlx::query_as!(
        HeadRow,
        r#"
        select invoice_id, account_id, issuer_id, state, period_start, period_end, book, series, year, serial,
               currency, total, payable, prepaid, purchase_order_id, purchase_order, digest, parked_for, corrects, credit_id, created_at, issued_at,
               due_at
        from invoices
        where number = $1 and issuer_id in (select issuer_id from issuers)
        order by invoice_id
        "#,
        number
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(InvoiceHead::try_from).collect()
}

/// Issued invoices with their lines, in the order asked; those that are not issued are left out.
pub async fn issued(conn: &mut PgConnection, ids: &[InvoiceId]) -> Result<Vec<Issued>, StoreError> {
    let heads = issued_heads(conn, ids).await?;
    let mut stated = exchange_rates::stated(conn, ids).await?;
    let of: Vec<&InvoiceHead> = heads.iter().map(|(head, _)| head).collect();
    let mut lines = lines(conn, &of).await?;
    let advanced: Vec<_> = of.iter().map(|h| (h.account, h.id, h.total.currency())).collect();
    let mut drawn = credits::drawn_by(conn, &advanced).await?;
    let mut issued = Vec::with_capacity(heads.len());
    for (head, subtotals) in heads {
        let Some(stamp) = head.stamp.clone() else { continue };
        let (lines, of_lines) = lines.remove(&head.id).unwrap_or_default().into_iter().unzip();
        let taxes = Taxes { stated: stated.remove(&head.id).map(Box::new), ..taxes(&head, of_lines, subtotals)? };
        let advances = advances(&head, taxes.payable, drawn.remove(&head.id).unwrap_or_default())?;
        let restored = Issued::restore(content(&head, lines), taxes, advances, stamp);
        issued.push(restored.map_err(|e| broken("invoice_id", format!("{}: {e}", head.id)))?);
    }
    Ok(issued)
}

/// Issued invoices with their VAT by ground and rate, in the order asked.
pub async fn issued_heads(
    conn: &mut PgConnection,
    ids: &[InvoiceId],
) -> Result<Vec<(InvoiceHead, Vec<Subtotal>)>, StoreError> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let heads = sqlx::query_as!(
        HeadRow,
        r#"
        select i.invoice_id, i.account_id, i.issuer_id, i.state, i.period_start, i.period_end, i.book, i.series,
               i.year, i.serial, i.currency, i.total, i.payable, i.prepaid,
               i.purchase_order_id, i.purchase_order, i.digest, i.parked_for, i.corrects, i.credit_id, i.created_at,
               i.issued_at, i.due_at
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
    let mut subtotals = subtotals(conn, &heads.iter().collect::<Vec<_>>()).await?;
    let with = |head: InvoiceHead| {
        let of_it = subtotals.remove(&head.id).unwrap_or_default();
        (head, of_it)
    };
    Ok(heads.into_iter().map(with).collect())
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
        corrects: head.corrects.clone(),
        purchase_order: head.purchase_order.clone(),
        lines,
        total: head.total,
    }
}

fn taxes(head: &InvoiceHead, lines: Vec<Vat>, subtotals: Vec<Subtotal>) -> Result<Taxes, StoreError> {
    let mut tax = Money::zero(head.total.currency());
    for subtotal in &subtotals {
        tax = tax.checked_add(subtotal.tax).map_err(|e| StoreError::inconsistent("invoice_taxes", "tax", e))?;
    }
    let payable = head.payable.ok_or_else(|| broken("payable", "of an issued invoice"))?;
    Ok(Taxes { lines, subtotals, tax, payable, stated: None })
}

/// What its ledger entries say is what the document says.
fn advances(head: &InvoiceHead, payable: Money, drawn: Vec<Drawn>) -> Result<Advances, StoreError> {
    let advances = Advances::of(payable, drawn).map_err(|e| broken("prepaid", e))?;
    if advances.paid != head.prepaid {
        return Err(broken("prepaid", format!("{} of {}, its entries say {}", head.prepaid, head.id, advances.paid)));
    }
    Ok(advances)
}

/// By ground and rate.
async fn subtotals(
    conn: &mut PgConnection,
    of: &[&InvoiceHead],
) -> Result<BTreeMap<InvoiceId, Vec<Subtotal>>, StoreError> {
    let (accounts, invoices): (Vec<Uuid>, Vec<Uuid>) = of.iter().map(|h| (h.account.uuid(), h.id.uuid())).unzip();
    let currencies: BTreeMap<InvoiceId, Currency> = of.iter().map(|h| (h.id, h.total.currency())).collect();
    let rows = sqlx::query!(
        r#"
        select t.invoice_id, t.ground, t.rate, t.base, t.tax
        from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
        join invoice_taxes t on t.account_id = asked.account_id and t.invoice_id = asked.invoice_id
        "#,
        &accounts,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    let broken = |column, detail: String| StoreError::inconsistent("invoice_taxes", column, detail);
    let mut subtotals: BTreeMap<InvoiceId, Vec<Subtotal>> = BTreeMap::new();
    for r in rows {
        let invoice = InvoiceId::from_uuid(r.invoice_id);
        let currency = currencies.get(&invoice).copied();
        let currency = currency.ok_or_else(|| broken("invoice_id", "not among those asked for".to_owned()))?;
        subtotals.entry(invoice).or_default().push(Subtotal {
            vat: vat(&r.ground, r.rate)?,
            base: Money::exact(r.base, currency).map_err(|e| broken("base", e.to_string()))?,
            tax: Money::exact(r.tax, currency).map_err(|e| broken("tax", e.to_string()))?,
        });
    }
    subtotals.values_mut().for_each(|of_one| of_one.sort_by_key(|s| s.vat));
    Ok(subtotals)
}

fn vat(ground: &str, rate: Decimal) -> Result<Vat, StoreError> {
    Ok(Vat {
        ground: ground.parse().map_err(|e| StoreError::inconsistent("invoice_lines", "vat_ground", e))?,
        rate: VatRate::new(rate).map_err(|e| StoreError::inconsistent("invoice_lines", "vat_rate", e))?,
    })
}

type TaxedLines = Vec<(Line, Vat)>;

async fn lines(conn: &mut PgConnection, of: &[&InvoiceHead]) -> Result<BTreeMap<InvoiceId, TaxedLines>, StoreError> {
    let (accounts, invoices): (Vec<Uuid>, Vec<Uuid>) = of.iter().map(|h| (h.account.uuid(), h.id.uuid())).unzip();
    let currencies: BTreeMap<InvoiceId, Currency> = of.iter().map(|h| (h.id, h.total.currency())).collect();
    let rows = sqlx::query!(
        r#"
        select l.invoice_id, l.line, l.tenant_id, l.project, l.sku, l.description, l.unit, l.price_id, l.tier,
               l.from_at, l.to_at, l.metered, l.billed, l.energy_mj, l.unit_price, l.base_quantity, l.amount,
               l.vat_ground, l.vat_rate, l.taken_back, l.kind, l.vat_class, l.discount_agreement_id, l.discount_percent,
               l.discount
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
    let mut lines: BTreeMap<InvoiceId, TaxedLines> = BTreeMap::new();
    for r in rows {
        let invoice = InvoiceId::from_uuid(r.invoice_id);
        let currency = currencies.get(&invoice).copied();
        let currency = currency.ok_or_else(|| broken("invoice_id", "not among those asked for".to_owned()))?;
        let discount = match (r.discount_agreement_id, r.discount_percent, r.discount) {
            (Some(agreement), Some(percent), Some(amount)) => Some(Allowance {
                agreement: AgreementId::from_uuid(agreement),
                percent: Percent::new(percent).map_err(|e| broken("discount_percent", e.to_string()))?,
                amount: Money::exact(amount, currency).map_err(|e| broken("discount", e.to_string()))?,
            }),
            _ => None,
        };
        let charge = Charge {
            tenant: r.tenant_id.map(TenantId::from_uuid),
            project: r.project,
            sku: r.sku.parse().map_err(|e: releve_types::sku::SkuError| broken("sku", e.to_string()))?,
            unit: r.unit.parse().map_err(|e: releve_types::unit::UnitError| broken("unit", e.to_string()))?,
            kind: ChargeKind::from_parts(&r.kind, r.price_id).ok_or_else(|| broken("kind", r.kind.clone()))?,
            class: r.vat_class.parse().map_err(|e: RateClassError| broken("vat_class", e.to_string()))?,
            tier: u32::try_from(r.tier).map_err(|e| broken("tier", e.to_string()))?,
            stretch: Period::new(from_sql(r.from_at), from_sql(r.to_at))
                .map_err(|e| broken("from_at", e.to_string()))?,
            metered: r.metered,
            billed: r.billed,
            energy_mj: r.energy_mj,
            unit_price: r.unit_price.normalize(),
            base_quantity: r.base_quantity,
            discount,
            amount: Money::exact(r.amount, currency).map_err(|e| broken("amount", e.to_string()))?,
        };
        let line = Line { line: r.line, description: r.description, taken_back: r.taken_back, charge };
        lines.entry(invoice).or_default().push((line, vat(&r.vat_ground, r.vat_rate)?));
    }
    Ok(lines)
}

fn corrected_from_json(value: &Value) -> Result<Corrected, StoreError> {
    let missing = |name: &str| broken("corrects", format!("{name} is missing or no such value"));
    let id = value["id"].as_str().and_then(|text| Uuid::try_parse(text).ok()).ok_or_else(|| missing("id"))?;
    let series = value["series"].as_str().ok_or_else(|| missing("series"))?;
    let whole = |name: &str| value[name].as_i64().ok_or_else(|| missing(name));
    let year = i32::try_from(whole("year")?).map_err(|_| missing("year"))?;
    Ok(Corrected {
        id: InvoiceId::from_uuid(id),
        number: Number::new(series, year, whole("serial")?).map_err(|e| broken("corrects", e))?,
        issued_at: Timestamp::from_millis(whole("issued_at_ms")?),
    })
}

fn hold_from_json(value: &Value) -> Result<Hold, StoreError> {
    let text = |name: &str| value[name].as_str().map(str::to_owned).ok_or_else(|| broken("parked_for", name));
    let kind: HoldKind = text("kind")?.parse().map_err(|e| broken("parked_for", e))?;
    Ok(Hold { kind, detail: text("detail")?, to_do: text("to_do")?, gpu_ms: value["gpu_ms"].as_i64() })
}
