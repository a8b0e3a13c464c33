//! Is what happened told at least once, with one id, to whom it concerns, and does a receiver that fails do no harm?

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use releve_jobs::webhooks::{self as jobs, Sender, schedule::FAILING_MS_MAX};
use releve_outbound::{IpNet, MailSender, WebhookSender, guard::system_lookup, webhook::secret_text};
use releve_store::webhooks::{
    self, DisabledFor, Endpoint,
    deliveries::{self, Delivery},
};
use releve_tests::{
    mailbox::Mailbox,
    receiver::{Received, Receiver},
};
use releve_types::{
    AccountId, Timestamp,
    ids::WebhookEndpointId,
    time::{MILLIS_PER_DAY, MILLIS_PER_HOUR},
};

use crate::bench::{Bench, later};

const SECRET: [u8; 32] = [5; 32];

pub fn sender() -> Sender {
    let loopback: IpNet = "127.0.0.0/8".parse().expect("a network");
    let webhooks = WebhookSender::with(&[loopback], system_lookup(), Duration::from_millis(500)).expect("a sender");
    Sender { of_tenants: webhooks.clone(), webhooks, mail: None, events: None }
}

pub async fn endpoint(bench: &Bench, url: &str, account: Option<AccountId>, topics: &[&str]) -> WebhookEndpointId {
    let endpoint = Endpoint {
        id: WebhookEndpointId::fresh(later()),
        account,
        tenant: None,
        url: url.to_owned(),
        description: String::new(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        created_at: later(),
        created_by: "test".to_owned(),
        failing_since: None,
        disabled: None,
    };
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    webhooks::insert(&mut tx, &endpoint).await.expect("made");
    webhooks::rotate(&mut tx, endpoint.id, &SECRET, later(), later()).await.expect("a secret");
    tx.commit().await.expect("commits");
    endpoint.id
}

/// One that the tenant made for itself.
async fn endpoint_of(bench: &Bench, url: &str, tenant: usize) -> WebhookEndpointId {
    let tenant = &bench.world.tenants[tenant];
    let id = endpoint(bench, url, Some(tenant.account), &[]).await;
    let own = format!(
        "update webhook_endpoints set tenant_id = '{}' where endpoint_id = '{}'",
        tenant.tenant.uuid(),
        id.uuid()
    );
    bench.database.sql(&own);
    id
}

async fn round(bench: &Bench, at: Timestamp) -> usize {
    jobs::round(&bench.db, &sender(), Arc::new(move || at)).await.expect("runs")
}

async fn log(bench: &Bench, of: WebhookEndpointId) -> Vec<Delivery> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    deliveries::deliveries(&mut tx, of, None, None, 100).await.expect("read")
}

async fn read(bench: &Bench, of: WebhookEndpointId) -> Endpoint {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    webhooks::endpoint(&mut tx, of).await.expect("read").expect("is there")
}

async fn issued(bench: &Bench) {
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 2])]).await;
    assert_eq!(bench.issue().await.issued_now, 3);
}

fn ids(received: &[Received]) -> BTreeSet<String> {
    received.iter().map(|one| one.header("webhook-id").to_owned()).collect()
}

#[tokio::test]
async fn each_is_told_what_concerns_it_and_only_that() {
    let bench = Bench::new(1, 3, 1).await;
    let (operator, customer, other) = (Receiver::new().await, Receiver::new().await, Receiver::new().await);
    let account = bench.world.tenants[1].account;
    endpoint(&bench, &operator.url, None, &[]).await;
    endpoint(&bench, &customer.url, Some(account), &["invoice.issued"]).await;
    endpoint(&bench, &other.url, None, &["invoice.overdue"]).await;
    issued(&bench).await;
    assert_eq!(round(&bench, later()).await, 4);
    assert_eq!(round(&bench, later()).await, 0, "what is delivered is not sent again");
    let (told, own) = (operator.take(), customer.take());
    assert_eq!((told.len(), own.len(), other.take().len()), (3, 1, 0));
    assert!(ids(&told).is_superset(&ids(&own)), "an event has one id for whoever is told of it");
    let head = bench.invoices().await.into_iter().find(|head| head.account == account).expect("its invoice");
    let json = own[0].json();
    assert_eq!((&json["type"], &json["timestamp"]), (&"invoice.issued".into(), &later().to_string().into()));
    let data = &json["data"];
    assert_eq!(data["invoice"], head.id.to_string());
    assert_eq!(data["number"], head.stamp.expect("issued").number.to_string());
    assert_eq!(data["payable"], serde_json::json!({ "amount": "3.00", "currency": "EUR" }));
    assert!(told.iter().chain(&own).all(|one| one.is_signed_with(&secret_text(&SECRET))));
    assert!(!own[0].is_signed_with(&secret_text(&[6; 32])));
}

#[tokio::test]
async fn a_tenant_is_told_of_itself_and_of_invoices_that_hold_nobody_elses_usage() {
    let bench = Bench::new(1, 3, 1).await;
    let receivers = [Receiver::new().await, Receiver::new().await, Receiver::new().await];
    for (n, receiver) in receivers.iter().enumerate() {
        endpoint_of(&bench, &receiver.url, n).await;
    }
    // The first one's account gets a second tenant: its invoice holds what both used.
    let (first, account) = (bench.world.tenants[0].tenant, bench.world.tenants[0].account.uuid());
    bench.database.sql(&format!(
        "insert into tenants (tenant_id, account_id, name, kind, created_at)
         values (gen_random_uuid(), '{account}', 'sibling', 'customer', now())"
    ));
    issued(&bench).await;
    let of = |tenant: &str, topic: &str| {
        bench.database.sql(&format!(
            "insert into outbox (outbox_id, topic, account_id, tenant_id, body, created_at)
             select gen_random_uuid(), '{topic}', account_id, {tenant}, '{{}}', '{}' from accounts where account_id = '{account}'",
            later()
        ))
    };
    of(&format!("'{}'", first.uuid()), "budget.reached");
    of("(select tenant_id from tenants where name = 'sibling')", "budget.reached");
    of("null", "invoice.overdue");
    of("null", "webhook_endpoint.disabled");
    // What concerns the second one's account as a whole is its own: it is all that the account has.
    let whole = bench.world.tenants[1].account.uuid();
    for topic in ["credits.low", "commitment.under_used", "purchase_order.low"] {
        bench.database.sql(&format!(
            "insert into outbox (outbox_id, topic, account_id, body, created_at)
             values (gen_random_uuid(), '{topic}', '{whole}', '{{}}', '{}')",
            later()
        ));
    }
    round(&bench, later()).await;
    let told: Vec<Vec<String>> = receivers
        .iter()
        .map(|receiver| {
            let topic = |one: &Received| one.json()["type"].as_str().expect("a type").to_owned();
            let mut topics: Vec<String> = receiver.take().iter().map(topic).collect();
            topics.sort();
            topics
        })
        .collect();
    let second = vec!["commitment.under_used", "credits.low", "invoice.issued", "purchase_order.low"];
    assert_eq!(told, [vec!["budget.reached"], second, vec!["invoice.issued"]]);
}

#[tokio::test]
async fn a_tenant_can_not_reach_what_the_operator_opened_for_itself() {
    let bench = Bench::new(1, 3, 1).await;
    let receiver = Receiver::new().await;
    let id = endpoint_of(&bench, &receiver.url, 0).await;
    let operators = endpoint(&bench, &receiver.url, None, &["webhook_endpoint.disabled"]).await;
    let customers =
        endpoint(&bench, &receiver.url, Some(bench.world.tenants[0].account), &["webhook_endpoint.disabled"]).await;
    issued(&bench).await;
    let guarded = Sender { of_tenants: WebhookSender::new(&[]).expect("a sender"), ..sender() };
    jobs::round(&bench.db, &guarded, Arc::new(later)).await.expect("runs");
    let failure = log(&bench, id).await.remove(0).tries.remove(0).failure.expect("refused");
    assert!(failure.contains("127.0.0.1"), "{failure}");
    assert_eq!(receiver.take().len(), 0);
    // What becomes of it is between the tenant and the operator.
    bench.set("update webhook_endpoints set failing_since = failing_since - interval '30 days' where tenant_id is not null").await;
    let due = log(&bench, id).await.remove(0).due_at.expect("another try");
    jobs::round(&bench.db, &guarded, Arc::new(move || due)).await.expect("runs");
    assert!(read(&bench, id).await.disabled.is_some());
    jobs::round(&bench.db, &guarded, Arc::new(move || due)).await.expect("runs");
    assert_eq!((log(&bench, operators).await.len(), log(&bench, customers).await.len()), (1, 0));
}

#[tokio::test]
async fn who_is_added_later_is_told_what_happens_from_then_on() {
    let bench = Bench::new(1, 3, 1).await;
    issued(&bench).await;
    let receiver = Receiver::new().await;
    let late = endpoint(&bench, &receiver.url, None, &[]).await;
    bench.set("update webhook_endpoints set created_at = created_at + interval '1 ms'").await;
    assert_eq!(round(&bench, later()).await, 0);
    assert_eq!(log(&bench, late).await, []);
}

#[tokio::test]
async fn a_receiver_that_fails_six_times_gets_the_same_message_each_time() {
    let bench = Bench::new(1, 3, 1).await;
    let receiver = Receiver::new().await;
    let account = bench.world.tenants[0].account;
    let id = endpoint(&bench, &receiver.url, Some(account), &[]).await;
    issued(&bench).await;
    receiver.will_answer(&[500, 503, 302, 404, 0, 429]);
    let mut at = later();
    for failed in 1..=6 {
        assert_eq!(round(&bench, at).await, 1, "try {failed}");
        let delivery = log(&bench, id).await.remove(0);
        assert_eq!((delivery.state.as_str(), delivery.tries.len()), ("waiting", failed));
        let due = delivery.due_at.expect("another try");
        assert_eq!(round(&bench, due.plus_millis(-1)).await, 0, "not before it is due");
        at = due;
    }
    assert_eq!(read(&bench, id).await.failing_since, Some(later()));
    assert_eq!(round(&bench, at).await, 1);
    let delivery = log(&bench, id).await.remove(0);
    assert_eq!((delivery.state.as_str(), delivery.done_at), ("delivered", Some(at)));
    let told: Vec<_> = delivery.tries.iter().map(|t| (t.status, t.failure.clone().unwrap_or_default())).collect();
    let answered = |status: u16| (Some(status), format!("it answered {status}"));
    assert_eq!(told[..2], [answered(500), answered(503)]);
    assert_eq!(told[2], (Some(302), "it answered 302, and redirects are not followed".to_owned()));
    assert_eq!(told[4].0, None, "it hung");
    assert!(told[4].1.starts_with("no answer in time"), "{}", told[4].1);
    assert_eq!(told[6], (Some(200), String::new()));
    let received = receiver.take();
    assert_eq!((received.len(), ids(&received).len()), (7, 1));
    assert!(received.iter().all(|one| one.body == received[0].body), "the same words on every try");
    assert!(read(&bench, id).await.failing_since.is_none(), "a success forgets the failures");
}

#[tokio::test]
async fn one_that_fails_for_days_is_disabled_told_of_and_sent_the_rest_once_enabled() {
    let bench = Bench::new(1, 3, 1).await;
    let (broken, well) = (Receiver::new().await, Receiver::new().await);
    let id = endpoint(&bench, &broken.url, None, &["invoice.issued"]).await;
    endpoint(&bench, &well.url, None, &["webhook_endpoint.disabled"]).await;
    issued(&bench).await;
    broken.will_answer(&[500; 100]);
    let mut at = later();
    round(&bench, at).await;
    while log(&bench, id).await.iter().any(|delivery| delivery.state == "waiting") {
        at = at.plus_millis(MILLIS_PER_HOUR);
        round(&bench, at).await;
    }
    let given_up = log(&bench, id).await;
    assert_eq!(given_up.len(), 3);
    assert!(given_up.iter().all(|d| d.state == "given_up" && d.tries.len() == 10), "{given_up:?}");
    assert!(at.as_millis() - later().as_millis() > 3 * MILLIS_PER_DAY);
    assert!(read(&bench, id).await.disabled.is_none(), "given up after three days, disabled after five");
    let at = later().plus_millis(FAILING_MS_MAX);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert_eq!(deliveries::resend_since(&mut tx, id, later(), at).await.expect("due again"), 3);
    tx.commit().await.expect("commits");
    round(&bench, at).await;
    assert_eq!(read(&bench, id).await.disabled, Some((at, DisabledFor::Failing)));
    round(&bench, at).await;
    let told = well.take();
    assert_eq!(told.len(), 1, "once, however many of its messages failed");
    assert_eq!(told[0].json()["data"]["reason"], "failing");
    let much_later = at.plus_millis(30 * MILLIS_PER_DAY);
    assert_eq!(round(&bench, much_later).await, 0, "what it is owed waits");
    broken.is_mended();
    broken.take();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let enabled = Endpoint { disabled: None, failing_since: None, ..read(&bench, id).await };
    webhooks::update(&mut tx, &enabled).await.expect("enabled");
    tx.commit().await.expect("commits");
    assert_eq!(round(&bench, much_later).await, 3);
    assert_eq!(ids(&broken.take()).len(), 3);
}

#[tokio::test]
async fn one_that_is_gone_is_asked_no_more() {
    let bench = Bench::new(1, 3, 1).await;
    let receiver = Receiver::new().await;
    let account = bench.world.tenants[0].account;
    let id = endpoint(&bench, &receiver.url, Some(account), &["invoice.issued"]).await;
    issued(&bench).await;
    receiver.will_answer(&[410]);
    assert_eq!(round(&bench, later()).await, 1);
    assert_eq!(read(&bench, id).await.disabled, Some((later(), DisabledFor::Gone)));
    assert_eq!(round(&bench, later().plus_millis(MILLIS_PER_DAY)).await, 0);
}

#[tokio::test]
async fn one_that_resolves_to_this_machine_gets_nothing_unless_the_operator_allows_it() {
    let bench = Bench::new(1, 3, 1).await;
    let receiver = Receiver::new().await;
    let url = receiver.url.replace("127.0.0.1", "localhost");
    let id = endpoint(&bench, &url, Some(bench.world.tenants[0].account), &[]).await;
    issued(&bench).await;
    let guarded = Sender { webhooks: WebhookSender::new(&[]).expect("a sender"), ..sender() };
    jobs::round(&bench.db, &guarded, Arc::new(later)).await.expect("runs");
    let failure = log(&bench, id).await.remove(0).tries.remove(0).failure.expect("refused");
    assert!(failure.contains("localhost has the address") && failure.contains("to which nothing is sent"), "{failure}");
    assert_eq!(receiver.take().len(), 0);
}

#[tokio::test]
async fn a_try_that_nothing_is_heard_of_is_made_again() {
    let bench = Bench::new(1, 3, 1).await;
    let receiver = Receiver::new().await;
    let id = endpoint(&bench, &receiver.url, Some(bench.world.tenants[0].account), &[]).await;
    issued(&bench).await;
    // As by a process that died with the message in its hands.
    let lost_at = later().plus_millis(jobs::LOST_AFTER_MS);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    deliveries::spread(&mut tx, &jobs::ACCOUNT_TOPICS, later(), 100).await.expect("spread");
    let taken = deliveries::claim(&mut tx, &[], (10, 10), lost_at, later()).await.expect("taken up");
    assert_eq!(taken[&id].len(), 1);
    tx.commit().await.expect("commits");
    assert_eq!(round(&bench, later()).await, 0, "nobody else takes it meanwhile");
    assert_eq!(round(&bench, lost_at).await, 1);
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn what_happened_long_ago_is_forgotten_unless_it_is_owed() {
    let bench = Bench::new(1, 3, 1).await;
    let receiver = Receiver::new().await;
    let id = endpoint(&bench, &receiver.url, None, &[]).await;
    issued(&bench).await;
    receiver.will_answer(&[500]);
    round(&bench, later()).await;
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let all = later().plus_millis(1);
    assert_eq!(releve_store::outbox::forget(&mut tx, later(), 100).await.expect("forgot"), 0, "not yet old");
    assert_eq!(releve_store::outbox::forget(&mut tx, all, 100).await.expect("forgot"), 2);
    tx.commit().await.expect("commits");
    let left: Vec<_> = log(&bench, id).await.into_iter().map(|d| d.state).collect();
    assert_eq!(left, ["waiting"]);
}

#[tokio::test]
async fn who_wants_mail_gets_mail() {
    let bench = Bench::new(1, 3, 1).await;
    let mailbox = Mailbox::new().await;
    let account = bench.world.tenants[0].account;
    let id = endpoint(&bench, "mailto:billing@customer.example", Some(account), &["invoice.issued"]).await;
    issued(&bench).await;
    let round = async |sender: Sender, at| jobs::round(&bench.db, &sender, Arc::new(move || at)).await.expect("runs");
    assert_eq!(round(sender(), later()).await, 1);
    let delivery = log(&bench, id).await.remove(0);
    assert_eq!(delivery.tries[0].failure.as_deref(), Some("no mail server is set (RELEVE_SMTP)"));

    let mail = MailSender::new(&mailbox.url, "Billing <billing@cloud.example>").expect("a sender");
    let sender = Sender { mail: Some(mail), ..sender() };
    mailbox.will_refuse(&[451]);
    let at = delivery.due_at.expect("another try");
    assert_eq!(round(sender.clone(), at).await, 1);
    let delivery = log(&bench, id).await.remove(0);
    let refused = (delivery.tries[1].status, delivery.tries[1].failure.as_deref());
    assert_eq!(refused, (Some(451), Some("it answered 451")));
    let at = delivery.due_at.expect("another try");
    assert_eq!(round(sender.clone(), at).await, 1);
    let delivery = log(&bench, id).await.remove(0);
    assert_eq!((delivery.state.as_str(), delivery.tries[2].status), ("delivered", Some(250)));
    assert_eq!(round(sender, at).await, 0);

    let received = mailbox.take();
    assert_eq!(received.len(), 1);
    let number = bench.invoices().await.into_iter().find(|head| head.account == account).expect("its invoice");
    let number = number.stamp.expect("issued").number.to_string();
    for line in [
        "To: billing@customer.example".to_owned(),
        format!("Subject: Invoice {number} was issued"),
        format!("Message-ID: <{}@cloud.example>", delivery.event.id),
        format!("number: {number}"),
        "payable amount: 3.00".to_owned(),
    ] {
        assert!(received[0].lines().any(|one| one == line), "{line} in {}", received[0]);
    }
}
