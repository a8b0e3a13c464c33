//! Who uses the demo's cluster, and how? Ten nodes in two regions and tenants with different habits, a month
//! of them from a seed: steady training, night batches, notebooks, MIG slices, shared cards, spot, storage, and
//! a key that nobody mapped to a tenant.
//!
//! Every habit has lanes of its own (a lane is one device, or one share of it), so no two ever meet on one.

use releve_types::{
    Period, TenantKey, Timestamp, Unit,
    key::TenantKeyError,
    sku::Share,
    time::{MILLIS_PER_DAY, MILLIS_PER_HOUR, MILLIS_PER_MINUTE},
};
use releve_wire::{AllocDetails, EndReason, Holder, Reading};

use crate::{
    cluster::{Hold, Node, Plan, Stretch},
    seed::Dice,
};

pub const H100: &str = "NVIDIA H100 80GB HBM3";
pub const H200: &str = "NVIDIA H200";
pub const A100: &str = "NVIDIA A100 80GB PCIe";
pub const L40S: &str = "NVIDIA L40S";
pub const REGION_WEST: &str = "eu-west";
pub const REGION_NORTH: &str = "eu-north";
pub const SLICE: &str = "1g.10gb";
/// The meter of stored bytes.
pub const STORAGE: &str = "storage";
/// A card that is time-sliced has so many replicas.
pub const REPLICAS: u32 = 4;

/// A customer of the demo.
#[derive(Debug, Clone, Copy)]
pub struct FleetTenant {
    pub name: &'static str,
    pub key: &'static str,
    pub habit: &'static str,
    /// What it stores.
    pub storage_gib: i64,
}

/// The demo's customers. `key` is what nodes report; a rule maps each to its tenant.
pub const TENANTS: [FleetTenant; 8] = [
    tenant("Aurora Models", "k8s:paris/aurora", "trains day and night on three nodes", 24_000),
    tenant("Brio Studio", "k8s:paris/brio", "notebooks in office hours, on whole and on shared cards", 800),
    tenant("Caldera Labs", "slurm:north/caldera", "weekday jobs of an hour or two", 3_500),
    tenant("Delta Search", "k8s:paris/delta", "serves from MIG slices, more by day than by night", 1_200),
    tenant("Ember Games", "k8s:paris/ember", "one fixed share of a card, always on", 150),
    tenant("Fjord Weather", "slurm:paris/fjord", "a batch each night on two nodes", 9_000),
    tenant("Gale Robotics", "k8s:paris/gale", "spot capacity, taken away now and then", 400),
    tenant("Harbor Archive", "static:harbor", "stores much and computes nothing", 120_000),
];

/// A key that nobody mapped: its usage waits in suspense.
pub const UNMAPPED_KEY: &str = "k8s:paris/skunkworks";

const fn tenant(name: &'static str, key: &'static str, habit: &'static str, storage_gib: i64) -> FleetTenant {
    FleetTenant { name, key, habit, storage_gib }
}

/// Where the habits' lanes are: indices into [`Plan::nodes`].
mod place {
    pub const TRAINING: [usize; 3] = [0, 1, 2];
    pub const NOTEBOOKS: usize = 3;
    pub const NIGHT: [usize; 2] = [4, 5];
    pub const SLICES: usize = 6;
    pub const SHARED: usize = 7;
    pub const SPOT: usize = 8;
    pub const NORTH: usize = 9;
}

fn nodes(service: Stretch) -> Vec<Node> {
    let west =
        |i: usize| Node::named(&format!("par-{i:02}"), REGION_WEST, "paris", &format!("par-r{}", i / 4), service);
    let hopper = Some((70_000, 620_000));
    let mut all: Vec<Node> = (0..6).map(|i| west(i).with_gpus(8, H100, hopper)).collect();
    let ampere = Some((6_000, 40_000));
    all.push((0..4).fold(west(6), |node, _| node.with_slices(7, A100, SLICE, ampere)));
    all.push(west(7).with_gpus(4, L40S, Some((35_000, 280_000))));
    all.push(west(8).with_gpus(8, H100, hopper));
    let north = Node::named("osl-00", REGION_NORTH, "oslo", "osl-r0", service);
    all.push(north.with_gpus(8, H200, Some((75_000, 640_000))));
    all
}

/// The fleet over a period. The same seed and period give the same plan.
pub fn fleet(period: Period, seed: u64) -> Result<Plan, TenantKeyError> {
    let range = Stretch::from(period);
    let mut keys = TENANTS.iter().map(|t| TenantKey::new(t.key)).collect::<Result<Vec<_>, _>>()?;
    keys.push(TenantKey::new(UNMAPPED_KEY)?);
    let dice = Dice::new(&["fleet", &seed.to_string(), &range.start.to_string()]);
    let mut life = Life { range, dice, holds: Vec::new(), allocations: 0 };
    life.training();
    life.notebooks();
    life.weekday_jobs();
    life.slices();
    life.shared();
    life.night();
    life.spot();
    life.unmapped();
    let mut holds = life.holds;
    holds.sort_by_key(|h| (h.time.start, h.node, h.device, h.time.end));
    Ok(Plan { nodes: nodes(range), keys, holds, variant: format!("fleet{seed}"), range })
}

/// What each tenant stored, an hour at a time.
pub fn readings(period: Period) -> impl Iterator<Item = Reading> {
    let hours = (period.first_hour().index()..period.end_hour().index()).map(releve_types::Hour::from_index);
    hours.flat_map(|hour| {
        TENANTS.iter().filter_map(move |tenant| {
            Some(Reading {
                source: String::from("demo-storage"),
                id: format!("{}@{hour}", tenant.key),
                meter: STORAGE.to_owned(),
                holder: Holder::Key(TenantKey::new(tenant.key).ok()?),
                project: None,
                quantity: tenant.storage_gib * 3_600,
                unit: Unit::GibSecond,
                from: hour.start(),
                to: hour.end(),
                region: REGION_WEST.to_owned(),
                labels: Vec::new(),
            })
        })
    })
}

/// Makes up one tenant's workloads after the other.
struct Life {
    range: Stretch,
    dice: Dice,
    holds: Vec<Hold>,
    allocations: u32,
}

/// What an allocation looks like, whoever starts it.
#[derive(Clone, Copy)]
struct Work {
    key: usize,
    project: &'static str,
    name: &'static str,
    spot: bool,
    share: Share,
    ends: EndReason,
}

impl Work {
    const fn of(key: usize, project: &'static str, name: &'static str) -> Self {
        Self { key, project, name, spot: false, share: Share::WHOLE, ends: EndReason::Completed }
    }
}

/// 1970-01-01 was a Thursday.
fn is_weekday(day: i64) -> bool {
    (day + 3).rem_euclid(7) < 5
}

impl Life {
    /// One allocation on several devices of a node, cut to the month.
    fn hold(&mut self, work: Work, node: usize, devices: impl IntoIterator<Item = usize>, time: Stretch) {
        let Some(time) = time.clip(self.range) else { return };
        self.allocations += 1;
        let alloc = format!("{}-{:05}", work.name, self.allocations);
        let labels = vec![(String::from("workload"), work.name.to_owned())];
        let details = AllocDetails { alloc: alloc.clone(), name: Some(work.name.to_owned()), user: None, labels };
        for device in devices {
            self.holds.push(Hold {
                node,
                device,
                key: work.key,
                alloc: alloc.clone(),
                project: (!work.project.is_empty()).then(|| work.project.to_owned()),
                spot: work.spot,
                share: work.share,
                time,
                end_reason: work.ends,
                details: Some(details.clone()),
            });
        }
    }

    fn days(&self) -> impl Iterator<Item = i64> + use<> {
        self.range.start.day()..=self.range.end.day()
    }

    fn minutes(&mut self, from: i64, to: i64) -> i64 {
        self.dice.between(from * MILLIS_PER_MINUTE, to * MILLIS_PER_MINUTE)
    }

    /// Jobs of two to six days on a whole node each, with an hour's pause at most between them.
    fn training(&mut self) {
        for node in place::TRAINING {
            let mut at = self.range.start;
            while at < self.range.end {
                let project = if self.dice.chance(700) { "pretrain" } else { "finetune" };
                let end = at.plus_millis(self.minutes(2_880, 8_640));
                self.hold(Work::of(0, project, "train"), node, 0..8, Stretch::new(at, end));
                at = end.plus_millis(self.minutes(1, 60));
            }
        }
    }

    /// From Monday to Friday between 8 and 18 h; seven whole cards, and half of the shared ones.
    fn notebooks(&mut self) {
        let quarter = Work { share: Share { num: 1, den: REPLICAS }, ..Work::of(1, "explore", "notebook") };
        for day in self.days().filter(|d| is_weekday(*d)) {
            for lane in 0..15 {
                let mut at = day_hour(day, 8).plus_millis(self.minutes(0, 120));
                let closing = day_hour(day, 18);
                while at < closing && self.dice.chance(750) {
                    let end = at.plus_millis(self.minutes(3, 240)).min(closing);
                    let (work, node, device) = match lane {
                        0..7 => (Work::of(1, "explore", "notebook"), place::NOTEBOOKS, lane),
                        _ => (quarter, place::SHARED, (lane - 7) % 4),
                    };
                    self.hold(work, node, [device], Stretch::new(at, end));
                    at = end.plus_millis(self.minutes(5, 90));
                }
            }
        }
    }

    /// Two cards at a time, in the other region.
    fn weekday_jobs(&mut self) {
        for day in self.days().filter(|d| is_weekday(*d)) {
            for pair in 0..4 {
                let mut at = day_hour(day, 7).plus_millis(self.minutes(0, 90));
                while at < day_hour(day, 20) {
                    let end = at.plus_millis(self.minutes(20, 150));
                    self.hold(
                        Work::of(2, "simulation", "job"),
                        place::NORTH,
                        [2 * pair, 2 * pair + 1],
                        Stretch::new(at, end),
                    );
                    at = end.plus_millis(self.minutes(1, 45));
                }
            }
        }
    }

    /// Six slices always; the other 22 by day only.
    fn slices(&mut self) {
        for slice in 0..6 {
            self.hold(Work::of(3, "search", "serve"), place::SLICES, [slice], self.range);
        }
        for day in self.days() {
            for slice in 6..28 {
                let start = day_hour(day, 6).plus_millis(self.minutes(0, 180));
                let end = day_hour(day, 19).plus_millis(self.minutes(0, 180));
                self.hold(Work::of(3, "search", "serve"), place::SLICES, [slice], Stretch::new(start, end));
            }
        }
    }

    /// One quarter of a card, restarted once a week or so.
    fn shared(&mut self) {
        let quarter = Work { share: Share { num: 1, den: REPLICAS }, ..Work::of(4, "", "game-ai") };
        let mut at = self.range.start;
        while at < self.range.end {
            let end = at.plus_millis(self.minutes(7_000, 12_000));
            self.hold(quarter, place::SHARED, [0], Stretch::new(at, end));
            at = end.plus_millis(self.minutes(1, 3));
        }
    }

    /// From about 22 h for six to eight hours: the hours on both sides of each midnight.
    fn night(&mut self) {
        for day in self.days() {
            for node in place::NIGHT {
                let start = day_hour(day, 22).plus_millis(self.minutes(0, 30));
                let end = start.plus_millis(self.minutes(360, 480));
                self.hold(Work::of(5, "forecast", "ensemble"), node, 0..8, Stretch::new(start, end));
            }
        }
    }

    /// Runs until it is preempted, then waits.
    fn spot(&mut self) {
        let work = Work { spot: true, ends: EndReason::Preempted, ..Work::of(6, "sweep", "trial") };
        for device in 0..8 {
            let mut at = self.range.start.plus_millis(self.minutes(0, 600));
            while at < self.range.end {
                let end = at.plus_millis(self.minutes(15, 900));
                self.hold(work, place::SPOT, [device], Stretch::new(at, end));
                at = end.plus_millis(self.minutes(10, 400));
            }
        }
    }

    /// Three short visits to the eighth card of the notebooks' node.
    fn unmapped(&mut self) {
        let days = self.range.millis() / MILLIS_PER_DAY;
        for visit in 1..=3 {
            let start = self.range.start.plus_millis(visit * days / 4 * MILLIS_PER_DAY + 14 * MILLIS_PER_HOUR);
            let end = start.plus_millis(self.minutes(25, 55));
            self.hold(Work::of(TENANTS.len(), "", "try"), place::NOTEBOOKS, [7], Stretch::new(start, end));
        }
    }
}

const fn day_hour(day: i64, hour: i64) -> Timestamp {
    Timestamp::from_millis(day * MILLIS_PER_DAY + hour * MILLIS_PER_HOUR)
}
