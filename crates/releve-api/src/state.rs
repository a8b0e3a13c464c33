//! What do handlers share? The database, the aggregator, the clock and the limits.

use std::{fmt, sync::Arc, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use releve_aggregator::Aggregator;
use releve_outbound::Storage;
use releve_store::Db;
use releve_types::Timestamp;

use crate::{
    approval::Approval,
    error::{Code, Problem},
    gather::Gathering,
    kept::{Kept, QUICK_MAX},
    limit::Limits,
    pieces::Pieces,
    resource::{spend::KeptSpends, tenant_gaps::KeptGaps, usage::KeptUsage},
    sign_in::SignIn,
};

/// Where handlers get `now` from: the programs give the wall clock, replays and tests their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whether what runs beside the API is well.
pub type Ready = Arc<dyn Fn() -> bool + Send + Sync>;

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    db: Db,
    aggregator: Arc<Aggregator>,
    clock: Clock,
    metrics: PrometheusHandle,
    limits: Limits,
    gathering: Gathering,
    ready: Ready,
    sign_in: Option<SignIn>,
    approval: Approval,
    exports: Option<Storage>,
    spends: KeptSpends,
    usage: KeptUsage,
    pieces: Pieces,
    gaps: KeptGaps,
}

impl AppState {
    /// `metrics` renders what was recorded: see [`install_metrics`], or [`quiet_metrics`] for none.
    pub fn new(db: Db, aggregator: Arc<Aggregator>, clock: Clock, metrics: PrometheusHandle) -> Self {
        let (limits, gathering) = (Limits::default(), Gathering::default());
        let ready: Ready = Arc::new(|| true);
        let (sign_in, approval, exports) = (None, Approval::default(), None);
        let (spends, usage, gaps) = (Kept::new(QUICK_MAX), Kept::new(QUICK_MAX), Kept::new(QUICK_MAX));
        Self(Arc::new(Inner {
            db,
            aggregator,
            clock,
            metrics,
            limits,
            gathering,
            ready,
            sign_in,
            approval,
            exports,
            spends,
            usage,
            pieces: Pieces::default(),
            gaps,
        }))
    }

    /// Keeps answers that took as long as this to count, instead of [`QUICK_MAX`]. Before the state is shared; later it changes nothing.
    #[must_use]
    pub fn keeping_from(mut self, quick_max: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.spends = Kept::new(quick_max);
            inner.usage = Kept::new(quick_max);
            inner.gaps = Kept::new(quick_max);
        }
        self
    }

    /// Not ready while `ready` says no. Before the state is shared; later it changes nothing.
    #[must_use]
    pub fn ready_while(mut self, ready: Ready) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.ready = ready;
        }
        self
    }

    /// Lets people sign in with an identity provider. Before the state is shared; later it changes nothing.
    #[must_use]
    pub fn signing_in(mut self, with: SignIn) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.sign_in = Some(with);
        }
        self
    }

    /// Lets no one person give away more than these limits. Before the state is shared; later it changes nothing.
    #[must_use]
    pub fn approving(mut self, approval: Approval) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.approval = approval;
        }
        self
    }

    /// Lets exports be asked for and fetched. Before the state is shared; later it changes nothing.
    #[must_use]
    pub fn exporting(mut self, to: Storage) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.exports = Some(to);
        }
        self
    }

    /// Where exports are, or why nothing can be asked for.
    pub(crate) fn exports(&self) -> Result<&Storage, Problem> {
        let why = "this installation has no place for exports: set RELEVE_EXPORTS to a directory or a bucket";
        self.0.exports.as_ref().ok_or_else(|| Problem::new(Code::NotFound, why))
    }

    pub(crate) fn approval(&self) -> &Approval {
        &self.0.approval
    }

    pub(crate) fn sign_in(&self) -> Option<&SignIn> {
        self.0.sign_in.as_ref()
    }

    pub fn is_ready(&self) -> bool {
        (self.0.ready)()
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn aggregator(&self) -> &Arc<Aggregator> {
        &self.0.aggregator
    }

    pub fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    pub(crate) fn metrics(&self) -> &PrometheusHandle {
        &self.0.metrics
    }

    pub(crate) fn gathering(&self) -> &Gathering {
        &self.0.gathering
    }

    pub(crate) fn spends(&self) -> &KeptSpends {
        &self.0.spends
    }

    pub(crate) fn usage(&self) -> &KeptUsage {
        &self.0.usage
    }

    pub(crate) fn pieces(&self) -> &Pieces {
        &self.0.pieces
    }

    pub(crate) fn gaps(&self) -> &KeptGaps {
        &self.0.gaps
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").finish_non_exhaustive()
    }
}

/// How often recorded samples are folded into their histograms, in seconds.
pub const UPKEEP_SECONDS: u64 = 5;

/// Makes the process record its metrics. Once per process; the handle goes to [`AppState::new`]. Samples are folded
/// together in a thread of their own: if only a scrape did it, a process that nobody scrapes would grow.
pub fn install_metrics() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    let kept = handle.clone();
    let upkeep = move || {
        loop {
            std::thread::sleep(Duration::from_secs(UPKEEP_SECONDS));
            kept.run_upkeep();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(upkeep) {
        tracing::warn!(%error, "no thread for the upkeep of metrics: they are folded when they are read");
    }
    Ok(handle)
}

/// A handle that renders nothing, for a process that records elsewhere or not at all.
pub fn quiet_metrics() -> PrometheusHandle {
    PrometheusBuilder::new().build_recorder().handle()
}
