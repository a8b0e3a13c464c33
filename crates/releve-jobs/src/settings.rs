//! When do jobs run, and within which limits?

use std::{sync::Arc, time::Duration};

use releve_documents::table::Format;
use releve_outbound::Storage;
use releve_types::time::MILLIS_PER_DAY;
use tokio::sync::Notify;

use crate::{alerts::Limits, exports::Dataset, hand_over::Destination, issue::ISSUE_ACCOUNTS_MAX, webhooks::Sender};

/// How long reports stay in the database before they are archived.
pub const REPORTS_KEEP_DAYS: i64 = 60;
/// How long after a period's end it is billed without being asked: until then, spools may still be emptying.
pub const ISSUE_DELAY_MS: i64 = 2 * MILLIS_PER_DAY;
/// The longest rest between two rounds.
pub const ROUND_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Settings {
    pub round_interval: Duration,
    /// Bill a period by itself once it is over by `issue_delay_ms`. Off: only who calls `issue` bills.
    pub issue_automatically: bool,
    pub issue_delay_ms: i64,
    pub issue_accounts_max: usize,
    pub reports_keep_days: i64,
    /// None: reports stay in the database for ever.
    pub archive: Option<Storage>,
    /// None: documents leave when somebody fetches them.
    pub hand_over: Option<Destination>,
    /// Where exports go, and what of each billed month is made without being asked for. None: nothing can be asked for.
    pub exports: Option<(Storage, Vec<(Dataset, Format)>)>,
    /// None: nobody is told anything.
    pub webhooks: Option<Sender>,
    /// From when on something is worth telling.
    pub alerts: Limits,
    pub nudge: Nudge,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            round_interval: ROUND_INTERVAL,
            issue_automatically: true,
            issue_delay_ms: ISSUE_DELAY_MS,
            issue_accounts_max: ISSUE_ACCOUNTS_MAX,
            reports_keep_days: REPORTS_KEEP_DAYS,
            archive: None,
            hand_over: None,
            exports: None,
            webhooks: None,
            alerts: Limits::default(),
            nudge: Nudge::default(),
        }
    }
}

/// Makes the next round begin at once. Cheap to clone; nudges during a round add up to one more round.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn nudged(&self) {
        self.0.notified().await;
    }
}
