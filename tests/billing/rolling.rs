//! Is a month that is rated piece by piece what it is when it is rated whole, whatever changes which of its hours?

use releve_billing::{AgreedTerms, Matching, Percent, Scope};
use releve_jobs::{
    rolling::{HOUR_LEN_MAX, Rolling},
    spend::{self, Terms},
};
use releve_store::{Tx, catalog};
use releve_tests::world;
use releve_types::{Money, TenantKey, Timestamp};

use crate::{
    agreeing::{agree, reservation},
    bench::{Bench, HOUR, at, later},
};

const DAY: i64 = 24;

async fn terms(tx: &mut Tx, bench: &Bench) -> Terms {
    let month = spend::terms(tx, bench.world.tenants[0].account, None, at(DAY)).await;
    month.expect("the database answers").expect("an account")
}

/// Rates the month both ways, by what is known of it from the last time; what it comes to.
async fn rated(bench: &Bench, known: &mut Option<Rolling>) -> Money {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let terms = terms(&mut tx, bench).await;
    let whole = spend::spend_by(&mut tx, terms.clone()).await.expect("rated");
    let (by_piece, next) = Rolling::rate_by_piece(&mut tx, terms, known.as_ref()).await.expect("rated");
    assert_eq!(by_piece.rated, whole.rated);
    *known = Some(next);
    whole.rated.total
}

#[tokio::test]
async fn a_month_rated_piece_by_piece_is_the_month() {
    let bench = Bench::new(1, 2, 24 * 31).await;
    let stranger = TenantKey::new("static:stranger").expect("a key");
    let mut known = None;
    let mut before = rated(&bench, &mut known).await;
    for step in 0..8 {
        match step {
            0 => bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, DAY + 1, &[0, 0])]).await,
            // Late, of a day that was settled.
            1 => bench.counted(vec![bench.hour(0, 1, &[0, 0, 0])]).await,
            2 => {
                let percent = Percent::new("10".parse().expect("a decimal")).expect("a discount");
                agree(&bench, DAY + 1, None, AgreedTerms::Discount { scope: Scope::All, percent }).await;
            }
            3 => agree(&bench, 0, None, reservation(1, Matching::Instant)).await,
            4 => {
                let who = ("test", "the agent counted twice");
                let node = bench.world.nodes[0].id;
                bench.aggregator.withdraw(node, (at(1), at(2)), who, false, later()).await.expect("withdrawn");
            }
            5 => {
                let hold = |gpu| world::Hold::new(&stranger, gpu, "theirs", 0, HOUR);
                let report = bench.world.nodes[0].report(at(3 * DAY), HOUR, &[hold(0), hold(1)]);
                bench.counted(vec![report]).await;
                let mut tx = bench.db.begin_app().await.expect("a transaction");
                let version = catalog::bump(&mut tx).await.expect("a version");
                let to = Some(bench.world.tenants[0].tenant);
                world::map(&mut tx, &stranger, to, at(0).hour(), version, later()).await;
                tx.commit().await.expect("commits");
                bench.aggregator.reattribute(&stranger, "test", false, later()).await.expect("moved");
            }
            6 => agree(&bench, 2 * DAY, 3 * DAY, reservation(3, Matching::Instant)).await,
            // The month's end: its last day is a day like the others.
            _ => bench.counted(vec![bench.hour(0, 31 * DAY - 1, &[0, 0, 0, 0])]).await,
        }
        let now = rated(&bench, &mut known).await;
        assert_ne!(now, before, "step {step} changes what is owed");
        before = now;
    }
    assert_eq!(rated(&bench, &mut known).await, before, "nothing changed");
}

#[tokio::test]
async fn only_what_changed_is_read() {
    let bench = Bench::new(1, 1, 24 * 31).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 3 * DAY, &[0])]).await;
    let mut known = None;
    let before = rated(&bench, &mut known).await;
    // Behind the back of whoever counts: nobody says that the first day changed.
    bench.database.sql("update usage_hours set ms = 2 * ms where hour = '2020-05-01Z'");
    assert_eq!(by_piece(&bench, &known).await, before, "it was not read again");
    bench.counted(vec![bench.hour(0, 1, &[0])]).await;
    let hours = |n| Money::sum(std::iter::repeat_n(before, n), before.currency()).expect("a sum");
    assert_eq!(rated(&bench, &mut known).await, hours(2), "2 h of it, 1 h new, 1 h of the last day");
    // The last day is settled by the hour: that another one came makes nobody read the first one.
    bench.database.sql("update usage_hours set ms = 3 * ms where hour = '2020-05-04Z'");
    bench.counted(vec![bench.hour(0, 3 * DAY + 1, &[0, 0])]).await;
    assert_eq!(by_piece(&bench, &known).await, hours(3));
}

#[tokio::test]
async fn a_large_month_that_goes_on_is_rated_by_piece_from_the_first_time_on() {
    let bench = Bench::new(1, 1, 24 * 31).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let more = |from: i64, to: i64| {
        bench.database.sql(&format!(
            "insert into usage_hours select tenant_id, hour, book, 'p' || n, sku_id, ms, energy_mj
             from usage_hours, generate_series({from}, {to}) n where project not like 'p%'"
        ));
    };
    more(2, HOUR_LEN_MAX);
    assert!(!follows(&bench, at(1)).await, "not more than so many");
    more(HOUR_LEN_MAX + 1, HOUR_LEN_MAX + 1);
    assert!(follows(&bench, at(1)).await);
    assert!(follows(&bench, at(2).plus_millis(-1)).await);
    assert!(!follows(&bench, at(0)).await, "no hour of it is full");
    assert!(!follows(&bench, at(2)).await, "nothing was used in the last full hour");
    assert!(!follows(&bench, at(32 * DAY)).await, "it is over");
}

/// Whether rating the month the second time reads only what changed.
async fn follows(bench: &Bench, now: Timestamp) -> bool {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let terms = terms(&mut tx, bench).await;
    let (first, known) = Rolling::rate(&mut tx, terms.clone(), None, now).await.expect("rated");
    assert_eq!(first.rated, spend::spend_by(&mut tx, terms.clone()).await.expect("rated").rated);
    bench.database.sql("update usage_hours set ms = 2 * ms");
    let (second, _) = Rolling::rate(&mut tx, terms, Some(&known), now).await.expect("rated");
    bench.database.sql("update usage_hours set ms = ms / 2");
    second.rated == first.rated
}

/// Rates the month by what is known of it.
async fn by_piece(bench: &Bench, known: &Option<Rolling>) -> Money {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let terms = terms(&mut tx, bench).await;
    Rolling::rate_by_piece(&mut tx, terms, known.as_ref()).await.expect("rated").0.rated.total
}
