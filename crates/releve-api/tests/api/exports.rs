//! Is what finance asks for made, shown and given?

use std::{path::PathBuf, sync::Arc};

use releve_documents::table::Format;
use releve_jobs::exports::{self, Dataset};
use releve_outbound::{Storage, StorageConfig};
use releve_tests::place::Scratch;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::World;

struct House {
    world: World,
    storage: Storage,
    _scratch: Arc<Scratch>,
}

async fn house() -> House {
    let scratch = Arc::new(Scratch::new("exports"));
    let path: PathBuf = scratch.path().join("exports");
    let storage = Storage::open(&StorageConfig::Directory { path }).expect("a directory");
    let to = storage.clone();
    let world = World::with(|state| state.exporting(to)).await;
    House { world, storage, _scratch: scratch }
}

impl House {
    async fn with_usage() -> Self {
        let house = house().await;
        for name in ["lab", "neighbour"] {
            house.world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
            let reading = json!({
                "source": "s", "id": name, "meter": "storage", "tenant": name, "project": format!("{name}-project"),
                "quantity": 7_200, "unit": "gib_second", "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
            });
            house.world.post("/v1/readings", reading).await.expect(200);
        }
        let price = json!({ "sku": "meter/storage/default", "unit": "gib_second", "price": "0.10", "from": "2026-03-01T00:00:00Z" });
        house.world.post("/v1/prices", price).await;
        house
    }

    async fn make(&self, schedule: &[(Dataset, Format)]) -> usize {
        let made = exports::run(&self.world.db, &self.storage, schedule, self.world.now()).await;
        made.expect("the job runs")
    }

    async fn ask(&self, body: Value) -> String {
        let asked = self.world.post("/v1/exports", body).await.expect(202);
        assert_eq!((&asked["state"], &asked["manifest"]), (&json!("pending"), &Value::Null));
        asked["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn what_is_asked_for_is_made_and_given() {
    let house = House::with_usage().await;
    let id = house.ask(json!({ "dataset": "usage_hours", "period": "2026-03" })).await;
    let file = format!("/v1/exports/{id}/files/usage_hours-2026-03-10.csv");
    assert_eq!(house.world.get(&file).await.problem().0, 404, "it is not made yet");
    assert_eq!(house.make(&[]).await, 1);
    let done = house.world.get(&format!("/v1/exports/{id}")).await.expect(200);
    assert_eq!((&done["state"], &done["files_done"], &done["files_total"]), (&json!("done"), &json!(31), &json!(31)));
    let entry = done["manifest"]["files"][9].clone();
    assert_eq!((&entry["name"], &entry["rows"]), (&json!("usage_hours-2026-03-10.csv"), &json!(2)));
    let given = house.world.get(&file).await;
    assert_eq!(given.status.as_u16(), 200);
    assert_eq!(hex(&given.body), entry["sha256"].as_str().expect("a digest"));
    assert!(given.text().contains("lab-project") && given.text().contains(",7200,"), "{}", given.text());
    // Asked for again with nothing new, the same version answers; with something new, a next one that names it.
    let again = house.ask(json!({ "dataset": "usage_hours", "period": "2026-03" })).await;
    house.make(&[]).await;
    let again = house.world.get(&format!("/v1/exports/{again}")).await.expect(200);
    assert_eq!(again["manifest"], done["manifest"]);
    let reading = json!({
        "source": "s", "id": "late", "meter": "storage", "tenant": "lab", "quantity": 1, "unit": "gib_second",
        "from": "2026-03-02T12:00:00Z", "to": "2026-03-02T12:30:00Z",
    });
    house.world.post("/v1/readings", reading).await.expect(200);
    let next = house.ask(json!({ "dataset": "usage_hours", "period": "2026-03" })).await;
    house.make(&[]).await;
    let next = house.world.get(&format!("/v1/exports/{next}")).await.expect(200);
    let manifest = &next["manifest"];
    assert_eq!((&manifest["version"], &manifest["replaces"]["version"]), (&json!(2), &json!(1)));
    assert_eq!(manifest["files"][9], entry, "what did not change stays where it was");
    assert_eq!(manifest["files"][1]["path"], "v2/usage_hours-2026-03-02.csv");
    let list = house.world.get("/v1/exports").await.expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(3));
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_customer_is_told_of_nobody_else() {
    let house = House::with_usage().await;
    let id = house.ask(json!({ "dataset": "focus", "period": "2026-03", "account": "lab", "format": "csv" })).await;
    house.make(&[]).await;
    let file = house.world.get(&format!("/v1/exports/{id}/files/focus-0001.csv")).await;
    let lab = house.world.tenant_key("lab").await;
    let own = house.world.call("GET", "/v1/tenants/lab/focus?period=2026-03", Some(&lab), None).await;
    assert_eq!(own.text(), file.text(), "one and the same function");
    assert!(own.text().contains("lab-project") && !own.text().contains("neighbour"), "{}", own.text());
    let parquet = house.world.call("GET", "/v1/tenants/lab/focus?format=parquet", Some(&lab), None).await;
    assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"));
    assert_eq!(house.world.call("GET", "/v1/exports", Some(&lab), None).await.problem().0, 403);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let house = House::with_usage().await;
    let refused = async |path: &str, body: Value| house.world.post(path, body).await.problem().2;
    assert_eq!(refused("/v1/exports", json!({ "dataset": "everything", "period": "2026-03" })).await, "dataset");
    assert_eq!(refused("/v1/exports", json!({ "dataset": "focus", "period": "March" })).await, "period");
    assert_eq!(
        refused("/v1/exports", json!({ "dataset": "focus", "period": "2026-03", "format": "xlsx" })).await,
        "format"
    );
    assert_eq!(
        refused("/v1/exports", json!({ "dataset": "focus", "period": "2026-03", "account": "nobody" })).await,
        "account"
    );
    assert_eq!(
        refused("/v1/exports", json!({ "dataset": "journal", "period": "2026-03", "account": "lab" })).await,
        "account"
    );
    assert_eq!(
        refused("/v1/issuers/default/closings", json!({ "period": "2026-03" })).await,
        "period",
        "it has not ended"
    );
    let closed = house.world.post("/v1/issuers/default/closings", json!({ "period": "2026-02" })).await.expect(200);
    assert_eq!(closed["closed_now"], true);
    let closed = house.world.post("/v1/issuers/default/closings", json!({ "period": "2026-02" })).await.expect(200);
    assert_eq!(closed["closed_now"], false);
    let put = async |body: Value| {
        house.world.call("PUT", "/v1/issuers/default/ledger-accounts", Some(&house.world.operator), Some(body)).await
    };
    assert_eq!(put(json!({ "revenue": { "number": "70" } })).await.problem().0, 422);
    assert_eq!(put(json!({ "profit": { "number": "706100" } })).await.problem().0, 422);
    let own = json!({ "revenue": { "number": "706100", "label": "GPU" } });
    assert_eq!(put(own.clone()).await.expect(200), own);
    assert_eq!(house.world.get("/v1/issuers/default/ledger-accounts").await.expect(200), own);
    // Without a place for them, nothing can be asked for.
    let bare = World::new().await;
    bare.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    assert_eq!(bare.post("/v1/exports", json!({ "dataset": "focus", "period": "2026-03" })).await.problem().0, 404);
}

/// A month that was billed is taken away by itself, once.
#[tokio::test]
async fn the_schedule_asks_once_a_month_is_billed() {
    let house = House::with_usage().await;
    let schedule = [(Dataset::Focus, Format::Parquet), (Dataset::MonthEnd, Format::Csv)];
    assert_eq!(house.make(&schedule).await, 0, "no month is billed");
    house.world.set_now("2026-04-03T06:00:00Z");
    let mut tx = house.world.db.begin_app().await.expect("begins");
    let issuer = releve_store::customers::issuers(&mut tx).await.expect("issuers").remove(0);
    tx.commit().await.expect("commits");
    let order = releve_jobs::Order::new(issuer.id, issuer.zone.month("2026-03".parse().expect("a month")));
    releve_jobs::issue(&house.world.db, order, house.world.now()).await.expect("billed");
    assert_eq!(house.make(&schedule).await, 2);
    assert_eq!(house.make(&schedule).await, 0, "once");
    let list = house.world.get("/v1/exports").await.expect(200);
    for export in list["items"].as_array().expect("exports") {
        assert_eq!((&export["state"], &export["requested_by"]), (&json!("done"), &json!("schedule")), "{export}");
    }
}
