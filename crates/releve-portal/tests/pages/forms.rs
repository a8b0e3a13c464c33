//! Does what was typed stand where it was typed, as long as it is not done?

use releve_api::approval::{Approval, Limit};
use serde_json::json;

use crate::{
    shape::check_page,
    world::{World, quoted_after, token_in},
};

/// The one element of a page with this id.
fn element(page: &str, id: &str) -> String {
    let mut parts = page.split('<').filter(|part| part.contains(&format!(" id=\"{id}\"")));
    let found = parts.next().unwrap_or_else(|| panic!("no {id}: {page}")).to_owned();
    assert!(parts.next().is_none(), "two of {id}: {page}");
    found
}

#[tokio::test]
async fn a_budget_that_is_refused_need_not_be_typed_again() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.session_as(&own, "billing").await;
    let here = format!("/portal/tenants/{own}/budgets");
    let page = world.page(&here, &session).await.text();
    assert!(element(&page, "thresholds").contains("value=\"80, 100\"") && !element(&page, "name").contains("value="));
    let token = token_in(&page);
    let fields = "name=All+%3C%22it%22&measure=gpu_hours&basis=forecast&thresholds=50&hard=yes&project=&sku=";
    let refused = world.form(&here, Some(&session), &[], &format!("token={token}&{fields}&limit=a+lot")).await;
    assert_eq!(refused.status.as_u16(), 422);
    check_page(&here, &refused);
    let page = refused.text();
    for (id, shown) in [
        ("name", "value=\"All &lt;&quot;it&quot;\""),
        ("limit", "value=\"a lot\""),
        ("thresholds", "value=\"50\""),
        ("project", "value=\"\""),
        ("hard", "checked=\"checked\""),
    ] {
        assert!(element(&page, id).contains(shown), "{id}: {page}");
    }
    for chosen in ["gpu_hours", "forecast"] {
        assert!(page.contains(&format!("<option value=\"{chosen}\" selected=\"selected\">")), "{page}");
    }
    assert!(page.contains("role=\"alert\""), "it says why: {page}");
    let made = world.form(&here, Some(&session), &[], &format!("token={token}&{fields}&limit=1000")).await;
    assert_eq!(made.status.as_u16(), 303);
}

/// What is done is not typed again, though its page answers the form; what is refused is, without what no page may hold.
#[tokio::test]
async fn only_what_was_refused_stands_beside_what_is_shown_once() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.session_as(&own, "admin").await;
    for (part, refused, done, typed, secret) in [
        ("api-keys", "name=ci&role=nobody", "name=ci&role=billing", vec![("name", "ci")], "new-key"),
        (
            "webhooks",
            "url=ftp%3A%2F%2Fus&description=for+%01us&topics=budget.reached",
            "url=https%3A%2F%2F198.51.100.7&description=for+us&topics=budget.reached",
            vec![("url", "ftp://us"), ("description", "for us"), ("topics", "budget.reached")],
            "new-secret",
        ),
    ] {
        let here = format!("/portal/tenants/{own}/{part}");
        let token = token_in(&world.page(&here, &session).await.text());
        let send = |fields: &str| {
            let form = format!("token={token}&{fields}");
            let (world, session, here) = (&world, &session, here.clone());
            async move {
                let answer = world.form(&here, Some(session), &[], &form).await;
                check_page(&here, &answer);
                (answer.status.as_u16(), answer.text())
            }
        };
        let (status, page) = send(refused).await;
        assert_eq!(status, 422, "{page}");
        for (field, value) in &typed {
            assert!(element(&page, field).contains(&format!("value=\"{value}\"")), "{field}: {page}");
        }
        let (status, page) = send(done).await;
        assert_eq!((status, page.contains(secret)), (200, true), "{page}");
        for (field, _) in typed {
            assert!(!element(&page, field).contains("value="), "{field}: {page}");
        }
    }
}

/// Whoever mistypes a name, or weighs before they map, sees it in its row again, and in no other, on whatever page that is.
#[tokio::test]
async fn a_tenant_stands_beside_its_key_until_the_key_is_mapped() {
    let (world, [own, _]) = World::with_tenants().await;
    let reading = |n: usize| {
        json!({ "source": "gateway", "id": format!("nobody {n}"), "meter": "tokens", "key": format!("static:nobody-{n:03}"),
            "quantity": 1, "unit": "token", "from": "2026-03-10T11:00:00Z", "to": "2026-03-10T11:01:00Z" })
    };
    world.post("/v1/readings", (0..102).map(reading).collect()).await.json(200);
    let session = world.operator_session().await;
    let first = world.page("/portal/operator/suspense", &session).await.text();
    let second = quoted_after(&first, "href=\"/portal/operator/suspense?cursor=");
    let second = format!("/portal/operator/suspense?cursor={second}");
    let page = world.page(&second, &session).await.text();
    assert!(page.contains("nobody-101") && !page.contains("nobody-000"), "{page}");
    let to = format!("action=\"{second}\"");
    assert_eq!(page.matches(&to).count(), 2, "a row is sent to its page: {page}");
    let token = token_in(&page);
    for (what, tenant, status) in [("weigh", "nobody", 422), ("weigh", own.as_str(), 200), ("map", own.as_str(), 200)] {
        let form = format!("token={token}&what={what}&key=static:nobody-101&tenant={tenant}");
        let answer = world.form(&second, Some(&session), &[], &form).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        check_page(&second, &answer);
        let page = answer.text();
        assert!(!element(&page, "tenant-0").contains("value="), "{page}");
        if what == "map" {
            assert!(!page.contains("id=\"tenant-1\""), "its key is mapped: {page}");
        } else {
            assert!(element(&page, "tenant-1").contains(&format!("value=\"{tenant}\"")), "{page}");
        }
    }
}

/// Each row of an operator's lists has a form of its own.
#[tokio::test]
async fn a_reason_stands_in_the_row_that_it_was_typed_for() {
    let limits: Approval = ["EUR=100".parse::<Limit>().expect("a limit")].into_iter().collect();
    let world = World::with(|state| state.approving(limits)).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.json(201);
    for name in ["quiet-1", "quiet-2"] {
        let node = json!({ "name": name, "region": "eu-west", "rack": "r1", "from": "2026-03-09T12:00:00Z" });
        world.post("/v1/nodes", node).await.json(201);
        let grant = json!({ "kind": "granted", "description": name, "amount": "200.00" });
        world.post("/v1/accounts/lab/credits", grant).await.json(202);
        world.database.sql(&format!(
            "insert into quarantine (quarantine_id, sha256, kind, reason, source, agent, received_at, body)
             values (gen_random_uuid(), sha256('{name}'), 'report', 'unknown_key', 'http', '{name}', '2026-03-10Z', '')"
        ));
    }
    let session = world.operator_session().await;
    let token = token_in(&world.page("/portal/operator", &session).await.text());
    // The second row's form, with its hidden fields as they stand there.
    let second = |page: &str, field: &str| {
        let forms: Vec<&str> =
            page.split("<form ").filter(|form| form.contains(&format!("name=\"{field}\""))).collect();
        assert_eq!(forms.len(), 2, "{page}");
        let hidden = forms[1].split("<input type=\"hidden\" ").skip(1);
        let hidden =
            hidden.map(|input| format!("{}={}", quoted_after(input, "name=\""), quoted_after(input, "value=\"")));
        (quoted_after(forms[1], "action=\""), hidden.collect::<Vec<_>>().join("&"))
    };
    for (part, field, verdict, id) in [
        // The same person may not; a reason is longer than it may be.
        ("proposals", "reason", "verdict=approve", "reason-"),
        ("gaps", "reason", "", "reason-"),
        ("quarantine", "why", "what=reject", "why-"),
    ] {
        let here = format!("/portal/operator/{part}");
        let (to, hidden) = second(&world.page(&here, &session).await.text(), field);
        let reason = if part == "proposals" { "because".to_owned() } else { "x".repeat(2_000) };
        let form = format!("{hidden}&{verdict}&{field}={reason}");
        assert!(form.contains(&token), "the form carries its token");
        let answer = world.form(&to, Some(&session), &[], &form).await;
        assert!([403, 422].contains(&answer.status.as_u16()), "{part}: {} {}", answer.status, answer.text());
        check_page(&here, &answer);
        let page = answer.text();
        assert!(!element(&page, &format!("{id}0")).contains("value="), "{part}: {page}");
        assert!(element(&page, &format!("{id}1")).contains(&format!("value=\"{reason}\"")), "{part}: {page}");
    }
}
