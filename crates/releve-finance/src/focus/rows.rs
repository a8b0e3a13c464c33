//! Which rows does each line come to?

use std::collections::BTreeMap;

use releve_billing::{Charge, ChargeKind, credits::Credit, tax::Subtotal};
use releve_types::{Currency, Money, TenantId, Timestamp, Unit};
use rust_decimal::Decimal;

use super::{
    Context, FocusError, Source, SourceLine, check,
    columns::{Category, Commitment, FocusRow, Frequency, Priced, Resource, Service, Whose},
    sold,
    split::{Part, split},
};
use crate::{
    exact::{TooLarge, contracted, cost, quantity, sum},
    table::{Cell, Row},
};

/// All rows of a document, or of what is not invoiced. They are checked: a document that does not tie out is refused, not exported.
pub fn rows(source: &Source<'_>, context: Context<'_>) -> Result<Vec<Row>, FocusError> {
    let whose = whose(source, context);
    let parts = split(&source.lines, context.pieces);
    let mut rows = Vec::new();
    for (line, parts) in source.lines.iter().zip(parts) {
        of_line(line, &parts, context, &mut rows)?;
    }
    let rounding = rounding(&source.lines, &rows)?;
    for (tenant, off) in &rounding {
        let lines = source.lines.iter().filter(|line| line.charge.tenant == *tenant).count();
        if let Some(beyond) = off.beyond(lines, source.currency) {
            let whose = tenant.map_or_else(|| context.account.0.to_owned(), |tenant| tenant.to_string());
            let faults = format!("the rows of {lines} lines of {whose} are off by {beyond}: that is no rounding");
            return Err(FocusError::Broken { invoice: source.number.clone().unwrap_or_default(), faults });
        }
    }
    rows.extend(rounding.into_iter().map(|(tenant, off)| adjustment(source, context, tenant, off)));
    let of_deposit = source.lines.iter().any(|line| matches!(line.charge.kind, ChargeKind::Deposit(_)));
    let charged = charged(source, context);
    rows.extend(source.taxes.iter().map(|subtotal| tax(subtotal, charged, of_deposit)));
    for drawn in source.drawn {
        let described = format!("Paid in advance on {}", drawn.paid_on);
        rows.push(flat(
            Category::Credit,
            Frequency::OneTime,
            described,
            charged,
            sold::ADVANCES,
            -drawn.amount.amount(),
            Decimal::ZERO,
        ));
    }
    let rows: Vec<Row> = rows.into_iter().map(|row| row.cells(&whose)).collect();
    let faults = check::rows(&rows);
    if let Some(fault) = faults.first() {
        let invoice = whose.invoice.unwrap_or_else(|| context.account.0.to_owned());
        return Err(FocusError::Broken { invoice, faults: format!("{fault}, and {} more", faults.len() - 1) });
    }
    Ok(rows)
}

/// What happened to an advance beside what invoices draw on it. No invoice is owed for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advanced {
    /// Bought: effective when it is drawn.
    Paid,
    /// Given back.
    TakenBack,
    /// Paid for and never used: effective now.
    Expired,
}

pub fn advance(credit: &Credit, what: Advanced, amount: Money, at: Timestamp, context: Context<'_>) -> Row {
    let whose = not_invoiced(credit.currency(), context);
    let (amount, charged) = (self::amount(amount), (at.hour().start(), at.hour().end()));
    let described = |what: &str| format!("{what}: {}", credit.description());
    let one = |category, what, billed, effective| {
        flat(category, Frequency::OneTime, described(what), charged, sold::ADVANCES, billed, effective)
    };
    let mut row = match what {
        Advanced::Paid => one(Category::Purchase, "Paid in advance", amount, Decimal::ZERO),
        Advanced::TakenBack => one(Category::Credit, "Advance taken back", -amount, Decimal::ZERO),
        Advanced::Expired => one(Category::Adjustment, "Advance expired", Decimal::ZERO, amount),
    };
    if what == Advanced::Paid {
        row.priced = Some(Priced {
            sku: "fee/deposit".to_owned(), // as the line of its deposit invoice has it
            meter: sold::meter(Unit::Count),
            price: credit.id().to_string(),
            details: None,
            category: "Other",
            quantity: Decimal::ONE,
            unit: "Payments".to_owned(),
            list: amount,
            contracted: amount,
        });
    }
    row.cells(&whose)
}

/// What of a month that was invoiced waits for its correction: known by SKU and kind of charge, and by no allocation yet.
pub fn waiting(sku: &str, kind: &str, amount: Money, context: Context<'_>) -> Row {
    let whose = not_invoiced(amount.currency(), context);
    let described = format!("Not invoiced yet: {sku} ({kind})");
    let amount = self::amount(amount);
    flat(Category::Adjustment, Frequency::OneTime, described, span(context), sold::INVOICING, amount, amount)
        .cells(&whose)
}

fn not_invoiced(currency: Currency, context: Context<'_>) -> Whose {
    Whose {
        seller: context.seller.to_owned(),
        account: context.account.0.to_owned(),
        account_name: context.account.1.to_owned(),
        currency: currency.code(),
        billing: span(context),
        invoice: None,
        correction: false,
    }
}

fn whose(source: &Source<'_>, context: Context<'_>) -> Whose {
    let (invoice, correction) = (source.number.clone(), source.correction);
    Whose { invoice, correction, ..not_invoiced(source.currency, context) }
}

/// What of a document that no line is of is charged for.
fn charged(source: &Source<'_>, context: Context<'_>) -> (Timestamp, Timestamp) {
    source.charged.map_or(span(context), |period| (period.start(), period.end()))
}

const fn span(context: Context<'_>) -> (Timestamp, Timestamp) {
    (context.billing.start(), context.billing.end())
}

fn of_line(
    line: &SourceLine<'_>,
    parts: &[Part<'_>],
    context: Context<'_>,
    rows: &mut Vec<FocusRow>,
) -> Result<(), FocusError> {
    let charge = line.charge;
    match charge.kind {
        ChargeKind::Usage(_) | ChargeKind::Overage(_) => {
            for part in parts {
                rows.push(used(line, part, context)?);
            }
        }
        ChargeKind::Reserved(_) => {
            rows.push(bought(line, context)?);
            for part in parts {
                let row = used(line, part, context)?;
                rows.push(FocusRow {
                    billed: Decimal::ZERO,
                    commitment: Some(commitment(line, part.billed, Some(true))?),
                    ..row
                });
            }
        }
        ChargeKind::Unused(_) => {
            rows.push(bought(line, context)?);
            rows.push(unused(line, context)?);
        }
        ChargeKind::Recurring(_) | ChargeKind::Minimum(_) => rows.push(fee(line, Frequency::Recurring, context)?),
        ChargeKind::Once(_) => rows.push(fee(line, Frequency::OneTime, context)?),
        ChargeKind::Deposit(_) => {
            rows.push(FocusRow { effective: Decimal::ZERO, ..fee(line, Frequency::OneTime, context)? });
        }
        ChargeKind::Goodwill(_) | ChargeKind::Credit(_) => {
            let amount = charge.amount.amount().normalize();
            let charged = (charge.stretch.start(), charge.stretch.end());
            let service = sold::service(charge.unit, charge.kind);
            let row = flat(
                Category::Credit,
                Frequency::OneTime,
                line.description.to_owned(),
                charged,
                service,
                amount,
                amount,
            );
            rows.push(FocusRow { tenant: tenant(charge.tenant, context), line: line.line, ..row });
        }
    }
    Ok(())
}

/// Held or counted, at the price of the line.
fn used(line: &SourceLine<'_>, part: &Part<'_>, context: Context<'_>) -> Result<FocusRow, TooLarge> {
    let charge = line.charge;
    let charged = part.piece.map_or((charge.stretch.start(), charge.stretch.end()), |piece| (piece.from, piece.to));
    let priced = priced(charge, part.billed)?;
    let (list, contracted) = (cost(priced.quantity, priced.list)?, cost(priced.quantity, priced.contracted)?);
    let consumed = quantity(&Charge { base_quantity: charge.unit.base_quantity().1, ..charge.clone() }, part.metered)?;
    let resource = part.piece.and_then(|piece| piece.allocation).map(|id| {
        let workload = context.workloads.get(&id);
        let labels = workload.map(|w| &w.labels).filter(|labels| !labels.is_empty());
        Resource {
            id: id.to_string(),
            name: workload.and_then(|w| w.name.clone()),
            kind: "GPU allocation",
            tags: labels.map(|labels| serde_json::json!(labels).to_string()),
        }
    });
    Ok(FocusRow {
        billed: contracted,
        effective: contracted,
        list,
        contracted,
        category: Category::Usage,
        frequency: Frequency::UsageBased,
        description: line.description.to_owned(),
        charged,
        commitment: None,
        consumed: Some((consumed, sold::counted_in(charge.unit).to_owned())),
        priced: Some(priced),
        region: sold::region(&charge.sku),
        resource,
        service: sold::service(charge.unit, charge.kind),
        tenant: tenant(charge.tenant, context),
        project: Some(charge.project.clone()).filter(|project| !project.is_empty()),
        energy_mj: Some(part.energy_mj),
        line: line.line,
    })
}

/// The part of a reservation that a line bills: bought. What of it was used or not is told by rows of usage.
fn bought(line: &SourceLine<'_>, context: Context<'_>) -> Result<FocusRow, TooLarge> {
    let row = fee(line, Frequency::Recurring, context)?;
    let commitment = commitment(line, line.charge.billed, None)?;
    let resource = Resource { id: commitment.id.clone(), name: None, kind: "Reservation", tags: None };
    Ok(FocusRow { effective: Decimal::ZERO, commitment: Some(commitment), resource: Some(resource), ..row })
}

/// Reserved and not used: effective, and not consumed.
fn unused(line: &SourceLine<'_>, context: Context<'_>) -> Result<FocusRow, TooLarge> {
    let row = fee(line, Frequency::UsageBased, context)?;
    let commitment = commitment(line, line.charge.billed, Some(false))?;
    let resource = Resource { id: commitment.id.clone(), name: None, kind: "Reservation", tags: None };
    Ok(FocusRow {
        billed: Decimal::ZERO,
        category: Category::Usage,
        commitment: Some(commitment),
        resource: Some(resource),
        ..row
    })
}

/// A line as it is, bought.
fn fee(line: &SourceLine<'_>, frequency: Frequency, context: Context<'_>) -> Result<FocusRow, TooLarge> {
    let charge = line.charge;
    let priced = priced(charge, charge.billed)?;
    let (list, contracted) = (cost(priced.quantity, priced.list)?, cost(priced.quantity, priced.contracted)?);
    Ok(FocusRow {
        billed: contracted,
        effective: contracted,
        list,
        contracted,
        category: Category::Purchase,
        frequency,
        description: line.description.to_owned(),
        charged: (charge.stretch.start(), charge.stretch.end()),
        commitment: None,
        consumed: None,
        priced: Some(priced),
        region: sold::region(&charge.sku),
        resource: None,
        service: sold::service(charge.unit, charge.kind),
        tenant: tenant(charge.tenant, context),
        project: Some(charge.project.clone()).filter(|project| !project.is_empty()),
        energy_mj: None,
        line: line.line,
    })
}

fn priced(charge: &Charge, billed: i64) -> Result<Priced, TooLarge> {
    Ok(Priced {
        sku: charge.sku.to_string(),
        meter: sold::meter(charge.unit),
        price: sold::price(charge),
        details: sold::details(charge),
        category: sold::category(charge),
        quantity: quantity(charge, billed)?,
        unit: sold::priced_in(charge),
        list: charge.unit_price.normalize(),
        contracted: contracted(charge)?,
    })
}

fn commitment(line: &SourceLine<'_>, billed: i64, used: Option<bool>) -> Result<Commitment, TooLarge> {
    let charge = line.charge;
    Ok(Commitment {
        id: charge.kind.reference(),
        name: line.description.to_owned(),
        quantity: quantity(charge, billed)?,
        unit: sold::priced_in(charge),
        used,
    })
}

fn tenant(id: Option<TenantId>, context: Context<'_>) -> Option<(String, String)> {
    let named = |id: TenantId| {
        let id_text = id.to_string();
        let name = context.tenants.get(&id).cloned().unwrap_or_else(|| id_text.clone());
        (id_text, name)
    };
    id.map(named)
}

/// What rounding made of billed and of effective costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Off {
    billed: Decimal,
    effective: Decimal,
}

impl Off {
    /// What is more than rounding can make: a line is rounded once, and its discount once.
    fn beyond(self, lines: usize, currency: Currency) -> Option<Decimal> {
        let unit = Decimal::new(1, currency.decimals());
        let most = unit * Decimal::from(lines);
        [self.billed, self.effective].into_iter().find(|off| off.abs() > most)
    }
}

/// Tenant by tenant: what the lines say, less what their rows do.
fn rounding(lines: &[SourceLine<'_>], rows: &[FocusRow]) -> Result<BTreeMap<Option<TenantId>, Off>, TooLarge> {
    let mut by_tenant: BTreeMap<Option<TenantId>, (Vec<Decimal>, Vec<Decimal>)> = BTreeMap::new();
    let mut names: BTreeMap<String, TenantId> = BTreeMap::new();
    for line in lines {
        let tenant = line.charge.tenant;
        names.extend(tenant.map(|id| (id.to_string(), id)));
        let (billed, effective) = by_tenant.entry(tenant).or_default();
        billed.push(line.charge.amount.amount());
        if !matches!(line.charge.kind, ChargeKind::Deposit(_)) {
            effective.push(line.charge.amount.amount());
        }
    }
    for row in rows {
        let tenant = row.tenant.as_ref().and_then(|(id, _)| names.get(id).copied());
        let (billed, effective) = by_tenant.entry(tenant).or_default();
        billed.push(-row.billed);
        effective.push(-row.effective);
    }
    let mut off = BTreeMap::new();
    for (tenant, (billed, effective)) in by_tenant {
        let of_it = Off { billed: sum(billed)?.normalize(), effective: sum(effective)?.normalize() };
        if !of_it.billed.is_zero() || !of_it.effective.is_zero() {
            off.insert(tenant, of_it);
        }
    }
    Ok(off)
}

fn adjustment(source: &Source<'_>, context: Context<'_>, whose: Option<TenantId>, off: Off) -> FocusRow {
    let described = format!("Rounding of lines to {} decimals", source.currency.decimals());
    let row = flat(
        Category::Adjustment,
        Frequency::OneTime,
        described,
        charged(source, context),
        sold::INVOICING,
        off.billed,
        off.effective,
    );
    FocusRow { tenant: tenant(whose, context), ..row }
}

fn tax(subtotal: &Subtotal, charged: (Timestamp, Timestamp), of_deposit: bool) -> FocusRow {
    let (ground, rate) = (subtotal.vat.ground.name(), subtotal.vat.rate.percent().normalize());
    let amount = amount(subtotal.tax);
    // The VAT of an advance stands again on the invoice that draws on it: it is effective there.
    let effective = if of_deposit { Decimal::ZERO } else { amount };
    let described = format!("VAT {rate} % on {} ({ground})", subtotal.base.amount());
    flat(Category::Tax, Frequency::OneTime, described, charged, sold::INVOICING, amount, effective)
}

fn amount(money: Money) -> Decimal {
    money.amount().normalize()
}

/// A row of an amount, which no price multiplies out to.
fn flat(
    category: Category,
    frequency: Frequency,
    description: String,
    charged: (Timestamp, Timestamp),
    service: Service,
    billed: Decimal,
    effective: Decimal,
) -> FocusRow {
    FocusRow {
        billed,
        effective,
        list: billed,
        contracted: billed,
        category,
        frequency,
        description,
        charged,
        commitment: None,
        consumed: None,
        priced: None,
        region: None,
        resource: None,
        service,
        tenant: None,
        project: None,
        energy_mj: None,
        line: None,
    }
}

/// What the cells of a column sum up to: for whoever ties rows out.
pub fn total(rows: &[Row], column: &str) -> Result<Decimal, TooLarge> {
    let Some(at) = super::SCHEMA.columns.iter().position(|c| c.name == column) else { return Ok(Decimal::ZERO) };
    sum(rows.iter().filter_map(|row| match row.get(at) {
        Some(Cell::Decimal(value)) => Some(*value),
        _ => None,
    }))
}
