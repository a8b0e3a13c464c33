//! Does a quota say no as soon as the report that used it up is committed? Asked once, after the commit was seen; nothing is waited for.

use releve_broker::{BrokerConfig, Outgoing, Publisher, PublisherConfig};
use releve_store::Db;
use releve_tests::{
    postgres::Postgres,
    rabbit::Rabbit,
    releve::Launch,
    wait,
    world::{Hold, World},
};
use releve_types::{
    Timestamp, Zone,
    time::{MILLIS_PER_MINUTE, wall_clock},
};
use serde_json::json;

use crate::SOON;

/// The start of a minute that is over, with the one before it in the same month.
async fn minutes() -> Timestamp {
    wait::until("two minutes of one month are over", 3 * SOON, async || {
        let now = wall_clock().as_millis();
        let last = Timestamp::from_millis(now - now % MILLIS_PER_MINUTE - MILLIS_PER_MINUTE);
        let zone = Zone::utc();
        let first = last.plus_millis(-MILLIS_PER_MINUTE);
        (zone.month_of(first) == zone.month_of(Timestamp::from_millis(now))).then_some(last)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_says_no_right_after_the_commit_that_used_it_up() {
    let (postgres, rabbit) = (Postgres::shared(), Rabbit::shared());
    let (database, broker) = (postgres.create_database(), rabbit.vhost());
    let migrated = Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", database.admin_url()).finish(SOON).json();
    let key = migrated["operator_key"].as_str().expect("the first key").to_owned();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
    let last = minutes().await;
    let first = last.plus_millis(-MILLIS_PER_MINUTE);
    let world = World::create(&owner, "UTC", 1, 4, 1, first.hour().start()).await;
    let role = |role: &str| {
        let launch = Launch::releve(&["serve", role]).env("DATABASE_URL", database.login_url());
        launch.env("AMQP_URL", &broker).listening().spawn()
    };
    let (mut api, mut aggregator) = (role("api"), role("aggregator"));
    api.ready("/readyz", SOON).await;
    aggregator.ready("/readyz", SOON).await;
    let http = api.http().with_token(&key);
    let holder = &world.tenants[0];
    // Two GPUs for a minute at 2.50 an hour are 0.08, for two minutes 0.17.
    let quota = json!({ "name": "quota", "amount": "0.16", "hard": true });
    http.post(&format!("/v1/tenants/{}/budgets", holder.name), &quota).await.expect(201);
    let ask = format!("/v1/tenants/{}/entitlement", holder.name);
    assert_eq!(http.get(&ask).await.expect(200)["allowed"], true);
    let publisher = PublisherConfig::new(BrokerConfig::new(&broker, "test").expect("an address"), "releve");
    let publisher = Publisher::connect(publisher).expect("a prefix");
    let node = &world.nodes[0];
    for (minute, reports, allowed) in [(first, "1", true), (last, "2", false)] {
        let hold = |gpu| Hold::new(&holder.key, gpu, "job", 0, MILLIS_PER_MINUTE);
        let body = node.report(minute, MILLIS_PER_MINUTE, &[hold(0), hold(1)]);
        let outgoing = Outgoing { shard_key: node.id, message_id: String::new(), body };
        // Until the aggregator has made its queues, there is no way for it.
        wait::until("the broker has it", SOON, async || publisher.publish(outgoing.clone()).await.ok()).await;
        wait::until("it is committed", SOON, async || {
            (database.sql("select count(*) from reports") == reports).then_some(())
        })
        .await;
        let answer = http.get(&ask).await.expect(200);
        assert_eq!(answer["allowed"], allowed, "{answer}");
    }
    let answer = http.get(&ask).await.expect(200);
    let reason = &answer["reasons"][0];
    assert_eq!((&reason["used"], &reason["limit"], &reason["unit"]), (&json!("0.17"), &json!("0.16"), &json!("EUR")));
    publisher.close().await;
    assert!(api.stop().success() && aggregator.stop().success());
}
