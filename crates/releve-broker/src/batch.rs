//! When is a batch full? At so many deliveries, so many bytes, or so long after its first delivery.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use crate::error::LinkError;

/// A message as the handler gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub body: Vec<u8>,
    pub message_id: Option<String>,
    /// The broker has delivered it before, to us or to somebody else.
    pub redelivered: bool,
    /// It was given up on as often as the delivery limit allows, and comes from the dead letters' queue.
    pub dead_letter: bool,
}

/// The three measures of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    pub len_max: usize,
    pub bytes_max: usize,
    pub wait_max: Duration,
}

/// Deliveries in the order of their queue, and the tag that acknowledges them all.
#[derive(Debug)]
pub(crate) struct Batch {
    pub deliveries: Vec<Delivery>,
    /// Of their bodies.
    pub bytes: usize,
    pub last_tag: u64,
}

/// Cuts one queue's deliveries into batches.
#[derive(Debug)]
pub(crate) struct Batches {
    deliveries: lapin::Consumer,
    /// The one that did not fit into the last batch.
    left_over: Option<lapin::message::Delivery>,
    dead_letters: bool,
    limits: BatchLimits,
}

impl Batches {
    pub(crate) fn new(deliveries: lapin::Consumer, dead_letters: bool, limits: BatchLimits) -> Self {
        Self { deliveries, left_over: None, dead_letters, limits }
    }

    /// Never empty. A delivery over `bytes_max` makes a batch of its own. Dropped while it waits for a batch's first
    /// delivery it loses nothing; later, its deliveries stay unacknowledged.
    pub(crate) async fn next(&mut self) -> Result<Batch, LinkError> {
        let first = match self.left_over.take() {
            Some(delivery) => delivery,
            None => self.receive().await?,
        };
        let deadline = Instant::now() + self.limits.wait_max;
        let (mut bytes, mut last_tag) = (first.data.len(), first.delivery_tag);
        let mut deliveries = vec![self.take(first)];
        while deliveries.len() < self.limits.len_max {
            let Ok(next) = timeout_at(deadline, self.receive()).await else { break };
            let next = next?;
            let with_it = bytes.saturating_add(next.data.len());
            if with_it > self.limits.bytes_max {
                self.left_over = Some(next);
                break;
            }
            bytes = with_it;
            last_tag = next.delivery_tag;
            deliveries.push(self.take(next));
        }
        Ok(Batch { deliveries, bytes, last_tag })
    }

    async fn receive(&mut self) -> Result<lapin::message::Delivery, LinkError> {
        match self.deliveries.next().await {
            Some(Ok(delivery)) => Ok(delivery),
            Some(Err(source)) => {
                Err(LinkError::Operation { doing: format!("consuming '{}'", self.deliveries.queue()), source })
            }
            None => Err(LinkError::Ended(self.deliveries.queue().to_string())),
        }
    }

    fn take(&self, delivery: lapin::message::Delivery) -> Delivery {
        Delivery {
            message_id: delivery.properties.message_id().as_ref().map(ToString::to_string),
            redelivered: delivery.redelivered,
            dead_letter: self.dead_letters,
            body: delivery.data,
        }
    }
}
