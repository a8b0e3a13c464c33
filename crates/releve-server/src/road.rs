//! By which road do made-up reports reach the aggregator? Through RabbitMQ and its confirms where there is one,
//! consumed in this process until nothing is left; else straight in. Behind both is the same `take`.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use releve_aggregator::{Aggregator, Fate, Message, Runner, Source};
use releve_broker::{BrokerConfig, Consumer, ConsumerConfig, Ended, Outgoing, Publisher, PublisherConfig, Topology};
use releve_sim::SimReport;
use tokio::{
    sync::{Notify, Semaphore},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{clock::SetClock, settings::Settings};

/// Messages on their way to the broker or from it, at most: what a replay holds in memory.
const UNDER_WAY_LEN_MAX: u32 = 20_000;
/// How often one message is sent before the replay gives up; each time waits out the broker for half a minute.
const SENDS_MAX: usize = 20;

/// What became of what was sent. A message that the broker delivers twice is counted once, by its first fate.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub sent: u64,
    pub fates: BTreeMap<&'static str, u64>,
    /// Of the quarantined, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// The first refusal, if any: a replay makes none.
    pub refused: Option<String>,
}

impl Tally {
    pub fn of(&self, fate: &str) -> u64 {
        self.fates.get(fate).copied().unwrap_or(0)
    }

    fn note(&mut self, fate: &Fate) {
        *self.fates.entry(fate.name()).or_default() += 1;
        match fate {
            Fate::Quarantined { reason, .. } => *self.reasons.entry(reason.as_str().to_owned()).or_default() += 1,
            Fate::Refused(reject) => {
                let told = || format!("{}: {}: {}", reject.code.as_str(), reject.field, reject.detail);
                self.refused.get_or_insert_with(told);
            }
            Fate::Counted | Fate::Duplicate | Fate::LateKnown => {}
        }
    }
}

/// An open road.
#[derive(Debug)]
pub enum Road {
    Direct { aggregator: Arc<Aggregator>, clock: SetClock, tally: Tally },
    Broker(BrokerRoad),
}

impl Road {
    pub fn open(settings: &Settings, aggregator: Arc<Aggregator>, clock: SetClock) -> anyhow::Result<Self> {
        match &settings.amqp_url {
            None => Ok(Self::Direct { aggregator, clock, tally: Tally::default() }),
            Some(url) => Ok(Self::Broker(BrokerRoad::open(settings, url, aggregator, clock)?)),
        }
    }

    /// Sends a batch. Returns once it is counted (straight in) or on its way (through the broker).
    pub async fn send(&mut self, batch: Vec<SimReport>) -> anyhow::Result<()> {
        let latest = batch.iter().map(|r| r.covered.end).max();
        match self {
            Self::Direct { aggregator, clock, tally } => {
                latest.into_iter().for_each(|at| clock.forward(at));
                tally.sent += u64::try_from(batch.len())?;
                let message = |r: SimReport| Message { body: r.message.bytes, source: Source::Http };
                let fates = aggregator.take(batch.into_iter().map(message).collect(), clock.now()).await?;
                fates.iter().for_each(|fate| tally.note(fate));
                Ok(())
            }
            Self::Broker(road) => {
                latest.into_iter().for_each(|at| road.clock.forward(at));
                road.send(batch).await
            }
        }
    }

    /// Waits until everything that was sent has its fate.
    pub async fn end(self) -> anyhow::Result<Tally> {
        let tally = match self {
            Self::Direct { tally, .. } => tally,
            Self::Broker(road) => road.end().await?,
        };
        match &tally.refused {
            Some(why) => anyhow::bail!("a made-up report was refused: {why}"),
            None => Ok(tally),
        }
    }
}

/// What is under way, and what has come back. Shared with the consumer.
#[derive(Debug, Default)]
struct Ledger {
    under_way: HashSet<String>,
    tally: Tally,
}

#[derive(Debug)]
pub struct BrokerRoad {
    publisher: Publisher,
    clock: SetClock,
    ledger: Arc<Mutex<Ledger>>,
    arrived: Arc<Notify>,
    room: Arc<Semaphore>,
    sending: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    consuming: JoinHandle<Ended>,
}

impl BrokerRoad {
    fn open(settings: &Settings, url: &str, aggregator: Arc<Aggregator>, clock: SetClock) -> anyhow::Result<Self> {
        let broker = |name| BrokerConfig::new(url, name).context("AMQP_URL");
        let mut publishing = PublisherConfig::new(broker("releve replay, publishing")?, &settings.prefix);
        publishing.message_bytes_max = settings.message_bytes_max;
        let topology = Topology::new(&settings.prefix, settings.shards);
        let mut consumption = ConsumerConfig::new(broker("releve replay, consuming")?, topology);
        consumption.message_bytes_max = settings.message_bytes_max;
        let consumer = Consumer::new(consumption)?;
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (arrived, room) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(usize::try_from(UNDER_WAY_LEN_MAX)?)));
        let observer = {
            let (ledger, arrived, room) = (ledger.clone(), arrived.clone(), room.clone());
            move |ids: &[Option<String>], fates: &[Fate]| {
                let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                for (id, fate) in ids.iter().zip(fates) {
                    if id.as_ref().is_some_and(|id| ledger.under_way.remove(id)) {
                        ledger.tally.note(fate);
                        room.add_permits(1);
                    }
                }
                arrived.notify_one();
            }
        };
        let runner = Runner::new(aggregator, clock.shared()).watched_by(Arc::new(observer));
        let stop = CancellationToken::new();
        let cancel = stop.clone();
        let consuming = tokio::spawn(async move { runner.run(consumer, cancel).await });
        let publisher = Publisher::connect(publishing)?;
        Ok(Self { publisher, clock, ledger, arrived, room, sending: JoinSet::new(), stop, consuming })
    }

    async fn send(&mut self, batch: Vec<SimReport>) -> anyhow::Result<()> {
        for report in batch {
            tokio::select! {
                room = self.room.acquire() => room?.forget(),
                ended = &mut self.consuming => anyhow::bail!("consuming ended early: {:?}", ended?),
            }
            while let Some(sent) = self.sending.try_join_next() {
                sent??;
            }
            {
                let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
                ledger.tally.sent += 1;
                ledger.under_way.insert(report.message.id.clone());
            }
            let publisher = self.publisher.clone();
            let outgoing =
                Outgoing { shard_key: report.node, message_id: report.message.id, body: report.message.bytes };
            self.sending.spawn(publish(publisher, outgoing));
        }
        Ok(())
    }

    async fn end(mut self) -> anyhow::Result<Tally> {
        while let Some(sent) = self.sending.join_next().await {
            sent??;
        }
        self.publisher.close().await;
        while !self.ledger.lock().unwrap_or_else(PoisonError::into_inner).under_way.is_empty() {
            tokio::select! {
                () = self.arrived.notified() => {}
                ended = &mut self.consuming => anyhow::bail!("consuming ended early: {:?}", ended?),
            }
        }
        self.stop.cancel();
        self.consuming.await?;
        Ok(std::mem::take(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner).tally))
    }
}

/// Sends until confirmed. Sending again is safe: the count knows a report by what it says.
async fn publish(publisher: Publisher, outgoing: Outgoing) -> anyhow::Result<()> {
    let mut error = None;
    for _ in 0..SENDS_MAX {
        match publisher.publish(outgoing.clone()).await {
            Ok(()) => return Ok(()),
            Err(failed) => {
                tracing::warn!(error = %failed, id = outgoing.message_id, "not confirmed: sending again");
                error = Some(failed);
            }
        }
    }
    Err(anyhow::Error::from(error.context("a message is sent at least once")?).context("the broker does not confirm"))
}
