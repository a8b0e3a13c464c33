//! What are a month's FOCUS rows? Read account by account, and what they sum up to.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::Issued;
use releve_finance::{
    Row,
    focus::{self, Advanced, Context, FocusError, Source, Workload, check},
    month::{Accruals, Customer},
    pack::Focus,
};
use releve_store::{
    Tx,
    credits::{self, Movement},
    customers::Issuer,
    finance::{facts, hours},
    invoices,
};
use releve_types::{AccountId, BillingMonth, Currency, Period, TenantId, Timestamp, time::MILLIS_PER_DAY};
use rust_decimal::Decimal;

use super::accruals::{self, Cost};
use crate::JobError;

/// Accounts of one file.
pub const FOCUS_ACCOUNTS_MAX: usize = 500;

/// Whose month.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    pub issuer: &'a Issuer,
    pub month: BillingMonth,
    pub as_of: Timestamp,
    /// The one tenant whose allocations are told; none: all.
    pub only: Option<TenantId>,
}

/// The rows of one account's month: its invoice by allocation and day, what it was asked for in advance and what was corrected in the month,
/// what it paid in advance, and what is not invoiced yet.
pub async fn focus_of(
    tx: &mut Tx,
    of: Of<'_>,
    customer: &Customer,
    cost: &Cost,
    sums: &mut Focus,
) -> Result<Vec<Row>, JobError> {
    let (account, period) = (cost.account, of.issuer.zone.month(of.month));
    let named = facts::tenant_names(tx, &[account]).await?;
    // A tenant is told of its own allocations; of another's under the same account, what stands on the invoice.
    let mut shown = named.clone();
    shown.retain(|tenant, _| of.only.is_none_or(|only| only == *tenant));
    let tenants: BTreeMap<TenantId, String> = named.iter().map(|(id, (_, name))| (*id, name.clone())).collect();
    let ids = facts::beside_period(tx, &[account], period).await?;
    let beside = invoices::issued(tx, &ids).await?;
    let known = |issued: &&Issued| issued.stamp().issued_at < of.as_of;
    // What is billed again is a correction as well, whatever it is called: the month was invoiced before.
    let first = cost.documents.first().filter(known);
    let id = account.to_string();
    let base = Context {
        seller: &of.issuer.party.name,
        account: (&id, &customer.name),
        billing: period,
        tenants: &tenants,
        pieces: &[],
        workloads: &BTreeMap::new(),
    };
    let mut rows = Vec::new();
    let mut due: BTreeMap<String, Decimal> = BTreeMap::new();
    if let Some(issued) = first {
        let cuts = cuts(period, issued.content().lines.iter().map(|line| line.charge.stretch));
        let pieces = hours::pieces(tx, &shown, issued.content().book, &cuts).await?;
        let workloads = hours::workloads(tx, &pieces).await?;
        let of_it = rows_of(issued, false, Context { pieces: &pieces, workloads: &workloads, ..base })?;
        note(issued, &of_it, true, &mut due, sums)?;
        rows.extend(of_it);
    }
    for issued in beside.iter().filter(known) {
        let content = issued.content();
        let of_it = rows_of(issued, !content.is_of_deposit() || !content.corrects.is_empty(), base)?;
        note(issued, &of_it, false, &mut due, sums)?;
        rows.extend(of_it);
    }
    rows.extend(advances(tx, of, cost.account, base).await?);
    if cost.is_not_invoiced(of.as_of) {
        let cuts = cuts(period, cost.rated.charges.iter().map(|charge| charge.stretch));
        let pieces = hours::pieces(tx, &shown, 1, &cuts).await?;
        let workloads: BTreeMap<_, Workload> = hours::workloads(tx, &pieces).await?;
        let context = Context { pieces: &pieces, workloads: &workloads, ..base };
        rows.extend(focus::rows(&Source::unbilled(&cost.rated), context).map_err(broken)?);
    } else {
        let waiting = cost.accrued(of.month, of.as_of)?;
        rows.extend(waiting.iter().map(|(key, amount)| focus::waiting(&key.sku, &key.kind, *amount, base)));
    }
    sums.faults.extend(check::rows(&rows));
    sums.faults.extend(check::ties(&rows, &due));
    corrected(of, cost, base, sums)?;
    Ok(rows)
}

/// What the account paid in advance in the month, got back, and let expire.
async fn advances(tx: &mut Tx, of: Of<'_>, account: AccountId, base: Context<'_>) -> Result<Vec<Row>, JobError> {
    let mut rows = Vec::new();
    for record in credits::of(tx, account).await? {
        if record.payment.is_none() {
            continue;
        }
        for entry in credits::entries(tx, &record).await? {
            let what = match entry.movement {
                Movement::Opened => Advanced::Paid,
                Movement::Withdrawn => Advanced::TakenBack,
                Movement::Expired => Advanced::Expired,
                Movement::Drawn | Movement::GivenBack => continue,
            };
            if base.billing.contains(entry.entered_at) && entry.entered_at < of.as_of {
                rows.push(focus::advance(&record.credit, what, entry.amount, entry.entered_at, base));
            }
        }
    }
    Ok(rows)
}

fn broken(error: FocusError) -> JobError {
    JobError::Focus(error)
}

fn rows_of(issued: &Issued, correction: bool, context: Context<'_>) -> Result<Vec<Row>, JobError> {
    focus::rows(&Source::issued(issued, correction), context).map_err(broken)
}

/// Where a day, a stretch of a line, or the period begins or ends.
fn cuts(period: Period, stretches: impl Iterator<Item = Period>) -> Vec<Timestamp> {
    let mut cuts: BTreeSet<Timestamp> = stretches.flat_map(|stretch| [stretch.start(), stretch.end()]).collect();
    cuts.extend([period.start(), period.end()]);
    let days = (period.start().day() + 1)..=period.end().day();
    cuts.extend(days.map(|day| Timestamp::from_millis(day * MILLIS_PER_DAY)));
    cuts.retain(|cut| period.start() <= *cut && *cut <= period.end());
    cuts.into_iter().collect()
}

fn add(sums: &mut BTreeMap<Currency, Decimal>, currency: Currency, amount: Decimal) {
    *sums.entry(currency).or_default() += amount;
}

/// Notes what a document's rows sum up to.
fn note(
    issued: &Issued,
    rows: &[Row],
    of_usage: bool,
    due: &mut BTreeMap<String, Decimal>,
    sums: &mut Focus,
) -> Result<(), JobError> {
    let currency = issued.content().currency;
    let owed = issued.advances().due.amount();
    due.insert(issued.stamp().number.to_string(), owed);
    add(&mut sums.due, currency, owed);
    let total = |column| focus::total(rows, column).map_err(|error| broken(error.into()));
    add(&mut sums.billed, currency, total("BilledCost")?);
    if of_usage {
        add(&mut sums.effective, currency, untaxed(issued, rows)?);
    }
    Ok(())
}

/// EffectiveCost without tax.
fn untaxed(issued: &Issued, rows: &[Row]) -> Result<Decimal, JobError> {
    let all = focus::total(rows, "EffectiveCost").map_err(|error| broken(error.into()))?;
    Ok(all - issued.taxes().tax.amount())
}

/// What corrections of the month's usage came to so far, whenever they were issued.
fn corrected(of: Of<'_>, cost: &Cost, base: Context<'_>, sums: &mut Focus) -> Result<(), JobError> {
    for issued in cost.documents.iter().skip(1).filter(|issued| issued.stamp().issued_at < of.as_of) {
        let rows = rows_of(issued, true, base)?;
        add(&mut sums.effective, issued.content().currency, untaxed(issued, &rows)?);
    }
    Ok(())
}

/// Adds what of the month's usage is on no document that is known: as it was when the month was closed, or as it is now.
pub fn add_waiting(of: Of<'_>, cost: &Cost, closed: Option<&Accruals>, sums: &mut Focus) -> Result<(), JobError> {
    let waiting = match closed {
        None => cost.accrued(of.month, of.as_of)?,
        Some(closed) => cost.still_waiting(closed, of.month, of.issuer.zone.month(of.month).end(), of.as_of)?,
    };
    for (key, amount) in &waiting {
        add(&mut sums.effective, key.currency, amount.amount());
    }
    Ok(())
}

/// The seller's customers of a month, in files of so many, with what each should cost.
pub async fn costs(tx: &mut Tx, of: Of<'_>, accounts: &BTreeSet<AccountId>) -> Result<Vec<Cost>, JobError> {
    accruals::costs(tx, of.issuer, Some(accounts), of.month).await
}
