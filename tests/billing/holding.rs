//! Who is held back, by what, and until when?

use std::collections::BTreeMap;

use releve_aggregator::Fate;
use releve_jobs::documents;
use releve_store::{
    gaps::{self, Acceptance},
    invoices::InvoiceState,
    nodes::ServiceState,
};
use releve_tests::world::{self, Hold};
use releve_types::{Ranges, TenantKey};

use crate::bench::{Bench, HOUR, at, later, may, named};

#[tokio::test]
async fn three_lost_hours_of_five_nodes_hold_back_who_was_on_them() {
    let bench = Bench::new(8, 10, 8).await;
    bench.state(5, ServiceState::Retired, 2).await;
    // Nodes 0 to 4 lose hours 3 to 5; t0 to t4 held them before and after, t8 had long left node 0. Node 5, t5's, is
    // retired after two hours. Node 6 never starts, where t6 was to be. Node 7 is whole: t7, and t9 for an hour.
    let mut reports = Vec::new();
    for hour in 0..8 {
        for node in (0..5).filter(|_| !(3..6).contains(&hour)) {
            let alone = [node];
            reports.push(bench.hour(node, hour, if node == 0 && hour < 2 { &[0, 8] } else { &alone }));
        }
        if hour < 2 {
            reports.push(bench.hour(5, hour, &[5]));
        }
        reports.push(bench.hour(7, hour, if hour == 4 { &[7, 9] } else { &[7] }));
    }
    bench.counted(reports).await;
    bench.issue().await;
    let stand = bench.stand().await;
    for held in ["t0", "t1", "t2", "t3", "t4"] {
        assert_eq!(stand[held], "parked gap", "{stand:?}");
    }
    for (issued, amount) in [("t5", "5.00"), ("t7", "20.00"), ("t8", "5.00"), ("t9", "2.50")] {
        assert!(stand[issued].ends_with(&format!(" {amount} EUR")), "{issued}: {stand:?}");
    }
    assert_eq!(stand.len(), 9, "t6 has used nothing: {stand:?}");
    assert_eq!(bench.serials().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_gap_holds_back_exactly_those_it_may_have_cost() {
    let bench = Bench::new(4, 5, 6).await;
    // Node 0 is whole. Node 1 misses hours 2 to 4: t1 held it before, t2 after. Node 2 misses its end: t3 held it.
    // Node 3 never spoke: nobody's.
    let mut reports = Vec::new();
    for hour in 0..6 {
        reports.push(bench.hour(0, hour, &[0]));
        if hour != 2 && hour != 3 {
            reports.push(bench.hour(1, hour, if hour < 2 { &[1, 1] } else { &[2] }));
        }
        if hour < 5 {
            reports.push(bench.hour(2, hour, if hour == 4 { &[3] } else { &[4] }));
        }
    }
    bench.counted(reports).await;
    bench.issue().await;
    let stand = bench.stand().await;
    let held = named(&[("t1", "parked gap"), ("t2", "parked gap"), ("t3", "parked gap")]);
    assert_eq!(
        stand
            .iter()
            .filter(|(_, s)| s.starts_with("parked"))
            .map(|(n, s)| (n.clone(), s.clone()))
            .collect::<BTreeMap<_, _>>(),
        held
    );
    assert_eq!(bench.serials().await, [1, 2], "t0 and t4 are issued");
    let exposed: BTreeMap<i64, String> = bench
        .invoices()
        .await
        .into_iter()
        .filter_map(|i| i.holds.first().map(|h| (h.gpu_ms.expect("known"), h.detail.clone())))
        .collect();
    assert_eq!(exposed.keys().copied().collect::<Vec<_>>(), [HOUR, 2 * HOUR, 4 * HOUR], "{exposed:?}");

    // One gap is filled, one is accepted, and node 3 still concerns nobody.
    bench.counted(vec![bench.hour(1, 2, &[1, 1]), bench.hour(1, 3, &[])]).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let acceptance = Acceptance {
        node: bench.world.nodes[2].id,
        from: at(5),
        to: at(6),
        reason: "power cut".to_owned(),
        accepted_by: "test".to_owned(),
    };
    assert!(gaps::accept(&mut tx, &acceptance, later()).await.unwrap());
    tx.commit().await.unwrap();
    let summary = bench.issue().await;
    assert_eq!((summary.issued_now, summary.parked), (3, 0));
    assert_eq!(bench.unbilled().await, []);
    assert_eq!(bench.serials().await, [1, 2, 3, 4, 5]);
    let stand = bench.stand().await;
    assert!(stand["t1"].ends_with("15.00 EUR"), "what came late is on the first invoice: {stand:?}");
}

#[tokio::test]
async fn a_hole_in_a_window_concerns_who_held_in_that_window() {
    let bench = Bench::new(1, 2, 2).await;
    let node = &bench.world.nodes[0];
    let holds = [Hold::new(bench.key(0), 0, "job", 0, HOUR / 4)];
    let covered = Ranges::from_unsorted([(0, HOUR / 4), (HOUR / 2, HOUR)]);
    bench.counted(vec![node.report_covering(at(0), HOUR, covered, &holds), bench.hour(0, 1, &[1])]).await;
    bench.issue().await;
    let stand = bench.stand().await;
    assert_eq!(stand["t0"], "parked gap");
    assert!(stand["t1"].starts_with("T-2020-000001"), "{stand:?}");
}

#[tokio::test]
async fn maintenance_owes_no_report_and_an_acceptance_may_be_partial() {
    let bench = Bench::new(1, 1, 4).await;
    bench.state(0, ServiceState::Maintenance, 1).await;
    bench.state(0, ServiceState::InService, 3).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let found = gaps::gaps(&mut tx, may()).await.unwrap();
    assert_eq!(found.iter().map(|g| (g.from, g.to)).collect::<Vec<_>>(), [(at(3), at(4))]);
    let (from, to) = (at(3).plus_millis(1), at(4));
    let acceptance =
        Acceptance { node: bench.world.nodes[0].id, from, to, reason: "x".to_owned(), accepted_by: "y".to_owned() };
    gaps::accept(&mut tx, &acceptance, later()).await.unwrap();
    let found = gaps::gaps(&mut tx, may()).await.unwrap();
    assert_eq!(found.iter().map(|g| (g.from, g.to)).collect::<Vec<_>>(), [(at(3), from)], "one millisecond is left");
}

/// What was billed around is said on the document, in the GPU time that it may have been; of a whole month, that it is whole.
#[tokio::test]
async fn what_is_billed_around_is_said_on_the_document() {
    let bench = Bench::new(2, 2, 3).await;
    let reports = (0..3).flat_map(|hour| [bench.hour(0, hour, &[0]), bench.hour(1, hour, &[1, 1])]);
    let lost = bench.hour(1, 1, &[1, 1]);
    bench.counted(reports.filter(|report| *report != lost).collect()).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let (node, reason) = (bench.world.nodes[1].id, "its disk broke".to_owned());
    let acceptance = Acceptance { node, from: at(1), to: at(2), reason, accepted_by: "y".to_owned() };
    gaps::accept(&mut tx, &acceptance, later()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.issue().await.issued_now, 2);
    documents::run(&bench.db, later()).await.unwrap();
    let mut missing = BTreeMap::new();
    let heads = bench.invoices().await;
    let mut tx = bench.db.begin_app().await.unwrap();
    for head in heads {
        let kept = releve_store::documents::find(&mut tx, head.account, head.id, documents::JSON).await.unwrap();
        let said: serde_json::Value = serde_json::from_slice(&kept.expect("rendered").body).unwrap();
        missing.insert(head.total.to_string(), said["coverage"]["missing_gpu_ms"].as_i64());
    }
    let said = [("10.00 EUR".to_owned(), Some(2 * HOUR)), ("7.50 EUR".to_owned(), Some(0))];
    assert_eq!(missing, BTreeMap::from(said), "two devices for an hour, and nothing");
}

#[tokio::test]
async fn suspense_holds_back_who_ever_had_a_rule_for_its_key() {
    let bench = Bench::new(1, 3, 2).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let version = releve_store::catalog::bump(&mut tx).await.unwrap();
    // t1's key belongs to nobody from the second hour on; another key never had a rule.
    world::map(&mut tx, bench.key(1), None, at(1).hour(), version, at(0)).await;
    tx.commit().await.unwrap();
    let stranger = TenantKey::new("static:stranger").unwrap();
    let holds = [
        Hold::new(bench.key(1), 0, "a", 0, HOUR),
        Hold::new(&stranger, 1, "b", 0, HOUR),
        Hold::new(bench.key(0), 2, "c", 0, HOUR),
    ];
    bench.counted(vec![bench.hour(0, 0, &[1, 2]), bench.world.nodes[0].report(at(1), HOUR, &holds)]).await;
    bench.issue().await;
    let stand = bench.stand().await;
    assert_eq!(stand["t1"], "parked suspense");
    assert!(stand["t0"].starts_with("T-") && stand["t2"].starts_with("T-"), "{stand:?}");
    assert_eq!(bench.unbilled().await.len(), 3, "t1, and two keys in suspense");
}

#[tokio::test]
async fn quarantine_holds_back_whom_it_speaks_of_until_a_verdict() {
    let bench = Bench::new(1, 2, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let other = bench.take(vec![bench.hour(0, 0, &[1])]).await;
    assert!(matches!(other.as_slice(), [Fate::Quarantined { .. }]), "{other:?}");
    bench.issue().await;
    let stand = bench.stand().await;
    assert_eq!(stand["t1"], "parked quarantine");
    assert!(stand["t0"].starts_with("T-"), "{stand:?}");

    bench.set("update quarantine set status = 'rejected'").await;
    let summary = bench.issue().await;
    assert_eq!((summary.parked, summary.nothing), (0, 1), "what was held back had nothing to bill");
    let parked = bench.invoices().await.into_iter().filter(|i| i.state == InvoiceState::Parked).count();
    assert_eq!(parked, 0);
}

#[tokio::test]
async fn usage_without_a_price_parks_and_a_price_releases() {
    let bench = Bench::new(1, 2, 1).await;
    let mut unsealed = bench.world.nodes[0].unsealed(
        at(0),
        HOUR,
        Ranges::one(0, HOUR),
        &[Hold::new(bench.key(0), 0, "spot", 0, HOUR), Hold::new(bench.key(1), 1, "standard", 0, HOUR)],
    );
    for section in unsealed.sections.iter_mut().filter(|s| s.tenant_key == *bench.key(0)) {
        section.segments.iter_mut().for_each(|s| s.spot = true);
    }
    bench.counted(vec![bench.world.nodes[0].seal(&unsealed)]).await;
    bench.issue().await;
    assert_eq!(bench.stand().await["t0"], "parked unpriced");

    let spot = world::sku().to_string().replace("/standard/", "/spot/").parse().unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    bench.world.price(&mut tx, &spot, "0.500001", at(0).hour(), later()).await;
    tx.commit().await.unwrap();
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(bench.stand().await["t0"], "T-2020-000002 0.50 EUR");
}

#[tokio::test]
async fn what_a_customer_asks_of_its_invoices_is_met_first() {
    let bench = Bench::new(1, 1, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    bench.set("update accounts set buyer_reference_required = true, invoice_ceiling = 4.99").await;
    bench.issue().await;
    assert_eq!(bench.stand().await["t0"], "parked reference+ceiling");
    bench.set("update accounts set buyer_reference = 'PO 4711', invoice_ceiling = 5.00").await;
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(bench.stand().await["t0"], "T-2020-000001 5.00 EUR");
}
