//! Is the API what its document says? The document is kept, so that a change of it is seen; codes have their pages.

use std::{collections::BTreeMap, fs, path::Path};

use releve_api::{Code, openapi};

use crate::{scopes::operations, world::World};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

#[test]
fn the_kept_document_is_the_one_that_is_served() {
    let served = openapi().to_pretty_json().expect("a document") + "\n";
    let path = Path::new(DOCS).join("openapi.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &served).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == served,
        "docs/openapi.json is out of date: run UPDATE_EXPECT=1 cargo test -p releve-api and look at the difference"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut named = BTreeMap::new();
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().expect("a name").to_owned();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        if let Some(other) = named.insert(name.clone(), path.clone()) {
            panic!("{name} is {method} {path} and {other}");
        }
    }
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut pages: Vec<String> = fs::read_dir(Path::new(DOCS).join("errors"))
        .expect("docs/errors")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    pages.sort();
    let codes: Vec<String> = Code::ALL.iter().map(|code| format!("{}.md", code.as_str())).collect();
    assert_eq!(pages, codes, "in the order of the alphabet, both");
    for code in Code::ALL {
        let head = format!("# {}\n\n`{}` · HTTP {}\n", code.title(), code.as_str(), code.status().as_u16());
        assert!(code.page().starts_with(&head), "{}: the page begins with {head}", code.as_str());
        assert!(code.page().contains("**What to do:**"), "{}", code.as_str());
        assert!(!code.status().is_success());
    }
}

#[test]
fn every_refused_price_and_contract_is_explained() {
    let pages = [Code::PriceRefused, Code::ContractRefused, Code::CurrencyRefused].map(Code::page).concat();
    for reason in [
        "not_a_decimal",
        "negative_price",
        "price_too_fine",
        "price_too_large",
        "unknown_currency",
        "unknown_model",
        "unknown_rounding",
        "tier_count",
        "tiers_not_ascending",
        "last_tier_ends",
        "open_tier_not_last",
        "not_whole_hour",
        "wrong_unit",
        "rounding_without_time",
        "rounding_of_package",
        "package_size",
        "two_prices_at_once",
        "price_in_the_past",
        "two_terms_at_once",
        "term_in_the_past",
        "mixed_currencies",
    ] {
        assert!(pages.contains(&format!("`{reason}`")), "{reason}");
    }
}

#[tokio::test]
async fn what_is_public_is_served_and_hardened() {
    let world = World::new().await;
    let document = world.call("GET", "/v1/openapi.json", None, None).await;
    assert!(document.expect(200)["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_eq!(world.call("GET", "/healthz", None, None).await.expect(200)["status"], "ok");
    assert_eq!(world.call("GET", "/readyz", None, None).await.expect(200)["status"], "ready");
    let page = world.call("GET", "/v1/errors/price_refused", None, None).await;
    assert!(page.status.is_success() && page.text().starts_with("# The price"));
    for answer in [document, page, world.call("GET", "/nothing", None, None).await] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.headers.get(name).expect(name), value);
        }
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable_and_comes_back() {
    let world = World::new().await;
    let cut = || {
        world.database.sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
    };
    cut();
    let answer = world.call("GET", "/readyz", None, None).await;
    assert!([200, 503].contains(&answer.status.as_u16()), "{}", answer.text());
    world.call("GET", "/readyz", None, None).await.expect(200);
    world.get("/v1/tenants").await.expect(200);
}
