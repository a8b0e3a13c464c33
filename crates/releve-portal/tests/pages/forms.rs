//! Does what was typed stand where it was typed, as long as it is not done?

use serde_json::json;

use crate::{
    shape::check_page,
    world::{World, token_in},
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
    assert!(!element(&world.page(&here, &session).await.text(), "name").contains("value="), "it is done");
}

/// Whoever mistypes a name, or weighs before they map, sees it in its row again, and in no other.
#[tokio::test]
async fn a_tenant_stands_beside_its_key_until_the_key_is_mapped() {
    let (world, [own, _]) = World::with_tenants().await;
    for n in 0..2 {
        let reading = json!({ "source": "gateway", "id": format!("nobody {n}"), "meter": "tokens",
            "key": format!("static:nobody-{n}"), "quantity": 1, "unit": "token",
            "from": "2026-03-10T11:00:00Z", "to": "2026-03-10T11:01:00Z" });
        world.post("/v1/readings", reading).await.json(200);
    }
    let session = world.operator_session().await;
    let here = "/portal/operator/suspense";
    let token = token_in(&world.page(here, &session).await.text());
    for (what, tenant, status) in [("weigh", "nobody", 422), ("weigh", own.as_str(), 200), ("map", own.as_str(), 200)] {
        let form = format!("token={token}&what={what}&key=static:nobody-1&tenant={tenant}");
        let answer = world.form(here, Some(&session), &[], &form).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        check_page(here, &answer);
        let page = answer.text();
        assert!(!element(&page, "tenant-0").contains("value="), "{page}");
        if what == "map" {
            assert!(!page.contains("id=\"tenant-1\""), "its key is mapped: {page}");
        } else {
            assert!(element(&page, "tenant-1").contains(&format!("value=\"{tenant}\"")), "{page}");
        }
    }
}
