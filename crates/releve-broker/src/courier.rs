//! Which of the messages under way on one channel is confirmed, which refused, which returned?
//!
//! A message that no queue takes comes back *and* is confirmed. The broker sends the return first, but it carries no
//! number, and lapin hands it to whichever confirm it resolves next: with more than one message under way that is often
//! another's, and the message that was lost looks kept. So each message carries a number of our own, which the return
//! brings back, and all confirms are read here, by one reader, in the order in which lapin resolved them: by the time a
//! message's own confirm is read, its return has been read with an earlier one, or with its own.

use std::{
    collections::{BTreeMap, HashMap},
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
    publisher::Outgoing,
    queue::Item,
    topology::routing_key,
};

#[derive(Debug)]
struct Underway {
    reply: oneshot::Sender<Result<(), PublishError>>,
    since: Instant,
    _place: OwnedSemaphorePermit,
}

type Answer = (u64, lapin::Result<Confirmation>);

/// One channel's messages under way.
pub(crate) struct Courier {
    channel: Channel,
    exchange: String,
    last_number: u64,
    underway: BTreeMap<u64, Underway>,
    /// Yields in the order in which its futures were woken, which is what the order of confirms rests on.
    answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Returns whose own confirms are still to come.
    returned: HashMap<u64, PublishError>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("underway", &self.underway.len()).finish_non_exhaustive()
    }
}

impl Courier {
    pub(crate) async fn open(link: &Link, exchange: &str) -> Result<Self, LinkError> {
        let channel = link.channel().await?;
        link.answer("asking for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self {
            channel,
            exchange: exchange.to_owned(),
            last_number: 0,
            underway: BTreeMap::new(),
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
        self.underway.insert(number, Underway { reply: item.reply, since: Instant::now(), _place: item.place });
        let (channel, exchange) = (self.channel.clone(), self.exchange.clone());
        self.answers.push(Box::pin(async move { (number, send(&channel, &exchange, number, item.outgoing).await) }));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.answers.is_empty()
    }

    /// Waits for answers and passes them on. May be dropped while it waits.
    pub(crate) async fn settle(&mut self) {
        let Some(first) = self.answers.next().await else { return };
        let mut answers = vec![first];
        while let Some(Some(next)) = self.answers.next().now_or_never() {
            answers.push(next);
        }
        let mut outcomes = Vec::with_capacity(answers.len());
        for (number, answer) in answers {
            outcomes.push((number, self.outcome(answer)));
        }
        for (number, outcome) in outcomes {
            let outcome = match self.returned.remove(&number) {
                Some(returned) => Err(returned),
                None => outcome,
            };
            if let Some(underway) = self.underway.remove(&number)
                && underway.reply.send(outcome).is_err()
            {
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

async fn send(channel: &Channel, exchange: &str, number: u64, outgoing: Outgoing) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/cloudevents+json".into())
        .with_message_id(outgoing.message_id.into())
        .with_correlation_id(number.to_string().into());
    let key = routing_key(outgoing.shard_key);
    let sending = channel.basic_publish(exchange.into(), key.into(), options, &outgoing.body, properties);
    let confirm = sending.await?;
    drop(outgoing.body);
    confirm.await
}

fn number_of(returned: &BasicReturnMessage) -> Option<u64> {
    returned.properties.correlation_id().as_ref()?.as_str().parse().ok()
}

fn unroutable(returned: &BasicReturnMessage) -> PublishError {
    PublishError::Unroutable { code: returned.reply_code, text: returned.reply_text.to_string() }
}
