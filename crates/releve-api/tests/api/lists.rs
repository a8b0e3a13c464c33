//! Does a list show each row once, whatever the page's length?

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::world::World;

/// All rows, a page at a time.
async fn all(world: &World, path: &str, len: usize) -> Vec<serde_json::Value> {
    let (mut rows, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let go_on = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = world.get(&format!("{path}{joint}limit={len}{go_on}")).await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= len);
        rows.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn pages_lose_nothing_and_show_nothing_twice() {
    let world = World::new().await;
    for n in 0..7 {
        world.post("/v1/tenants", json!({ "name": format!("t{n}") })).await.expect(201);
        world.post("/v1/nodes", json!({ "name": format!("n{n}"), "region": "eu" })).await.expect(201);
        world.post("/v1/key-rules", json!({ "key": format!("static:k{n}"), "tenant": "t0" })).await.expect(201);
        let sku = format!("meter/m{n}/default");
        world.post("/v1/prices", json!({ "sku": sku, "unit": "count", "price": "1" })).await.expect(201);
        world.post("/v1/prices", json!({ "sku": sku, "price": "2" })).await.expect(201);
        let project = json!({ "name": format!("p{n}") });
        world.post("/v1/tenants/t0/projects", project).await.expect(201);
    }
    for (path, expected) in [
        ("/v1/tenants", 7),
        ("/v1/accounts", 7),
        ("/v1/tenants?account=t3", 1),
        ("/v1/nodes", 7),
        ("/v1/key-rules", 7),
        ("/v1/key-rules?key=static:k2", 1),
        ("/v1/prices", 14),
        ("/v1/prices?sku=meter/m3/default", 2),
        ("/v1/skus", 7),
        ("/v1/tenants/t0/projects", 7),
        ("/v1/api-keys", 1),
    ] {
        for len in [1, 2, 3, 7, 100] {
            let rows = all(&world, path, len).await;
            let distinct: BTreeSet<String> = rows.iter().map(ToString::to_string).collect();
            assert_eq!((rows.len(), distinct.len()), (expected, expected), "{path} by {len}");
        }
    }
    let log = all(&world, "/v1/audit-log", 5).await;
    assert!(log.len() > 40 && log.windows(2).all(|pair| pair[0]["entry"].as_i64() > pair[1]["entry"].as_i64()));
    assert!(log.iter().all(|entry| entry["actor"].is_string()), "everybody is named");
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
    }
    let page = world.get("/v1/tenants?limit=1").await.expect(200);
    let cursor = page["next"].as_str().expect("a next page");
    for path in ["/v1/accounts?limit=1", "/v1/tenants?limit=1&account=a", "/v1/tenants/a/usage?limit=1"] {
        let (status, code, field) = world.get(&format!("{path}&cursor={cursor}")).await.problem();
        assert_eq!((status, code.as_str(), field.as_str()), (422, "cursor_refused", "cursor"), "{path}");
    }
}

#[tokio::test]
async fn an_hour_that_no_page_gave_is_refused() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    for (n, hour) in ["08", "09"].into_iter().enumerate() {
        let reading = json!({
            "source": "s", "id": n.to_string(), "meter": "storage", "tenant": "lab", "project": "p", "quantity": 1, "unit": "gib_second",
            "from": format!("2026-03-10T{hour}:00:00Z"), "to": format!("2026-03-10T{hour}:30:00Z"),
        });
        world.post("/v1/readings", reading).await.expect(200);
        let price = json!({ "sku": "meter/storage/default", "unit": "gib_second", "price": "1", "from": format!("2026-04-0{}T00:00:00Z", n + 1) });
        world.post("/v1/prices", price).await.expect(201);
    }
    let usage = "/v1/tenants/lab/usage?from=2026-03-10T00:00:00Z&to=2026-03-11T00:00:00Z&interval=hour&limit=1";
    for (path, place) in [(usage, 0), ("/v1/prices?limit=1", 1)] {
        let page = world.get(path).await.expect(200);
        let cursor = page["next"].as_str().expect("a next page");
        for hour in [i64::MIN, -2_147_483_649, 70_389_529, 9_007_199_254_740_992, i64::MAX] {
            let answer = world.get(&format!("{path}&cursor={}", forged(cursor, place, hour))).await;
            assert_eq!(answer.problem().1, "cursor_refused", "{path} after {hour}");
        }
        world.get(&format!("{path}&cursor={}", forged(cursor, place, 0))).await.expect(200);
    }
}

/// A cursor with another number in its place.
pub fn forged(cursor: &str, place: usize, number: i64) -> String {
    let json = URL_SAFE_NO_PAD.decode(cursor).expect("base64");
    let mut held: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert!(held["after"][place].is_i64(), "{held}");
    held["after"][place] = json!(number);
    URL_SAFE_NO_PAD.encode(held.to_string())
}

#[tokio::test]
async fn usage_is_broken_down() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    for (n, (hour, project, meter)) in
        [("08", "p1", "storage"), ("09", "p1", "storage"), ("09", "p2", "traffic"), ("10", "p2", "storage")]
            .iter()
            .enumerate()
    {
        let unit = if *meter == "storage" { "gib_second" } else { "byte" };
        let reading = json!({
            "source": "s", "id": n.to_string(), "meter": meter, "tenant": "lab", "project": project,
            "quantity": 10 + n, "unit": unit,
            "from": format!("2026-03-10T{hour}:00:00Z"), "to": format!("2026-03-10T{hour}:30:00Z"),
        });
        world.post("/v1/readings", reading).await.expect(200);
    }
    let base = "/v1/tenants/lab/usage?from=2026-03-09T00:00:00Z&to=2026-03-11T00:00:00Z";
    let sums = async |more: &str, len: usize| -> Vec<(String, String, i64)> {
        let rows = all(&world, &format!("{base}{more}"), len).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        rows.iter()
            .map(|row| {
                (
                    text(&row["from"])[8..13].to_owned(),
                    text(&row["project"]),
                    row["quantity"].as_i64().expect("integer"),
                )
            })
            .collect()
    };
    let row = |from: &str, project: &str, quantity: i64| (from.to_owned(), project.to_owned(), quantity);
    for len in [1, 2, 100] {
        assert_eq!(sums("", len).await, [row("10T00", "", 10 + 11 + 13), row("10T00", "", 12)]);
        let hours = [row("10T08", "", 10), row("10T09", "", 11), row("10T09", "", 12), row("10T10", "", 13)];
        assert_eq!(sums("&interval=hour", len).await, hours);
        let projects = [row("09T00", "p1", 21), row("09T00", "p2", 13), row("09T00", "p2", 12)];
        assert_eq!(sums("&interval=all&by=project", len).await, projects);
        assert_eq!(sums("&by=allocation", len).await, [], "readings belong to no allocation");
    }
}

#[tokio::test]
async fn what_was_added_up_stands_until_more_is_counted() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let used = async |id: &str, from: &str, to: &str| {
        let reading = json!({
            "source": "s", "id": id, "meter": "storage", "tenant": "lab", "project": "p", "quantity": 10,
            "unit": "gib_second", "from": from, "to": to,
        });
        assert_eq!(world.post("/v1/readings", reading).await.expect(200)["fate"], "counted");
    };
    used("1", "2026-03-02T08:00:00Z", "2026-03-02T08:30:00Z").await;
    used("2", "2026-03-10T08:00:00Z", "2026-03-10T08:30:00Z").await;
    let seen = async || {
        let mut quantities = Vec::new();
        for parts in ["", "&interval=all", "&by=project", "&interval=hour"] {
            let rows = all(&world, &format!("/v1/tenants/lab/usage?from=2026-03-01T00:00:00Z{parts}"), 100).await;
            quantities.push(rows.iter().map(|row| row["quantity"].as_i64().expect("an integer")).collect::<Vec<_>>());
        }
        quantities
    };
    let expected = |first: i64, last: i64| vec![vec![first, last], vec![first + last], vec![first, last]];
    assert_eq!(seen().await[..3], expected(10, 10));
    // Behind the back of whoever counts: nobody says that these hours changed.
    world.database.sql("update meter_hours set quantity = 7 * quantity");
    assert_eq!(seen().await[..3], expected(10, 10), "neither is read again");
    used("3", "2026-03-10T09:00:00Z", "2026-03-10T09:30:00Z").await;
    assert_eq!(seen().await[..3], expected(10, 20), "nor for another hour of the day that goes on");
    used("4", "2026-03-02T08:30:00Z", "2026-03-02T09:00:00Z").await;
    assert_eq!(seen().await[..3], expected(80, 20), "late");
    assert_eq!(seen().await[3], [80, 10, 10]);
}
