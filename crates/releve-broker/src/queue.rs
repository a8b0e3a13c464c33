//! Which messages wait for a connection that takes them? First come, first sent; who gives up leaves at once.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};

use crate::{error::PublishError, publisher::Parcel};

/// A message, whoever waits for its outcome, and its place in the window.
#[derive(Debug)]
pub(crate) struct Item {
    pub parcel: Parcel,
    pub reply: oneshot::Sender<Result<(), PublishError>>,
    pub place: OwnedSemaphorePermit,
}

/// As long as the window at most, since each item has a place in it. One reader.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, item: Item) -> Result<(), PublishError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(PublishError::Closed);
        }
        waiting.items.push_back(item);
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// May be dropped while it waits.
    pub(crate) async fn next(&self) -> Item {
        loop {
            let next = self.lock().items.pop_front();
            match next {
                Some(item) => return item,
                None => self.filled.notified().await,
            }
        }
    }

    /// Lets go of what nobody waits for any more, and of its places.
    pub(crate) fn discard_abandoned(&self) {
        self.lock().items.retain(|item| !item.reply.is_closed());
    }

    /// Whoever waits is told so, whoever comes is refused.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.items.clear();
    }
}

/// Held by a caller that waits: however it gives up, its message leaves the queue.
pub(crate) struct WaitingCall<'a>(Option<&'a Queue>);

impl<'a> WaitingCall<'a> {
    pub(crate) fn new(queue: &'a Queue) -> Self {
        Self(Some(queue))
    }

    pub(crate) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for WaitingCall<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.discard_abandoned();
        }
    }
}
