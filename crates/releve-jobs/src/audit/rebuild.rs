//! What do the reports of a day say was held? Each is verified again, rolled up again, and adjusted as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_metering::{
    NodeState, Place, Screened,
    moves::{Tally, state},
    roll_up,
};
use releve_outbound::Storage;
use releve_store::{
    Tx,
    archives::{self, StoredReport},
    audit, billing_usage,
    billing_usage::SkuNumber,
    moves::HourPlace,
    reports,
};
use releve_types::{Hour, Period, Ranges, Sku, time::MILLIS_PER_DAY};
use releve_wire::suspense_tenant_id;

use super::{Check, Difference, history::History};
use crate::{JobError, archive};

/// Reports verified at once.
const PAGE_REPORTS_MAX: i64 = 2_000;

/// What was held at each place: milliseconds of the hour, and energy.
pub type Held = BTreeMap<HourPlace, (Ranges, i64)>;

/// The same, as it is added up: what was taken back and replaced adds up to once, whatever comes first.
type Tallies = BTreeMap<HourPlace, (Tally, i64)>;

/// A rebuilt day beside the stored one.
#[derive(Debug)]
pub struct Day {
    pub reports: u64,
    pub rebuilt: Held,
    pub stored: Held,
    /// Reports that don't verify any more.
    pub broken: Vec<Difference>,
}

/// What rebuilding needs to know, read once.
#[derive(Debug)]
pub struct Known {
    pub history: Arc<History>,
    pub numbers: Arc<BTreeMap<Sku, SkuNumber>>,
}

impl Known {
    pub async fn load(tx: &mut Tx) -> Result<Self, JobError> {
        let history = Arc::new(History::load(tx).await?);
        let names = billing_usage::sku_names(tx).await?;
        let numbers = Arc::new(names.into_iter().map(|(number, sku)| (sku, number)).collect());
        Ok(Self { history, numbers })
    }
}

/// Rebuilds the hours of a UTC day that lie in the period, from the database or from the archive.
pub async fn day(
    tx: &mut Tx,
    storage: Option<&Storage>,
    known: &Known,
    day: i64,
    period: Period,
) -> Result<Day, JobError> {
    let first = Hour::from_index(day * 24).max(period.first_hour());
    let end = Hour::from_index(day * 24 + 24).min(period.end_hour());
    let mut found = Day { reports: 0, rebuilt: Held::new(), stored: Held::new(), broken: Vec::new() };
    let mut tallies = Tallies::new();
    let archived = archives::of_days(tx, day, day).await?.into_iter().find(|archive| archive.detached);
    if let Some(archived) = archived {
        let missing = || JobError::Archive {
            location: archived.location.clone(),
            detail: "its day has left the database, and no object storage is configured to read it from".to_owned(),
        };
        let mut reader = archive::read_archive(storage.ok_or_else(missing)?, &archived).await?;
        while let Some(page) = reader.next_block().await? {
            found.add(known, page, &mut tallies).await;
        }
    } else {
        let mut after = None;
        loop {
            let page = archives::page(tx, day, after, PAGE_REPORTS_MAX).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            found.add(known, page, &mut tallies).await;
        }
    }
    tallies.retain(|place, _| first <= place.hour && place.hour < end);
    for row in audit::adjustments(tx, first, end).await? {
        let (tally, energy) = tallies.entry(row.place).or_default();
        tally.add(&row.held);
        tally.take(&row.taken_back);
        *energy += row.energy_mj;
    }
    found.add_up(tallies);
    let mut books: BTreeMap<HourPlace, Vec<audit::BookRow>> = BTreeMap::new();
    for row in audit::allocation_hours(tx, first, end).await? {
        books.entry(row.place.clone()).or_default().push(row);
    }
    for (place, rows) in books {
        let ranges = state(rows.iter().map(|row| (&row.held, &row.taken_back)));
        found.stored.insert(place, (ranges, rows.iter().map(|row| row.energy_mj).sum()));
    }
    Ok(found)
}

impl Day {
    /// Verifies and rolls up a page, on a thread of its own: signatures are work.
    async fn add(&mut self, known: &Known, page: Vec<StoredReport>, tallies: &mut Tallies) {
        let (history, numbers) = (known.history.clone(), known.numbers.clone());
        let work = tokio::task::spawn_blocking(move || roll(&history, &numbers, page));
        let Ok(rolled) = work.await else {
            self.broken.push(Difference::new(Check::Evidence, "a page of reports made the audit panic", 0, 1));
            return;
        };
        self.reports += rolled.reports;
        self.broken.extend(rolled.broken);
        for (place, ranges, energy) in rolled.held {
            let sum = tallies.entry(place).or_default();
            sum.0.add(&ranges);
            sum.1 += energy;
        }
    }

    /// What two reports both say they held, and neither was taken back, is a difference and no sum.
    fn add_up(&mut self, tallies: Tallies) {
        for (place, (tally, energy)) in tallies {
            let (once, wrong) = tally.once();
            if !wrong.is_empty() {
                let at = format!(
                    "{} {} on {}: {wrong} held twice, or less than never",
                    place.hour, place.allocation, place.node
                );
                self.broken.push(Difference::new(Check::Evidence, &at, 0, wrong.total()).of(place.tenant, None));
            }
            if !once.is_empty() || energy != 0 {
                self.rebuilt.insert(place, (once, energy));
            }
        }
    }

    /// Where rebuilt and stored differ.
    pub fn differences(&self) -> Vec<Difference> {
        let nothing = (Ranges::empty(), 0);
        let places: BTreeSet<&HourPlace> = self.rebuilt.keys().chain(self.stored.keys()).collect();
        let differing = places.into_iter().filter_map(|place| {
            let rebuilt = self.rebuilt.get(place).unwrap_or(&nothing);
            let stored = self.stored.get(place).unwrap_or(&nothing);
            if rebuilt == stored {
                return None;
            }
            let at = format!(
                "{} {} on {} device {}: {} {} mJ reported, {} {} mJ stored",
                place.hour, place.allocation, place.node, place.device, rebuilt.0, rebuilt.1, stored.0, stored.1
            );
            let difference = Difference::new(Check::Reports, &at, rebuilt.0.total(), stored.0.total());
            Some(difference.of(place.tenant, None))
        });
        differing.collect()
    }
}

#[derive(Default)]
struct Rolled {
    reports: u64,
    held: Vec<(HourPlace, Ranges, i64)>,
    broken: Vec<Difference>,
}

fn roll(history: &History, numbers: &BTreeMap<Sku, SkuNumber>, page: Vec<StoredReport>) -> Rolled {
    let mut rolled = Rolled::default();
    let mut standing = Vec::with_capacity(page.len());
    let mut taken_back = Vec::new();
    // What was taken back was counted too: what took it back is among the adjustments.
    for report in page.into_iter().filter(|r| r.status != "late_known") {
        rolled.reports += 1;
        let at = format!("{} window {} seq {}", report.key.node, report.key.window_start, report.key.seq);
        match believe(history, &report) {
            Ok(believed) if report.status == "counted" => standing.push(believed),
            Ok(believed) => taken_back.push(believed),
            Err(detail) => {
                rolled.broken.push(Difference::new(Check::Evidence, &format!("{at}: {detail}"), 1, 0));
            }
        }
    }
    rolled.add(&standing, numbers);
    // One by one: a report that was taken back may say the same as the one in its place.
    for one in &taken_back {
        rolled.add(std::slice::from_ref(one), numbers);
    }
    rolled
}

impl Rolled {
    fn add(&mut self, screened: &[Screened], numbers: &BTreeMap<Sku, SkuNumber>) {
        let deltas = match roll_up(screened, |_, _| 1) {
            Ok(deltas) => deltas,
            Err(error) => {
                self.broken.push(Difference::new(Check::Evidence, &error.to_string(), 1, 0));
                return;
            }
        };
        for (key, held) in deltas.allocation_hours {
            let Some(sku_id) = deltas.skus.get(key.sku).and_then(|sku| numbers.get(sku)).copied() else {
                let at = format!("{}: a SKU that was never stored", key.hour);
                self.broken.push(Difference::new(Check::Evidence, &at, 1, 0).of(key.tenant, None));
                continue;
            };
            let place = HourPlace {
                tenant: key.tenant,
                hour: key.hour,
                allocation: key.allocation,
                node: key.node,
                device: key.device,
                sku_id,
                project: key.project,
            };
            self.held.push((place, held.ranges, held.energy_mj));
        }
    }
}

/// A stored report as it was judged: its signature under the key of then, its tenants by the rules of then.
fn believe(history: &History, stored: &StoredReport) -> Result<Screened, String> {
    let evidence = reports::unpack(&stored.body).map_err(|e| e.to_string())?;
    let version = stored.catalog_version;
    let (node, start) = (stored.key.node, stored.key.window_start);
    let key = history.public_key(node, &evidence.keyid, stored.window_end, version);
    let key = key.ok_or_else(|| format!("the key {} was not valid in version {version}", evidence.keyid))?;
    let report = evidence.verify(&key).map_err(|e| format!("{}: {}", e.field, e.detail))?;
    let head = &report.head;
    let same = (head.node, head.window.start, head.run) == (node, start, stored.key.run)
        && i64::try_from(head.seq) == Ok(stored.key.seq)
        && head.window.start.day() == start.as_millis().div_euclid(MILLIS_PER_DAY)
        && report.head_sha256.0 == stored.head_sha256;
    if !same {
        return Err("its row says another node, window, sequence or digest than its signed head".to_owned());
    }
    let region = history.region(node, start, version).ok_or("the node had no place then")?;
    let tenant = |key| history.tenant(key, start, version).unwrap_or_else(|| suspense_tenant_id(key));
    let tenants = report.sections.iter().map(|section| tenant(&section.tenant_key)).collect();
    let place =
        Place { state: NodeState::InService, region: region.to_owned(), site: String::new(), rack: String::new() };
    Ok(Screened { report, place, tenants })
}
