//! Does a tenant see itself and nobody else? Every route of a tenant, with its own key and another's.

use serde_json::json;

use crate::{scopes::operations, world::World};

const SECRET: &str = "acme-secret";

#[tokio::test]
async fn a_foreign_tenant_is_as_absent_as_one_that_never_was() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["lab", SECRET] {
        let made = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        ids.push((made["id"].as_str().expect("an id").to_owned(), made["account"].as_str().expect("an id").to_owned()));
        let reading = json!({
            "source": "s", "id": name, "meter": "storage", "tenant": name, "project": format!("{name}-project"),
            "quantity": 77_777, "unit": "gib_second", "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
        });
        world.post("/v1/readings", reading).await.expect(200);
        world
            .post(&format!("/v1/tenants/{name}/projects"), json!({ "name": format!("{name}-project") }))
            .await
            .expect(201);
    }
    let lab = world.tenant_key("lab").await;
    let routes: Vec<String> = operations()
        .into_iter()
        .filter(|(method, path, operation)| {
            let for_tenants = operation["security"].to_string().contains("tenant:read");
            assert_eq!(for_tenants, method == "GET" && path.starts_with("/v1/tenants/{tenant}"), "{method} {path}");
            for_tenants
        })
        .map(|(_, path, _)| path)
        .collect();
    assert!(routes.len() >= 4, "{routes:?}");
    let random = "ten_01900000000070008000000000000000";
    for route in &routes {
        // A path with a second parameter names something of the tenant; what, is tried below.
        let at = |tenant: &str| {
            route.replace("{tenant}", tenant).replace("{invoice}", "inv_01900000000070008000000000000000")
        };
        let ask = async |tenant: &str| world.call("GET", &at(tenant), Some(&lab), None).await;
        let own = [ask("lab").await, ask(&ids[0].0).await];
        for answer in &own {
            let missing = route.contains("{invoice}");
            assert_eq!(answer.status.as_u16(), if missing { 404 } else { 200 }, "{route}: {}", answer.text());
            assert!(
                !answer.text().contains(SECRET) && !answer.text().contains(&ids[1].0),
                "{route}: {}",
                answer.text()
            );
        }
        for foreign in [ids[1].0.as_str(), SECRET, random, "nobody", "%00", "ten_1", "'%20or%201=1", "..%2flab"] {
            let answer = ask(foreign).await;
            let (status, code, _) = answer.problem();
            assert_eq!((status, code.as_str()), (404, "not_found"), "{route} for {foreign}");
            assert!(
                !answer.text().contains("-project") && !answer.text().contains("77777"),
                "{route}: {}",
                answer.text()
            );
        }
        // The same words for both, but for the name that was asked for.
        let foreign = ask(&ids[1].0).await.text().replace(&ids[1].0, "X");
        assert_eq!(foreign, ask(random).await.text().replace(random, "X"), "{route}");
    }
}

#[tokio::test]
async fn a_cursor_carries_no_right() {
    let world = World::new().await;
    for name in ["lab", SECRET] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        for n in 0..3 {
            world
                .post(&format!("/v1/tenants/{name}/projects"), json!({ "name": format!("{name}-{n}") }))
                .await
                .expect(201);
        }
    }
    let lab = world.tenant_key("lab").await;
    let theirs = world.get(&format!("/v1/tenants/{SECRET}/projects?limit=1")).await.expect(200);
    let cursor = theirs["next"].as_str().expect("a next page");
    let answer = world.call("GET", &format!("/v1/tenants/lab/projects?cursor={cursor}"), Some(&lab), None).await;
    assert_eq!(answer.problem().1, "cursor_refused");
}

#[tokio::test]
async fn the_second_wall_stands_alone() {
    let world = World::new().await;
    let mut made = Vec::new();
    for name in ["lab", SECRET] {
        let tenant = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let id: releve_types::TenantId = tenant["id"].as_str().expect("an id").parse().expect("an id");
        let account: releve_types::AccountId = tenant["account"].as_str().expect("an id").parse().expect("an id");
        world
            .post(&format!("/v1/tenants/{name}/projects"), json!({ "name": format!("{name}-project") }))
            .await
            .expect(201);
        made.push((id, account));
    }
    // A query that forgot whose rows it wants: asked for the other's, in this one's transaction.
    let mut tx = world.db.begin_tenant(made[0].0, made[0].1).await.expect("begins");
    let theirs = releve_store::customers::projects(&mut tx, made[1].0, "", 10).await.expect("asked");
    assert_eq!(theirs, []);
    let account = releve_store::customers::account(&mut tx, made[1].1).await.expect("asked");
    assert_eq!(account, None);
    let own = releve_store::customers::projects(&mut tx, made[0].0, "", 10).await.expect("asked");
    assert_eq!(own.len(), 1);
}
