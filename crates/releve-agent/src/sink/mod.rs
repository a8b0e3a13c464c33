//! Where do reports go, and what became of each?

mod amqp;
mod http;

use std::time::Duration;

use releve_types::NodeId;

pub use amqp::AmqpSink;
pub use http::HttpSink;

use crate::{
    config::{ConfigError, Publish},
    spool::Record,
};

/// How long one report may be on its way before it is sent again.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// Reports on their way at once.
pub const SENDING_LEN_MAX: usize = 64;

/// What became of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Somebody else has it on disk.
    Delivered,
    /// It was read and refused: sending it again gives the same answer.
    Refused(String),
    /// Not known, or not now: send it again.
    Later(String),
}

/// One of two ways to the aggregator.
#[derive(Debug)]
pub enum Sink {
    Amqp(AmqpSink),
    Http(HttpSink),
}

impl Sink {
    /// Connects in the background: a receiver that is down is an everyday state. Needs a tokio runtime around it.
    pub fn new(publish: &Publish, message_bytes_max: usize) -> Result<Self, ConfigError> {
        match publish {
            Publish::Amqp(config) => AmqpSink::new(config, message_bytes_max).map(Self::Amqp),
            Publish::Http(config) => HttpSink::new(config).map(Self::Http),
        }
    }

    /// Sends reports in order. There are as many outcomes, or fewer: what comes after a `Later` may not have been tried.
    pub async fn deliver(&self, node: NodeId, records: &[Record]) -> Vec<Outcome> {
        match self {
            Self::Amqp(sink) => sink.deliver(node, records).await,
            Self::Http(sink) => sink.deliver(records).await,
        }
    }

    /// Can the receiver be reached? For `doctor`.
    pub async fn reach(&self) -> Result<String, String> {
        match self {
            Self::Amqp(sink) => sink.reach().await,
            Self::Http(sink) => sink.reach().await,
        }
    }

    pub async fn close(&self) {
        if let Self::Amqp(sink) = self {
            sink.close().await;
        }
    }
}

/// A future whose first step is taken before the failpoint: the report is on its way, and nobody has confirmed it.
async fn on_its_way<T>(sending: impl Future<Output = T>) -> T {
    let mut sending = std::pin::pin!(sending);
    let first = std::future::poll_fn(|context| std::task::Poll::Ready(sending.as_mut().poll(context))).await;
    crate::failpoint::hit("agent.publish.before_confirm");
    match first {
        std::task::Poll::Ready(outcome) => outcome,
        std::task::Poll::Pending => sending.await,
    }
}
