//! Does an operator find what is theirs to do, whenever it happened and whoever it is of?

use serde_json::json;

use crate::{
    shape::check_page,
    world::{SECRET, World, token_in},
};

#[tokio::test]
async fn a_gap_of_any_time_is_found_and_accepted() {
    let world = World::new().await;
    let node = json!({ "name": "quiet-node", "region": "eu-west", "rack": "r1", "from": "2026-02-03T04:00:00Z" });
    world.post("/v1/nodes", node).await.json(201);
    let session = world.operator_session().await;
    let path = "/portal/operator/gaps?from=2026-02-03T00:00&to=2026-02-03T06:00";
    let answer = world.page(path, &session).await;
    check_page(path, &answer);
    let page = answer.text();
    assert!(page.contains("quiet-node") && page.contains("value=\"2026-02-03T06:00\""), "{page}");

    let query = "from=2026-02-03T00:00:00Z&to=2026-02-03T06:00:00Z";
    let gap = &world.api("GET", &format!("/v1/gaps?{query}"), &world.operator, None).await.json(200)["items"][0];
    let text = |field: &str| gap[field].as_str().expect("text").to_owned();
    assert_eq!((text("from"), text("to")), ("2026-02-03T04:00:00Z".into(), "2026-02-03T06:00:00Z".into()));
    let accepted = format!(
        "token={}&node={}&from={}&to={}&reason=cabling&shown_from=2026-02-03T00:00:00Z&shown_to=2026-02-03T06:00:00Z",
        token_in(&page),
        text("node"),
        text("from"),
        text("to")
    );
    let answer = world.form("/portal/operator/gaps", Some(&session), &[], &accepted).await;
    let back = answer.header("location");
    assert_eq!(
        (answer.status.as_u16(), back.starts_with("/portal/operator/gaps?from=2026-02-03T00")),
        (303, true),
        "{back}"
    );
    let page = world.page(&back, &session).await.text();
    assert!(!page.contains("quiet-node"), "{page}");

    for wrong in ["from=yesterday", "from=2026-02-03T06:00&to=2026-02-03T00:00", "from=2025-01-01T00:00"] {
        let path = format!("/portal/operator/gaps?{wrong}");
        let answer = world.page(&path, &session).await;
        assert_eq!(answer.status.as_u16(), 422, "{wrong}");
        check_page(&path, &answer);
    }
}

#[tokio::test]
async fn an_alert_says_whose_it_is() {
    let (world, _) = World::with_tenants().await;
    world.database.sql(&format!(
        "insert into alerts (alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at)
         select gen_random_uuid(), null, case when n = 1 then account_id end, 'spend.anomaly',
                'alert ' || n, n, 1, '{{}}', '2026-03-10Z', '2026-03-10Z'
         from tenants, generate_series(1, 2) n where name = '{SECRET}'"
    ));
    let session = world.operator_session().await;
    let answer = world.page("/portal/operator/alerts", &session).await;
    check_page("/portal/operator/alerts", &answer);
    let page = answer.text();
    let after = |subject: &str| {
        page.split_once(subject).and_then(|(_, rest)| rest.split_once("</th>")).map(|(cell, _)| cell.to_owned())
    };
    let [of_account, of_house] = ["alert 1", "alert 2"].map(|subject| after(subject).expect("a row"));
    assert!(of_account.contains(&format!("of the account {SECRET}")), "{of_account}");
    assert!(!of_house.contains("of the"), "{of_house}");
}
