//! How do single reports share a transaction? While one batch commits, those that arrive wait together, and whoever's
//! turn is next takes them all.
//!
//! No timer and no task of its own: alone, a report waits for nothing; a fleet that speaks in one second costs a few
//! commits, not thousands.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use releve_aggregator::{Aggregator, Fate, Message};
use releve_types::Timestamp;
use tokio::sync::{Mutex as Turn, oneshot};

use crate::error::{Code, Problem, RETRY_SECONDS};

/// Bytes of reports that may wait for their turn; beyond it, senders are told to come back.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

type Told = Result<Fate, Problem>;

#[derive(Debug, Default)]
pub struct Gathering {
    waiting: Mutex<Waiting>,
    turn: Turn<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<(Message, oneshot::Sender<Told>)>,
    bytes: usize,
}

impl Gathering {
    /// Takes one report, with whatever else waits. Call it in a task that nobody cancels: it may be taking others'.
    pub async fn take(&self, aggregator: &Aggregator, message: Message, now: Timestamp) -> Told {
        let mut told = self.wait(message)?;
        let _turn = self.turn.lock().await;
        loop {
            if let Ok(answer) = told.try_recv() {
                return answer;
            }
            let (messages, senders) = self.next_batch(aggregator);
            if messages.is_empty() {
                // Whoever took it went down with a panic: it was not told, and can be sent again.
                return Err(Problem::new(Code::Internal, "the server's log has the cause"));
            }
            match aggregator.take(messages, now).await {
                Ok(fates) => tell(senders, fates.into_iter().map(Ok)),
                Err(error) => {
                    let problem = Problem::from(error);
                    tell(senders, std::iter::repeat_with(|| Err(problem.clone())));
                }
            }
        }
    }

    fn wait(&self, message: Message) -> Result<oneshot::Receiver<Told>, Problem> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes + message.body.len() > WAITING_BYTES_MAX {
            let problem = Problem::new(Code::Unavailable, "more reports wait than can be held: come back");
            return Err(Problem { retry_after_s: Some(RETRY_SECONDS), ..problem });
        }
        waiting.bytes += message.body.len();
        waiting.messages.push_back((message, sender));
        Ok(receiver)
    }

    fn next_batch(&self, aggregator: &Aggregator) -> (Vec<Message>, Vec<oneshot::Sender<Told>>) {
        let settings = aggregator.settings();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut messages, mut senders, mut bytes) = (Vec::new(), Vec::new(), 0);
        while messages.len() < settings.batch_len_max {
            let Some((message, _)) = waiting.messages.front() else { break };
            if bytes > 0 && bytes + message.body.len() > settings.batch_bytes_max {
                break;
            }
            let Some((message, sender)) = waiting.messages.pop_front() else { break };
            bytes += message.body.len();
            waiting.bytes -= message.body.len();
            messages.push(message);
            senders.push(sender);
        }
        (messages, senders)
    }
}

/// Whose caller went away is told all the same; nobody listens.
fn tell(senders: Vec<oneshot::Sender<Told>>, answers: impl Iterator<Item = Told>) {
    for (sender, answer) in senders.into_iter().zip(answers) {
        if sender.send(answer).is_err() {
            tracing::debug!("a report was counted that nobody waits for any more");
        }
    }
}
