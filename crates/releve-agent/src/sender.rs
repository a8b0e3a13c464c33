//! How does a report leave the disk? Oldest first, in its turn, and only after somebody has confirmed it.

use std::sync::{Arc, Mutex};

use releve_types::NodeId;

use crate::{
    clock::Moment,
    failpoint,
    meter::spread_delay_ms,
    observer::{AgentError, locked},
    settings::Settings,
    sink::{Outcome, SENDING_LEN_MAX, Sink},
    spool::{Record, Spool},
};

/// After a failure, the first wait; each further one doubles it.
const BACKOFF_MS_MIN: u64 = 1_000;
const BACKOFF_MS_MAX: u64 = 60_000;

/// The half of an agent that sends.
#[derive(Debug)]
pub struct Sender {
    node: NodeId,
    spool: Arc<Mutex<Spool>>,
    sink: Sink,
    backoff_ms: u64,
    /// No two nodes come back in the same instant.
    jitter_ms: u64,
    resume_ms: u64,
}

/// What one round of sending did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sent {
    pub delivered: usize,
    pub refused: usize,
    /// Some could not be delivered now; they are tried again.
    pub failed: bool,
}

impl Sender {
    pub(crate) fn new(settings: &Settings, spool: Arc<Mutex<Spool>>, sink: Sink) -> Self {
        let jitter_ms = spread_delay_ms(settings.node, BACKOFF_MS_MIN);
        Self { node: settings.node, spool, sink, backoff_ms: BACKOFF_MS_MIN, jitter_ms, resume_ms: 0 }
    }

    /// Sends what is due. What failed waits longer each time.
    pub async fn send_due(&mut self, now: Moment) -> Result<Sent, AgentError> {
        if now.mono_ms < self.resume_ms {
            return Ok(Sent { failed: true, ..Sent::default() });
        }
        let sent = self.send(now.mono_ms).await?;
        if sent.failed {
            self.resume_ms = now.mono_ms + self.backoff_ms + self.jitter_ms;
            self.backoff_ms = (self.backoff_ms * 2).min(BACKOFF_MS_MAX);
        } else if sent.delivered + sent.refused > 0 {
            self.backoff_ms = BACKOFF_MS_MIN;
        }
        Ok(sent)
    }

    /// Sends all that waits, due or not, until something fails.
    pub async fn send_all(&mut self) -> Result<Sent, AgentError> {
        self.send(u64::MAX).await
    }

    async fn send(&mut self, due_ms: u64) -> Result<Sent, AgentError> {
        let mut sent = Sent::default();
        while !sent.failed {
            let records = locked(&self.spool).oldest(SENDING_LEN_MAX, due_ms)?;
            if records.is_empty() {
                break;
            }
            let outcomes = self.sink.deliver(self.node, &records).await;
            self.settle(&records, outcomes, &mut sent)?;
        }
        Ok(sent)
    }

    /// Lets go of the oldest that are settled. Behind the first that is not, even a delivered report stays and is
    /// sent again, which does no harm: the receiver knows it.
    fn settle(&self, records: &[Record], outcomes: Vec<Outcome>, sent: &mut Sent) -> Result<(), AgentError> {
        if outcomes.contains(&Outcome::Delivered) {
            failpoint::hit("agent.publish.after_confirm");
        }
        let mut spool = locked(&self.spool);
        sent.failed |= outcomes.len() < records.len();
        let mut confirmed = 0;
        for (record, outcome) in records.iter().zip(outcomes) {
            match outcome {
                Outcome::Delivered => confirmed += 1,
                Outcome::Refused(answer) => {
                    spool.delivered(std::mem::take(&mut confirmed))?;
                    tracing::error!(seq = record.seq, id = record.id, answer, "refused: kept for a person");
                    spool.refused(record, &answer)?;
                    sent.refused += 1;
                    continue;
                }
                Outcome::Later(why) => {
                    tracing::warn!(waiting = spool.len(), why, "not delivered, and tried again later");
                    sent.failed = true;
                    break;
                }
            }
            sent.delivered += 1;
        }
        Ok(spool.delivered(confirmed)?)
    }

    /// How many reports wait.
    pub fn waiting(&self) -> usize {
        locked(&self.spool).len()
    }

    pub async fn close(&self) {
        self.sink.close().await;
    }
}
