//! Does an operator find what is theirs to do, whenever it happened and whoever it is of?

use releve_jobs::exports;
use releve_outbound::{Storage, StorageConfig};
use releve_store::Db;
use releve_tests::place::Scratch;
use releve_types::Timestamp;
use serde_json::json;

use crate::{
    shape::check_page,
    world::{NOW, SECRET, World, quoted_after, token_in},
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
        "token={}&node={}&from={}&to={}&reason=cabling",
        token_in(&page),
        text("node"),
        text("from"),
        text("to")
    );
    let to =
        page.split_once("method=\"post\" action=\"/portal/operator/gaps").and_then(|(_, rest)| rest.split_once('"'));
    let to = format!("/portal/operator/gaps{}", to.expect("a form").0.replace("&amp;", "&"));
    let blank = accepted.replace("cabling", "+");
    assert_eq!(world.form(&to, Some(&session), &[], &blank).await.status.as_u16(), 422, "it is on record why");
    let answer = world.form(&to, Some(&session), &[], &accepted).await;
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

#[tokio::test]
async fn a_month_is_asked_for_and_fetched() {
    let scratch = Scratch::new("exports");
    let storage = Storage::open(&StorageConfig::Directory { path: scratch.path().join("exports") });
    let storage = storage.expect("a directory");
    let world = World::with(|state| state.exporting(storage.clone())).await;
    world.post("/v1/tenants", json!({ "name": "<lab>" })).await.json(201);
    let reading = json!({ "source": "gateway", "id": "1", "meter": "tokens", "tenant": "<lab>", "quantity": 12, "unit": "token",
        "from": "2026-03-10T11:00:00Z", "to": "2026-03-10T11:01:00Z" });
    world.post("/v1/readings", reading).await.json(200);
    let session = world.operator_session().await;
    let here = "/portal/operator/exports";
    let token = token_in(&world.page(here, &session).await.text());
    let ask = |period: &'static str, account: &'static str| {
        let form = format!("token={token}&dataset=usage_hours&format=csv&period={period}&account={account}&issuer=");
        let (world, session) = (&world, &session);
        async move { world.form(here, Some(session), &[], &form).await }
    };
    for (period, account) in [("2026-13", ""), ("2026-04", ""), ("2026-03", "nobody")] {
        let refused = ask(period, account).await;
        assert_eq!(refused.status.as_u16(), 422, "{}", refused.text());
        check_page(here, &refused);
        let page = refused.text();
        assert!(
            page.contains(&format!("value=\"{period}\"")) && page.contains(&format!("value=\"{account}\"")),
            "{page}"
        );
        assert!(page.contains("value=\"usage_hours\" selected"), "{page}");
    }
    assert_eq!(ask("2026-03", "%3Clab%3E").await.header("location"), here);
    let listed = world.page(here, &session).await;
    check_page(here, &listed);
    let page = listed.text();
    assert!(page.contains("pending") && page.contains("of &lt;lab&gt;"), "{page}");
    let one = format!("{here}/{}", quoted_after(&page, "href=\"/portal/operator/exports/"));
    check_page(&one, &world.page(&one, &session).await);

    let db = Db::connect(&world.database.login_url(), 1).await.expect("connects");
    let now: Timestamp = NOW.parse().expect("an instant");
    assert_eq!(exports::run(&db, &storage, &[], now).await.expect("made"), 1);
    let done = world.page(&one, &session).await;
    check_page(&one, &done);
    let page = done.text();
    assert!(page.contains("of &lt;lab&gt;"), "{page}");
    let file = "usage_hours-2026-03-10.csv";
    assert!(page.contains("done") && page.contains(&format!("href=\"{one}/{file}\"")), "{page}");
    let given = world.page(&format!("{one}/{file}"), &session).await;
    assert_eq!(given.header("content-disposition"), format!("attachment; filename=\"{file}\""));
    assert!(page.contains(&releve_wire::sha256(&given.body).to_string()), "{page}");
}

#[tokio::test]
async fn where_exports_have_no_place_the_page_says_so() {
    let world = World::new().await;
    let session = world.operator_session().await;
    let here = "/portal/operator/exports";
    let token = token_in(&world.page(here, &session).await.text());
    let form = format!("token={token}&dataset=focus&format=csv&period=2026-03");
    let refused = world.form(here, Some(&session), &[], &form).await;
    check_page(here, &refused);
    assert_eq!(refused.status.as_u16(), 409);
    assert!(
        refused.text().contains("RELEVE_EXPORTS") && refused.text().contains("value=\"2026-03\""),
        "{}",
        refused.text()
    );
}
