//! Who is told what happened, and when, by webhook, by mail or over the broker? Events are set against the endpoints that want them, and what is due is sent: at
//! least once, with the same id and the same words on every try, and never before the commit of what it tells.
//!
//! No connection is held while a message travels. A try is written down as taken up before it is made: a process that dies
//! with it leaves a delivery that is due again once it counts as lost.

mod payload;
pub mod schedule;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use releve_broker::{Event, Events, Heard};
use releve_outbound::{
    Mail, MailSender,
    mail::{MAIL_SCHEME, MailError, parse_mailto},
    webhook::{Answer, Message, SendError, TRY_SECONDS_MAX, WebhookSender, parse_url},
};
use releve_store::{
    Db,
    outbox::{self, NewEntry},
    webhooks::{
        self as endpoints, DisabledFor, Endpoint,
        deliveries::{self, After, Claimed, Try},
    },
};
use releve_types::{Timestamp, ids::WebhookEndpointId, time::wall_clock};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use releve_outbound::webhook::{SECRET_BYTES, secret_text};

use crate::{JobError, alerts, payments};

/// What happens that somebody may be told of.
pub const TOPICS: [&str; 17] = [
    alerts::invoices::ISSUED,
    payments::OVERDUE,
    alerts::BUDGET_REACHED,
    alerts::SPEND_ANOMALY,
    alerts::CREDITS_LOW,
    alerts::COMMITMENT_UNDER_USED,
    alerts::PURCHASE_ORDER_LOW,
    alerts::NODE_SILENT,
    alerts::NODE_REPORTING,
    alerts::COVERAGE_LOW,
    alerts::QUARANTINE_GROWING,
    alerts::SUSPENSE_GROWING,
    alerts::INVOICE_PARKED,
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    DISABLED,
    TEST,
];
/// A line of an invoice was questioned, and what came of it.
pub const QUESTION_ASKED: &str = "question.asked";
pub const QUESTION_ANSWERED: &str = "question.answered";
/// An endpoint is told nothing more until a person enables it.
pub const DISABLED: &str = "webhook_endpoint.disabled";
/// What an endpoint is told that a tenant made for itself.
pub const TENANT_TOPICS: [&str; 11] = [
    alerts::invoices::ISSUED,
    payments::OVERDUE,
    alerts::BUDGET_REACHED,
    alerts::SPEND_ANOMALY,
    alerts::CREDITS_LOW,
    alerts::COMMITMENT_UNDER_USED,
    alerts::PURCHASE_ORDER_LOW,
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    DISABLED,
    TEST,
];
/// What of it concerns the account as a whole: told while it has no other tenant.
pub const ACCOUNT_TOPICS: [&str; 5] = [
    alerts::invoices::ISSUED,
    payments::OVERDUE,
    alerts::CREDITS_LOW,
    alerts::COMMITMENT_UNDER_USED,
    alerts::PURCHASE_ORDER_LOW,
];
/// A person asked for it.
pub const TEST: &str = "webhook_endpoint.test";

/// The address of an endpoint that is told over the broker's topic exchange.
pub const BROKER: &str = "amqp:";

/// Events set against endpoints in one transaction.
const SPREAD_EVENTS_MAX: i64 = 1_000;
/// Endpoints that are sent to at the same time.
pub const ENDPOINTS_AT_ONCE_MAX: usize = 32;
/// Messages under way to one endpoint at the same time.
pub const MESSAGES_AT_ONCE_MAX: i64 = 8;
/// When a try that nothing is heard of counts as lost, in ms: long after it has timed out.
pub const LOST_AFTER_MS: i64 = 60_000;
const _: () = assert!(Duration::from_secs(2 * TRY_SECONDS_MAX).as_millis() < 60_000, "no try outlives its claim");
/// The longest rest between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest text that is kept of a failure, in characters.
const FAILURE_CHARS_MAX: usize = 500;

/// How messages leave.
#[derive(Clone, Debug)]
pub struct Sender {
    /// To what operators named.
    pub webhooks: WebhookSender,
    /// To what tenants named: where operators may send to in their own network is none of a tenant's business.
    pub of_tenants: WebhookSender,
    /// None: what is to be mailed waits, with that as its failure.
    pub mail: Option<MailSender>,
    /// None: the same of what is to be published.
    pub events: Option<Events>,
}

/// Whether messages can be sent to an address, as far as it says itself; why not.
pub fn check_url(text: &str) -> Result<(), SendError> {
    if text == BROKER {
        return Ok(());
    }
    if text.starts_with(MAIL_SCHEME) {
        parse_mailto(text)?;
    } else {
        parse_url(text)?;
    }
    Ok(())
}

/// The same for an address that a tenant names: no mail, which would let it write to anybody in the operator's name.
pub fn check_tenant_url(text: &str) -> Result<(), SendError> {
    parse_url(text)?;
    Ok(())
}

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Sends what is due, again and again, until it is cancelled. What is under way then is finished.
pub async fn run(db: Db, sender: Sender, cancel: CancellationToken) {
    let clock: Clock = Arc::new(wall_clock);
    let mut under_way = UnderWay::default();
    while !cancel.is_cancelled() {
        let begun = match under_way.begin(&db, &sender, &clock).await {
            Ok(begun) => begun,
            Err(error) => {
                tracing::error!(%error, "what is due to webhook endpoints could not be read; tried again");
                0
            }
        };
        let rest = if begun > 0 { Duration::ZERO } else { LOOK_EVERY };
        tokio::select! {
            () = cancel.cancelled() => break,
            Some(()) = under_way.ended() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
    while under_way.ended().await.is_some() {}
}

/// Sends what is due once, and waits for what becomes of it; how many tries.
pub async fn round(db: &Db, sender: &Sender, clock: Clock) -> Result<usize, JobError> {
    let mut under_way = UnderWay::default();
    let begun = under_way.begin(db, sender, &clock).await?;
    while under_way.ended().await.is_some() {}
    Ok(begun)
}

/// Endpoints that are being sent to, each by a task of its own: one that hangs keeps none of the others waiting.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<WebhookEndpointId>,
    busy: BTreeSet<WebhookEndpointId>,
}

impl UnderWay {
    async fn begin(&mut self, db: &Db, sender: &Sender, clock: &Clock) -> Result<usize, JobError> {
        let now = clock();
        let free = ENDPOINTS_AT_ONCE_MAX.saturating_sub(self.busy.len());
        let busy: Vec<_> = self.busy.iter().copied().collect();
        let most = (i64::try_from(free).unwrap_or(0), MESSAGES_AT_ONCE_MAX);
        let mut tx = db.begin_app().await?;
        deliveries::spread(&mut tx, &ACCOUNT_TOPICS, now, SPREAD_EVENTS_MAX).await?;
        let claimed = deliveries::claim(&mut tx, &busy, most, now.plus_millis(LOST_AFTER_MS), now).await?;
        tx.commit().await?;
        let begun = claimed.values().map(Vec::len).sum();
        for (endpoint, messages) in claimed {
            self.busy.insert(endpoint);
            let (db, sender, clock) = (db.clone(), sender.clone(), clock.clone());
            self.tasks.spawn(async move {
                let mut tries = JoinSet::new();
                for claimed in messages {
                    tries.spawn(send(db.clone(), sender.clone(), clock.clone(), endpoint, claimed));
                }
                tries.join_all().await;
                endpoint
            });
        }
        Ok(begun)
    }

    /// Waits for one endpoint's messages; none: nothing is under way.
    async fn ended(&mut self) -> Option<()> {
        match self.tasks.join_next().await? {
            Ok(endpoint) => {
                self.busy.remove(&endpoint);
            }
            Err(error) => {
                // Whose task it was is not known: all that still run are only asked for again once their claims are over.
                tracing::error!(%error, "a webhook endpoint's messages came to no end");
                self.busy.clear();
            }
        }
        Some(())
    }
}

/// One try, from the secrets to the log.
async fn send(db: Db, sender: Sender, clock: Clock, endpoint: WebhookEndpointId, claimed: Claimed) {
    let event = claimed.event.id;
    let tried = async {
        let at = clock();
        let mut tx = db.begin_app().await?;
        let secrets = deliveries::secrets(&mut tx, endpoint, at).await?;
        let told = payload::of(&mut tx, &claimed.event).await?;
        tx.commit().await?;
        let id = event.to_string();
        let started = tokio::time::Instant::now();
        let sent = deliver(&sender, &claimed, (&id, at), &told, &secrets).await;
        let took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let mut tx = db.begin_app().await?;
        settle(&mut tx, endpoint, &claimed, sent, (at, took_ms), clock()).await?;
        tx.commit().await?;
        Ok::<(), JobError>(())
    };
    if let Err(error) = tried.await {
        tracing::error!(%endpoint, %event, %error, "what became of a webhook could not be written down; it is sent again");
    }
}

async fn deliver(
    sender: &Sender,
    claimed: &Claimed,
    (id, at): (&str, Timestamp),
    told: &Value,
    secrets: &[Vec<u8>],
) -> Result<Answer, String> {
    let url = claimed.url.as_str();
    let webhooks = if claimed.of_tenant { &sender.of_tenants } else { &sender.webhooks };
    if url == BROKER {
        return publish(sender.events.as_ref(), id, told).await;
    }
    let sent = if url.starts_with(MAIL_SCHEME) {
        let mail = sender.mail.as_ref().ok_or_else(|| MailError::None.to_string())?;
        let (subject, text) = payload::as_text(told);
        mail.send(Mail { url, id, at, subject: &subject, text: &text }).await
    } else {
        webhooks.send(Message { url, id, at, body: &told.to_string(), secrets }).await
    };
    sent.map_err(|error| error.to_string())
}

/// A confirm stands for an answer: what the broker keeps is delivered.
async fn publish(events: Option<&Events>, id: &str, told: &Value) -> Result<Answer, String> {
    let events = events.ok_or_else(|| "no broker is set (AMQP_URL)".to_owned())?;
    let topic = told["type"].as_str().unwrap_or_default().to_owned();
    let event = Event { topic, id: id.to_owned(), body: told.to_string().into_bytes() };
    let heard = events.publish(event).await.map_err(|error| error.to_string())?;
    let body = match heard {
        Heard::Queued => String::new(),
        Heard::ByNobody => format!("no queue is bound to {} for it", events.exchange()),
    };
    Ok(Answer { status: 200, body, retry_after: None })
}

/// What a try means for its delivery and for its endpoint.
async fn settle(
    conn: &mut PgConnection,
    id: WebhookEndpointId,
    claimed: &Claimed,
    sent: Result<Answer, String>,
    (at, took_ms): (Timestamp, i64),
    now: Timestamp,
) -> Result<(), JobError> {
    let (status, answer, failure, asked) = match sent {
        Ok(answer) => {
            let failure = (!(200..300).contains(&answer.status)).then(|| refusal(answer.status));
            (Some(answer.status), answer.body, failure, answer.retry_after)
        }
        Err(failure) => (None, String::new(), Some(failure), None),
    };
    let failure = failure.map(|text| text.chars().take(FAILURE_CHARS_MAX).collect::<String>());
    let asked_ms = asked.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    let of = (id, claimed.event.id);
    let after = match failure {
        None => After::Delivered,
        Some(_) => schedule::next(of, claimed.tries, asked_ms, now).map_or(After::GivenUp, After::Again),
    };
    let outcome = if failure.is_none() { "delivered" } else { "failed" };
    metrics::counter!("releve_webhooks_total", "outcome" => outcome).increment(1);
    let gone = status == Some(410);
    let failed = failure.is_some();
    // First, as whoever removes one does: it locks the endpoint.
    let endpoint = endpoints::lock_endpoint(conn, id).await?;
    deliveries::settle(conn, of, &Try { at, took_ms, status, failure, answer }, after, now).await?;
    // Removed meanwhile, or disabled already: there is nothing more to say of it.
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.disabled.is_none()) else { return Ok(()) };
    if !failed {
        if endpoint.failing_since.is_some() {
            endpoints::update(conn, &Endpoint { failing_since: None, ..endpoint }).await?;
        }
        return Ok(());
    }
    let failing_since = endpoint.failing_since.or(Some(now));
    let too_long = schedule::has_failed_for_too_long(failing_since, now);
    let why = if gone { Some(DisabledFor::Gone) } else { too_long.then_some(DisabledFor::Failing) };
    if let Some(why) = why {
        // A tenant's own is between it and the operator: the address may be a secret.
        let account = endpoint.account.filter(|_| endpoint.tenant.is_none());
        let body = json!({ "webhook_endpoint": id.to_string(), "url": endpoint.url, "reason": why.name() });
        outbox::put(conn, &[NewEntry { topic: DISABLED, account, tenant: endpoint.tenant, body }], now).await?;
        tracing::warn!(endpoint = %id, reason = why.name(), "a webhook endpoint is told nothing more until it is enabled");
    }
    if why.is_some() || endpoint.failing_since.is_none() {
        let disabled = why.map(|why| (now, why));
        endpoints::update(conn, &Endpoint { failing_since, disabled, ..endpoint }).await?;
    }
    Ok(())
}

fn refusal(status: u16) -> String {
    match status {
        300..400 => format!("it answered {status}, and redirects are not followed"),
        _ => format!("it answered {status}"),
    }
}
