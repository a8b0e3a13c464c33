//! Which of the messages under way on one channel is confirmed, which refused, which returned?
//!
//! A message that no queue takes comes back *and* is confirmed. The broker sends the return first, but it carries no
//! number, and lapin gives each confirm that it resolves the oldest return at hand: with more than one message under way
//! that is often another's, and the message that was lost looks kept. So each message carries a number of our own, which
//! the return brings back, and no confirm is believed before its message's return would have been read. That is when:
//!
//! 1. Returns come in the order of publishing, each before its message's confirm. So of the returns up to number n never
//!    more are waiting in lapin than there are unresolved confirms up to n, and once all of those are resolved, the return
//!    of n has gone to some confirm. (lapin resolves a multiple ack in no order, so n's own confirm says nothing yet.)
//! 2. The confirm that took it was already under way then. So once all confirms up to the last number sent by then
//!    have been read too, so has the return of n.
//!
//! With one message under way both hold at once; with a full window a sender waits for up to two windows.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    pin::Pin,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, timeout},
};

use crate::{
    error::{LinkError, PublishError},
    limits::CLOSE_WAIT_MAX,
    link::Link,
    publisher::Parcel,
    queue::Item,
    topology::Exchange,
};

#[derive(Debug)]
struct Underway {
    reply: oneshot::Sender<Result<(), PublishError>>,
    /// What its own confirm says, once read.
    answer: Option<Result<(), PublishError>>,
    since: Instant,
    _place: OwnedSemaphorePermit,
}

type Answer = (u64, lapin::Result<Confirmation>);

/// All confirms up to a number have been read.
#[derive(Debug, Clone, Copy)]
struct Settled {
    number: u64,
    /// The last number sent by then: once all confirms up to it have been read, the answers up to `number` are believed.
    believed_at: u64,
}

/// One channel's messages under way.
pub(crate) struct Courier {
    channel: Channel,
    exchange: Exchange,
    last_number: u64,
    /// By number, which is the order of publishing: `answers` polls what is pushed in the order of pushing, and lapin
    /// counts and queues a message in the first poll.
    underway: BTreeMap<u64, Underway>,
    /// All confirms up to it have been read.
    read_to: u64,
    /// Ascending, and not yet believed.
    settled: VecDeque<Settled>,
    answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Returns whose messages are not yet answered for.
    returned: HashMap<u64, PublishError>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("underway", &self.underway.len()).finish_non_exhaustive()
    }
}

impl Courier {
    pub(crate) async fn open(link: &Link, exchange: &Exchange) -> Result<Self, LinkError> {
        let channel = link.channel().await?;
        exchange.ensure(&channel).await?;
        link.answer("asking for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self {
            channel,
            exchange: exchange.clone(),
            last_number: 0,
            underway: BTreeMap::new(),
            read_to: 0,
            settled: VecDeque::new(),
            answers: FuturesUnordered::new(),
            returned: HashMap::new(),
        })
    }

    /// Sends it, unless nobody waits for it any more.
    pub(crate) fn take(&mut self, item: Item) {
        if item.reply.is_closed() {
            return;
        }
        self.last_number += 1;
        let number = self.last_number;
        self.underway
            .insert(number, Underway { reply: item.reply, answer: None, since: Instant::now(), _place: item.place });
        let (channel, exchange) = (self.channel.clone(), self.exchange.name().to_owned());
        self.answers.push(Box::pin(async move { (number, send(&channel, &exchange, number, item.parcel).await) }));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.answers.is_empty()
    }

    /// Waits for answers and passes on what can be believed. May be dropped while it waits.
    pub(crate) async fn settle(&mut self) {
        let Some(first) = self.answers.next().await else { return };
        self.read(first);
        while let Some(Some(next)) = self.answers.next().now_or_never() {
            self.read(next);
        }
        let unread = self.underway.range(self.read_to + 1..).find(|(_, underway)| underway.answer.is_none());
        let number = unread.map_or(self.last_number, |(oldest_unread, _)| oldest_unread - 1);
        if self.read_to < number {
            self.read_to = number;
            self.settled.push_back(Settled { number, believed_at: self.last_number });
        }
        while let Some(settled) = self.settled.pop_front_if(|settled| settled.believed_at <= number) {
            self.believe(settled.number);
        }
    }

    fn read(&mut self, (number, answer): Answer) {
        let outcome = self.outcome(answer);
        if let Some(underway) = self.underway.get_mut(&number) {
            underway.answer = Some(outcome);
        }
    }

    /// Tells the senders up to this number what became of their messages.
    fn believe(&mut self, number: u64) {
        let later = self.underway.split_off(&(number + 1));
        for (number, underway) in std::mem::replace(&mut self.underway, later) {
            let outcome = match self.returned.remove(&number) {
                Some(returned) => Err(returned),
                None => underway.answer.unwrap_or(Err(PublishError::Closed)),
            };
            if underway.reply.send(outcome).is_err() {
                tracing::debug!(number, "confirmed after its sender had given up");
            }
        }
    }

    /// What an answer says of its own message. A return in it may be another's, and is noted for that one.
    fn outcome(&mut self, answer: lapin::Result<Confirmation>) -> Result<(), PublishError> {
        let (outcome, returned) = match answer.map_err(PublishError::Lost)? {
            Confirmation::Ack(returned) => (Ok(()), returned),
            Confirmation::Nack(returned) => (Err(PublishError::Refused), returned),
            Confirmation::NotRequested => (Err(PublishError::Refused), None),
        };
        if let Some(returned) = returned {
            match number_of(&returned) {
                Some(number) => self.returned.insert(number, unroutable(&returned)),
                // Not a number of ours, so we can't tell whose it is: believe nothing of what comes with it.
                None => return Err(unroutable(&returned)),
            };
        }
        outcome
    }

    /// While the broker is blocked nothing can be confirmed, and that is nobody's fault.
    pub(crate) fn restart_clocks(&mut self) {
        let now = Instant::now();
        for underway in self.underway.values_mut() {
            underway.since = now;
        }
    }

    /// Whether the oldest message has waited longer than a confirm may take.
    pub(crate) fn is_overdue(&self, confirm_wait_max: Duration) -> bool {
        self.underway.values().next().is_some_and(|oldest| oldest.since.elapsed() > confirm_wait_max)
    }

    /// After the connection has ended: whoever still waits gets its error.
    pub(crate) async fn end(mut self) {
        let settling = async {
            while !self.is_idle() {
                self.settle().await;
            }
        };
        if timeout(CLOSE_WAIT_MAX, settling).await.is_err() {
            tracing::error!(underway = self.underway.len(), "an ended connection keeps its senders waiting");
        }
    }
}

async fn send(channel: &Channel, exchange: &str, number: u64, parcel: Parcel) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type(parcel.content_type.into())
        .with_message_id(parcel.message_id.into())
        .with_correlation_id(number.to_string().into());
    let key = parcel.routing_key.into();
    let sending = channel.basic_publish(exchange.into(), key, options, &parcel.body, properties);
    let confirm = sending.await?;
    drop(parcel.body);
    confirm.await
}

fn number_of(returned: &BasicReturnMessage) -> Option<u64> {
    returned.properties.correlation_id().as_ref()?.as_str().parse().ok()
}

fn unroutable(returned: &BasicReturnMessage) -> PublishError {
    PublishError::Unroutable { code: returned.reply_code, text: returned.reply_text.to_string() }
}
