//! Is everything that was reported billed, waiting or in suspense, and nothing else? To the millisecond:
//! reports + adjustments = allocation hours = usage hours = metered on lines + unbilled + suspense.

mod history;
mod rebuild;

use std::collections::BTreeMap;

use releve_outbound::Storage;
use releve_store::{Db, StoreError, Tx, audit as stored, audit_log, billing_usage, invoices};
use releve_types::{Period, TenantId};

use self::rebuild::Known;
use crate::JobError;

/// Differences that are listed; the rest is counted.
pub const DIFFERENCES_LISTED_MAX: usize = 200;
/// Invoices loaded and checked at once.
const INVOICES_CHECKED_MAX: i64 = 200;

/// Which of the equations does not hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Check {
    /// A stored or archived report still verifies, and its time is said once.
    Evidence,
    /// Reports + adjustments = allocation hours.
    Reports,
    /// Allocation hours = usage hours, and so in energy.
    Rollups,
    /// Usage of the closed books = metered quantities on lines.
    Lines,
    /// An issued invoice adds up.
    Invoices,
    /// Each number of a series is on an invoice.
    Numbers,
    /// Each seal of the audit log follows from the one before and its entry.
    Log,
}

impl Check {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Reports => "reports = allocation hours",
            Self::Rollups => "allocation hours = usage hours",
            Self::Lines => "usage hours = invoice lines",
            Self::Invoices => "invoices",
            Self::Numbers => "numbers",
            Self::Log => "audit log",
        }
    }
}

/// Two figures that should be one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub check: Check,
    pub tenant: Option<TenantId>,
    pub sku: Option<String>,
    /// Where: an hour, a report, an invoice.
    pub at: String,
    /// The left side of the check's equation.
    pub expected: i64,
    pub found: i64,
}

impl Difference {
    fn new(check: Check, at: &str, expected: i64, found: i64) -> Self {
        Self { check, tenant: None, sku: None, at: at.to_owned(), expected, found }
    }

    fn of(self, tenant: TenantId, sku: Option<String>) -> Self {
        Self { tenant: Some(tenant), sku, ..self }
    }
}

/// One tenant's SKU over the period, in base units.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sum {
    pub tenant: TenantId,
    pub sku: String,
    /// From reports and adjustments; none for other meters, whose readings leave a digest only.
    pub reports: Option<i64>,
    pub allocation_hours: Option<i64>,
    pub usage: i64,
    pub billed: i64,
    pub unbilled: i64,
    pub suspense: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditReport {
    pub ok: bool,
    /// At most [`DIFFERENCES_LISTED_MAX`].
    pub differences: Vec<Difference>,
    pub differences_in_all: usize,
    pub sums: Vec<Sum>,
    /// Reports whose signature was checked and whose segments were added up again.
    pub reports: u64,
    pub invoices: u64,
    pub log: audit_log::Chain,
}

/// Held time by tenant and SKU: rebuilt, and stored.
type Held = BTreeMap<(TenantId, String), (i64, i64)>;

/// Audits a period in one snapshot, a UTC day at a time: memory is a day's allocation hours. The snapshot keeps its
/// connection for as long as it takes, also while archives are read.
pub async fn audit(db: &Db, period: Period, archive: Option<&Storage>) -> Result<AuditReport, JobError> {
    let mut tx = db.begin_app().await?;
    stored::one_snapshot(&mut tx).await?;
    let known = Known::load(&mut tx).await?;
    let names = billing_usage::sku_names(&mut tx).await?;
    let (mut differences, mut held, mut reports) = (Vec::new(), Held::new(), 0);
    for day in period.start().day()..=period.end().plus_millis(-1).day() {
        let rebuilt = rebuild::day(&mut tx, archive, &known, day, period).await?;
        reports += rebuilt.reports;
        differences.extend(rebuilt.differences());
        for (side, places) in [(0, &rebuilt.rebuilt), (1, &rebuilt.stored)] {
            for (place, (ranges, _)) in places {
                let sku = names.get(&place.sku_id).map(ToString::to_string).unwrap_or_default();
                let sums = held.entry((place.tenant, sku)).or_insert((0, 0));
                if side == 0 { sums.0 += ranges.total() } else { sums.1 += ranges.total() }
            }
        }
        differences.extend(rebuilt.broken);
    }
    differences.extend(rollups(&mut tx, period).await?);
    differences.extend(lines(&mut tx, period).await?);
    differences.extend(numbers(&mut tx).await?);
    differences.extend(log(&mut tx).await?);
    let log = audit_log::chain(&mut tx).await?;
    let (invoices, broken) = check_invoices(&mut tx, period).await?;
    differences.extend(broken);
    let sums = sums(&mut tx, period, held).await?;
    tx.rollback().await?;
    let differences_in_all = differences.len();
    differences.truncate(DIFFERENCES_LISTED_MAX);
    Ok(AuditReport { ok: differences_in_all == 0, differences, differences_in_all, sums, reports, invoices, log })
}

/// Adds up the stored or archived reports of a range again and compares with its allocation hours: the first
/// equation alone. Nothing is changed.
pub async fn rebuild(db: &Db, range: Period, archive: Option<&Storage>) -> Result<Vec<Difference>, JobError> {
    let mut tx = db.begin_app().await?;
    stored::one_snapshot(&mut tx).await?;
    let known = Known::load(&mut tx).await?;
    let mut differences = Vec::new();
    for day in range.start().day()..=range.end().plus_millis(-1).day() {
        let day = rebuild::day(&mut tx, archive, &known, day, range).await?;
        differences.extend(day.differences());
        differences.extend(day.broken);
    }
    tx.rollback().await?;
    Ok(differences)
}

async fn rollups(tx: &mut Tx, period: Period) -> Result<Vec<Difference>, StoreError> {
    let found = stored::hour_differences(tx, period).await?;
    let difference = |d: stored::HourDifference| {
        let at =
            format!("{} book {} project '{}': {} mJ and {} mJ", d.hour, d.book, d.project, d.allocation_mj, d.usage_mj);
        Difference::new(Check::Rollups, &at, d.allocation_ms, d.usage_ms).of(d.tenant, Some(d.sku))
    };
    Ok(found.into_iter().map(difference).collect())
}

async fn lines(tx: &mut Tx, period: Period) -> Result<Vec<Difference>, StoreError> {
    let found = stored::invoice_differences(tx, period).await?;
    let difference = |d: stored::InvoiceDifference| {
        Difference::new(Check::Lines, &d.number, d.used, d.lines).of(d.tenant, Some(d.sku))
    };
    Ok(found.into_iter().map(difference).collect())
}

/// Of each break the seal that should follow and does not.
async fn log(tx: &mut Tx) -> Result<Vec<Difference>, StoreError> {
    let listed_max = i64::try_from(DIFFERENCES_LISTED_MAX).unwrap_or(i64::MAX);
    let broken = audit_log::broken_seals(tx, listed_max).await?;
    Ok(broken.into_iter().map(|seal| Difference::new(Check::Log, &format!("seal {seal}"), 1, 0)).collect())
}

async fn numbers(tx: &mut Tx) -> Result<Vec<Difference>, StoreError> {
    let found = stored::series_differences(tx).await?;
    let difference = |d: stored::SeriesDifference| {
        Difference::new(Check::Numbers, &format!("{}-{}", d.series, d.year), d.last_serial, d.issued)
    };
    Ok(found.into_iter().map(difference).collect())
}

/// Loads every invoice of the period, which checks that it adds up. One that does not is a difference.
async fn check_invoices(tx: &mut Tx, period: Period) -> Result<(u64, Vec<Difference>), StoreError> {
    let (mut after, mut checked, mut broken) = (None, 0, Vec::new());
    loop {
        let ids = stored::issued_ids(tx, period, after, INVOICES_CHECKED_MAX).await?;
        let Some(last) = ids.last() else { return Ok((checked, broken)) };
        after = Some(*last);
        for id in ids {
            checked += 1;
            match invoices::issued(tx, &[id]).await {
                Ok(_) => {}
                Err(StoreError::Inconsistent { detail, .. }) => {
                    broken.push(Difference::new(Check::Invoices, &detail, 0, 1));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

async fn sums(tx: &mut Tx, period: Period, mut held: Held) -> Result<Vec<Sum>, StoreError> {
    let mut sums = Vec::new();
    for row in stored::usage_sums(tx, period).await? {
        let (reports, allocation_hours) = held.remove(&(row.tenant, row.sku.clone())).unzip();
        let open = row.used - row.billed;
        sums.push(Sum {
            tenant: row.tenant,
            sku: row.sku,
            reports,
            allocation_hours,
            usage: row.used,
            billed: row.billed,
            unbilled: if row.suspense { 0 } else { open },
            suspense: if row.suspense { open } else { 0 },
        });
    }
    let unused = |((tenant, sku), (reports, hours)): ((TenantId, String), (i64, i64))| Sum {
        tenant,
        sku,
        reports: Some(reports),
        allocation_hours: Some(hours),
        usage: 0,
        billed: 0,
        unbilled: 0,
        suspense: 0,
    };
    sums.extend(held.into_iter().map(unused));
    Ok(sums)
}
