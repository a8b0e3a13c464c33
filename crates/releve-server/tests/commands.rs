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
    // Two paid in advance: one all that it owes, the other a part. What draws on it names what they got for it.
    let deposits = first["deposits"].as_array().unwrap();
    assert!(deposits.len() == 2 && deposits.iter().all(|of| of["kind"] == "deposit"), "{deposits:?}");
    for tenant in tenants {
        assert!(tenant["gpu_ms"].is_i64() && tenant["amount"].is_string(), "{tenant}");
    }
    let mut named = Vec::new();
    for of in invoices.iter().chain(deposits) {
        let number = of["number"].as_str().unwrap();
        let document = std::fs::read_to_string(out.join(format!("{number}.json"))).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["number"], of["number"]);
        named.extend(
            document["advances"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|a| a["deposit"]["number"].as_str().map(str::to_owned)),
        );
        assert!(std::fs::read_to_string(out.join(format!("{number}.html"))).unwrap().contains(number));
        let shown = releve(&["invoice", "show", number, "--data", text(&data)]).unwrap();
        assert_eq!(shown, document);
    }
    assert!(first["suspense_gpu_ms"].as_i64().is_some_and(|ms| ms > 0), "somebody is not mapped");
    every_pack_holds(&out, invoices);
    every_electronic_invoice_passes(&out, &[&invoices[..], deposits].concat());
    named.sort_unstable();
    assert_eq!(named, deposits.iter().map(|of| of["number"].as_str().unwrap()).collect::<Vec<_>>());

    let again = releve(&demo).unwrap();
    assert_eq!(again["duplicates"], first["reports"]);
    assert_eq!((&again["tenants"], &again["invoices"]), (&first["tenants"], &first["invoices"]));
}

/// Each invoice is made again of its evidence pack; of all but what was assigned anew since, the reports show the usage.
fn every_pack_holds(out: &Path, invoices: &[Value]) {
    let packs = invoices.iter().map(|of| out.join(format!("{}.pack.tar", of["number"].as_str().expect("a text"))));
    let packs: Vec<String> = packs.map(|pack| text(&pack).to_owned()).collect();
    let asked: Vec<&str> = ["verify", "--json"].into_iter().chain(packs.iter().map(String::as_str)).collect();
    let verdicts = releve(&asked).expect("they hold");
    let (mut amounts, mut usage) = (0, 0);
    for of in verdicts.as_array().expect("a list") {
        assert_eq!(of["holds"], json!(true), "{of}");
        for step in of["verdict"]["steps"].as_array().expect("a list") {
            amounts += usize::from(step["step"] == "amounts" && step["outcome"] == "holds");
            usage += usize::from(step["step"] == "usage" && step["outcome"] == "holds");
        }
    }
    // One used nothing, and a correction is of what a rule assigned anew.
    assert_eq!((amounts, usage), (invoices.len(), invoices.len() - 2));
    let first = std::fs::read(&packs[0]).expect("a file of ours");
    let (half, changed) = (first.len() / 2, out.join("changed.tar"));
    let body: Vec<u8> = first.iter().enumerate().map(|(n, byte)| if n == half { byte ^ 1 } else { *byte }).collect();
    std::fs::write(&changed, body).expect("a file of ours");
    let verify = Command::new(env!("CARGO_BIN_EXE_releve")).args(["verify", text(&changed)]).output().expect("it runs");
    let (said, error) = (String::from_utf8_lossy(&verify.stdout), String::from_utf8_lossy(&verify.stderr));
    assert!(!verify.status.success() && said.contains("FAILS") && error.contains("1 of 1"), "{said}{error}");
}

/// The official schemas and rules find nothing wrong with what the demo sends.
fn every_electronic_invoice_passes(out: &Path, invoices: &[Value]) {
    let (suite, named) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/einvoice"), out.join("named"));
    std::fs::create_dir(&named).expect("a file of ours");
    for of in invoices {
        let number = of["number"].as_str().expect("a text");
        let document = std::fs::read_to_string(out.join(format!("{number}.json"))).expect("a file of ours");
        let document: Value = serde_json::from_str(&document).expect("a file of ours");
        // What a consumer elsewhere is charged is reported to France's platforms, not sent.
        let profile = if document["account"]["country"] == "ES" { "en" } else { "fr" };
        for syntax in ["ubl", "cii"] {
            let to = named.join(format!("{number}.{profile}.{syntax}.xml"));
            std::fs::copy(out.join(format!("{number}.{syntax}.xml")), to).expect("a file of ours");
        }
    }
    let python = std::env::var("RELEVE_EINVOICE_PYTHON").unwrap_or_else(|_| {
        let made = Command::new(suite.join("setup")).output().expect("it runs");
        assert!(made.status.success(), "no validators: run tests/einvoice/setup and see what it asks for");
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    });
    let said = Command::new(python).arg(suite.join("validate.py")).arg(&named).output().expect("it runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    let found: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a file of ours")).collect();
    assert_eq!(found.len(), 2 * invoices.len());
    for file in &found {
        let fatal = file["rules"].as_array().expect("a list").iter().filter(|rule| rule["flag"] == "fatal").count();
        assert_eq!((&file["xsd"], fatal), (&json!([]), 0), "{file}");
    }
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
