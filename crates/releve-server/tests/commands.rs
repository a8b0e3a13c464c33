//! Do the commands keep their word to programs? Each run is the built binary, on an embedded database of its own.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

/// Runs `releve` with nothing of the caller's settings; its result's object, or what it said as it failed.
fn releve(arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_releve"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("RELEVE_") || name == "DATABASE_URL" || name == "AMQP_URL" {
            command.env_remove(name);
        }
    }
    let output = command.args(arguments).output().expect("the binary runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        assert_eq!(out, "", "a failure has no result");
        return Err(err.into_owned());
    }
    Ok(serde_json::from_str(&out).unwrap_or_else(|error| panic!("one JSON object: {error}\n{out}")))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Two virtual clusters: 2 GPUs all the month, and 3 for 90 minutes of the 20th.
const TRACE: &str = "minute_utc_assumed,vc,running_gpu_num\n\
                     2020-05-01 00:00:00,vcA,2\n\
                     2020-05-20 10:15:00,vcB,3\n\
                     2020-05-20 11:45:00,vcB,0\n";
const MAY_MINUTES: i64 = 31 * 24 * 60;

fn trace(dir: &Path) -> String {
    let path = dir.join("trace.csv");
    std::fs::write(&path, TRACE).expect("a writable directory");
    text(&path).to_owned()
}

#[test]
fn no_total_moves_however_often_a_trace_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, data) = (trace(dir.path()), dir.path().join("data"));
    let replay = |more: &[&str]| {
        let fixed = ["replay", "--json", "--trace", &trace, "--data", text(&data)];
        releve(&[&fixed, more].concat()).unwrap()
    };
    let billed = serde_json::json!({ "total": 2 * MAY_MINUTES + 270, "vcA": 2 * MAY_MINUTES, "vcB": 270 });

    let first = replay(&["--window", "1h"]);
    assert_eq!(first["billed_gpu_minutes"], billed);
    assert_eq!(first["billed_gpu_ms"], first["expected_gpu_ms"]);
    assert_eq!((&first["reports"], &first["duplicates"], &first["quarantined"]), (&744.into(), &0.into(), &0.into()));
    let invoices = first["invoices"].as_array().unwrap();
    let mut totals: Vec<(&str, &str)> =
        invoices.iter().map(|i| (i["tenant"].as_str().unwrap(), i["total"].as_str().unwrap())).collect();
    totals.sort_unstable();
    assert_eq!(totals, [("vcA", "2678.40"), ("vcB", "8.10")], "1,488 and 4.5 GPU-hours at 1.80");

    let again = replay(&["--window", "1h"]);
    assert_eq!((&again["duplicates"], &again["counted"]), (&744.into(), &0.into()));
    let quarters = replay(&["--window", "15m"]);
    assert_eq!((&quarters["quarantined"], &quarters["counted"]), (&(4 * 744).into(), &0.into()));
    let minutes = replay(&["--window", "60s", "--day", "2020-05-20"]);
    assert_eq!((&minutes["quarantined"], &minutes["counted"]), (&1_440.into(), &0.into()));
    for later in [again, quarters, minutes] {
        assert_eq!(later["billed_gpu_minutes"], billed);
        assert_eq!(later["invoices"], first["invoices"]);
    }
}

#[test]
fn a_day_by_the_minute_and_with_jitter_to_the_millisecond() {
    let dir = tempfile::tempdir().unwrap();
    let trace = trace(dir.path());
    let fixed = ["replay", "--json", "--trace", &trace, "--day", "2020-05-20"];
    let day = releve(&[&fixed[..], &["--window", "60s"]].concat()).unwrap();
    assert_eq!(day["billed_gpu_minutes"], serde_json::json!({ "total": 2 * 1_440 + 270, "vcA": 2_880, "vcB": 270 }));

    let moved = releve(&[&fixed[..], &["--window", "15m", "--jitter", "5"]].concat()).unwrap();
    assert_eq!(moved["billed_gpu_ms"], moved["expected_gpu_ms"]);
    assert_ne!(moved["billed_gpu_ms"], day["billed_gpu_ms"]);
    let other = releve(&[&fixed[..], &["--window", "1h", "--jitter", "6"]].concat()).unwrap();
    assert_ne!(moved["billed_gpu_ms"], other["billed_gpu_ms"]);
}

#[test]
fn what_can_not_be_replayed_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let trace = trace(dir.path());
    let bad = dir.path().join("bad.csv");
    std::fs::write(&bad, TRACE.replace("vcB,3", "vcB,three")).unwrap();
    for (arguments, says) in [
        (vec!["--trace", text(&bad)], "row 3: running_gpu_num 'three' is no number of GPUs"),
        (vec!["--trace", "/nowhere/trace.csv"], "/nowhere/trace.csv"),
        (vec!["--trace", &trace, "--day", "2020-06-01"], "is not in the trace's month"),
        (vec!["--trace", &trace, "--window", "7m"], "7m"),
    ] {
        let error = releve(&[vec!["replay", "--json"], arguments].concat()).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn the_demo_ends_with_invoices_and_their_documents() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), dir.path().join("out"));
    let demo = ["demo", "--exit", "--json", "--month", "2026-02", "--data", text(&data), "--out", text(&out)];
    let first = releve(&demo).unwrap();
    let tenants = first["tenants"].as_array().unwrap();
    let invoices = first["invoices"].as_array().unwrap();
    // Eight that use something, and one that waits: nobody knows where it is.
    assert_eq!((tenants.len(), invoices.len()), (9, 10));
    let parked = first["parked"].as_array().unwrap();
    assert!(parked.len() == 1 && parked[0].as_str().is_some_and(|p| p.contains("account.country")), "{parked:?}");
    let of_kind = |kind: &str| invoices.iter().filter(|i| i["kind"] == kind).map(|i| &i["account"]).collect::<Vec<_>>();
    assert_eq!(
        (of_kind("credit_note"), of_kind("correction")),
        (vec![&json!("Brio Studio")], vec![&json!("Delta Search")])
    );
    for tenant in tenants {
        assert!(tenant["gpu_ms"].is_i64() && tenant["amount"].is_string(), "{tenant}");
    }
    for of in invoices {
        let number = of["number"].as_str().unwrap();
        let document = std::fs::read_to_string(out.join(format!("{number}.json"))).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["number"], of["number"]);
        assert!(std::fs::read_to_string(out.join(format!("{number}.html"))).unwrap().contains(number));
        let shown = releve(&["invoice", "show", number, "--data", text(&data)]).unwrap();
        assert_eq!(shown, document);
    }
    assert!(first["suspense_gpu_ms"].as_i64().is_some_and(|ms| ms > 0), "somebody is not mapped");

    let again = releve(&demo).unwrap();
    assert_eq!(again["duplicates"], first["reports"]);
    assert_eq!((&again["tenants"], &again["invoices"]), (&first["tenants"], &first["invoices"]));
}

#[test]
fn the_api_describes_itself() {
    let document = releve(&["openapi"]).unwrap();
    assert_eq!(document["openapi"].as_str().map(|v| &v[..3]), Some("3.1"));
    assert!(document["paths"]["/v1/tenants"]["post"].is_object());
}

#[test]
fn roles_want_a_server() {
    let error = releve(&["serve", "all"]).unwrap_err();
    assert!(error.contains("DATABASE_URL"), "{error}");
}
