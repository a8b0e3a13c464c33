//! Is the broker there? A handle that readiness and metrics read without asking anybody.

use tokio::sync::watch;

/// One connection as its supervisor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    pub connected: bool,
    /// The broker takes no messages for now (memory or disk alarm), and says why.
    pub blocked: Option<String>,
    /// Why the last connection failed or ended; kept when the next one works.
    pub last_error: Option<String>,
    /// How many connections have been made so far.
    pub connections: u64,
}

impl Health {
    pub fn is_ready(&self) -> bool {
        self.connected && self.blocked.is_none()
    }
}

/// Cheap to clone, to read and to wait on.
#[derive(Debug, Clone)]
pub struct HealthHandle(watch::Receiver<Health>);

impl HealthHandle {
    pub fn get(&self) -> Health {
        self.0.borrow().clone()
    }

    /// Waits for a change, seen or not; for ever once the supervisor has ended.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns the first state that `is_it` accepts; the last known one if the supervisor has ended.
    pub async fn wait_for(&mut self, is_it: impl FnMut(&Health) -> bool) -> Health {
        let found = self.0.wait_for(is_it).await.map(|health| health.clone());
        found.unwrap_or_else(|_| self.get())
    }
}

/// The supervisor's end.
#[derive(Debug)]
pub(crate) struct HealthSender(watch::Sender<Health>);

impl HealthSender {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Health::default()))
    }

    pub(crate) fn handle(&self) -> HealthHandle {
        HealthHandle(self.0.subscribe())
    }

    pub(crate) fn connected(&self) {
        self.0.send_modify(|health| {
            health.connected = true;
            health.blocked = None;
            health.connections += 1;
        });
    }

    pub(crate) fn blocked(&self, reason: Option<String>) {
        self.0.send_if_modified(|health| {
            let moved = health.blocked != reason;
            health.blocked = reason;
            moved
        });
    }

    pub(crate) fn disconnected(&self, error: Option<String>) {
        self.0.send_modify(|health| {
            health.connected = false;
            health.blocked = None;
            if error.is_some() {
                health.last_error = error;
            }
        });
    }
}
