//! How do the operator's own systems hear what happens? Over a topic exchange, each event under its topic, with a confirm.
//!
//! There is no queue of ours on it: whoever listens binds their own. What no queue is bound for is dropped by the broker, and said so.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    config::BrokerConfig,
    error::{ConfigError, PublishError},
    publisher::{Parcel, Publisher, PublisherConfig},
    topology::{Exchange, check_prefix, events_exchange},
};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The routing key.
    pub topic: String,
    /// The same on every try.
    pub id: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// What became of an event that the broker has confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It lies in each queue that is bound for it.
    Queued,
    /// No queue is bound for it.
    ByNobody,
}

/// Publishes events. Connects when the first one comes. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<(PublisherConfig, OnceLock<Publisher>)>);

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("exchange", &self.exchange()).finish_non_exhaustive()
    }
}

impl Events {
    /// A try is given up after `confirm_wait_max`; the event may have arrived all the same.
    pub fn new(broker: BrokerConfig, prefix: &str, confirm_wait_max: Duration) -> Result<Self, ConfigError> {
        check_prefix(prefix)?;
        let config = PublisherConfig { confirm_wait_max, ..PublisherConfig::new(broker, prefix) };
        Ok(Self(Arc::new((config, OnceLock::new()))))
    }

    pub fn exchange(&self) -> String {
        events_exchange(&self.0.0.prefix)
    }

    /// Needs a tokio runtime around it.
    pub async fn publish(&self, event: Event) -> Result<Heard, PublishError> {
        let Event { topic, id, body } = event;
        let parcel = Parcel { routing_key: topic, message_id: id, content_type: "application/json", body };
        match self.publisher()?.send(parcel).await {
            Ok(()) => Ok(Heard::Queued),
            Err(PublishError::Unroutable { .. }) => Ok(Heard::ByNobody),
            Err(error) => Err(error),
        }
    }

    fn publisher(&self) -> Result<&Publisher, PublishError> {
        let (config, publisher) = &*self.0;
        if let Some(publisher) = publisher.get() {
            return Ok(publisher);
        }
        let made =
            Publisher::to(Exchange::Events(self.exchange()), config.clone()).map_err(|_| PublishError::Closed)?;
        // Of two that come at once, one is kept; the other says goodbye as it is dropped.
        Ok(publisher.get_or_init(|| made))
    }
}
