//! Is the house in order? Which crate may use which, how long files are, what each README says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The allowed edges: who may use whom. A new one is argued for in docs/adr/.
const EDGES: [(&str, &[&str]); 19] = [
    ("types", &[]),
    ("wire", &["types"]),
    ("metering", &["types", "wire"]),
    ("billing", &["types"]),
    ("finance", &["types", "billing"]),
    // The way over from another system: what its rows become, decided apart from whoever writes it down.
    ("lago", &["types", "billing"]),
    ("documents", &["types", "billing", "finance"]),
    ("broker", &["types"]),
    ("store", &["types", "wire", "metering", "billing", "finance"]),
    ("outbound", &["types"]),
    // Whoever depends on it gets an HTTP client, and nothing of the server's.
    ("client", &[]),
    ("agent", &["types", "wire", "broker"]),
    ("aggregator", &["types", "wire", "metering", "broker", "store"]),
    ("verify", &["types", "wire", "billing"]),
    (
        "jobs",
        &["types", "wire", "metering", "billing", "finance", "documents", "broker", "store", "outbound", "verify"],
    ),
    // Signing in with an identity provider is a conversation within a request: docs/adr says why.
    (
        "api",
        &[
            "types",
            "wire",
            "metering",
            "billing",
            "finance",
            "lago",
            "documents",
            "store",
            "aggregator",
            "jobs",
            "outbound",
        ],
    ),
    // The pages show what the API answers: they ask its router and read its JSON.
    ("portal", &["types"]),
    ("sim", &["types", "wire", "agent"]),
    (
        "server",
        &[
            "types",
            "wire",
            "metering",
            "billing",
            "lago",
            "documents",
            "broker",
            "store",
            "outbound",
            "agent",
            "aggregator",
            "jobs",
            "api",
            "portal",
            "sim",
            "verify",
        ],
    ),
];

/// What a crate that decides must not touch: run times, servers, clocks, logs.
const PURE: [&str; 8] = ["types", "wire", "metering", "billing", "finance", "lago", "documents", "verify"];
const NOT_IN_PURE: [&str; 10] =
    ["tokio", "sqlx", "lapin", "axum", "reqwest", "tracing", "metrics", "object_store", "futures-util", "time"];

/// A file longer than this is listed; past the second it fails. A signal to think, not a rule to please.
const FILE_LINES_LISTED: usize = 300;
const FILE_LINES_MAX: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Each crate's normal dependencies, by name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let normal = |package: &Value| {
        let all = package["dependencies"].as_array().expect("dependencies").iter();
        let names = all.filter(|d| d["kind"].is_null()).filter_map(|d| d["name"].as_str().map(str::to_owned));
        names.collect::<BTreeSet<_>>()
    };
    packages.iter().map(|p| (p["name"].as_str().expect("a name").to_owned(), normal(p))).collect()
}

#[test]
fn crates_use_only_what_they_may() {
    let all = dependencies();
    let known: BTreeSet<String> = EDGES.iter().map(|(name, _)| format!("releve-{name}")).collect();
    let crates: BTreeSet<String> = all.keys().filter(|name| *name != "releve-tests").cloned().collect();
    assert_eq!(crates, known, "every crate has a line in the table of edges");
    for (name, allowed) in EDGES {
        let allowed: BTreeSet<String> = allowed.iter().map(|a| format!("releve-{a}")).collect();
        let used = all[&format!("releve-{name}")].iter().filter(|d| d.starts_with("releve-")).cloned().collect();
        let beyond: Vec<&String> = BTreeSet::difference(&used, &allowed).collect();
        assert!(beyond.is_empty(), "releve-{name} may not use {beyond:?}");
    }
}

#[test]
fn crates_that_decide_touch_nothing() {
    let all = dependencies();
    for name in PURE {
        let used = &all[&format!("releve-{name}")];
        let touched: Vec<&&str> = NOT_IN_PURE.iter().filter(|d| used.contains(**d)).collect();
        assert!(touched.is_empty(), "releve-{name} is pure and uses {touched:?}");
    }
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    rust_files(&root().join("crates"), &mut files);
    rust_files(&root().join("tests"), &mut files);
    let name = |p: &PathBuf| p.strip_prefix(root()).expect("inside").display().to_string();
    files.iter().map(|p| (name(p), fs::read_to_string(p).expect("text"))).collect()
}

#[test]
fn files_stay_readable() {
    let mut long: Vec<(usize, String)> = sources()
        .into_iter()
        // What is made is read by compilers.
        .filter(|(name, _)| !name.contains("/generated/"))
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(n, _)| *n > FILE_LINES_LISTED)
        .collect();
    long.sort_unstable_by(|a, b| b.cmp(a));
    println!("files over {FILE_LINES_LISTED} lines:");
    for (lines, name) in &long {
        println!("{lines:>6} {name}");
    }
    assert!(long.first().is_none_or(|(lines, _)| *lines <= FILE_LINES_MAX), "{:?} is too long", long.first());
}

#[test]
fn every_file_says_what_it_answers() {
    for (name, text) in sources() {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!") || first.starts_with("#![doc"), "{name} begins with {first:?}");
    }
}

#[test]
fn every_crate_says_what_it_owns() {
    for (name, _) in EDGES {
        let path = root().join(format!("crates/releve-{name}/README.md"));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for part in ["Owns", "Does not own", "Invariants", "Start reading at"] {
            assert!(text.contains(part), "{} lacks '{part}'", path.display());
        }
    }
}

/// The API's description knows a type by its name alone: of two that share one, one would be described as the other.
#[test]
fn the_apis_types_have_names_of_their_own() {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("crates/releve-api/src")) {
        let lines: Vec<&str> = text.lines().collect();
        for (at, _) in
            lines.iter().enumerate().filter(|(_, line)| line.contains("derive(") && line.contains("ToSchema"))
        {
            let item =
                lines[at..].iter().find_map(|line| line.split_once("struct ").or_else(|| line.split_once("enum ")));
            let Some((_, rest)) = item else { continue };
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
            if let Some(other) = named.insert(name.clone(), file.clone()) {
                panic!("{name} is in {other} and in {file}");
            }
        }
    }
    assert!(named.len() > 50, "they are found: {}", named.len());
}

#[test]
fn nothing_is_left_for_later() {
    // Spelled apart, so that this file passes its own test.
    let banned =
        [["to", "do!("].concat(), ["unimplemented", "!("].concat(), ["FIX", "ME"].concat(), ["#[ign", "ore"].concat()];
    for (name, text) in sources() {
        for word in &banned {
            assert!(!text.contains(word.as_str()), "{name} holds {word}");
        }
    }
}

/// Each test that docs/security.md names, as `file::function` or `file::*`, is there.
#[test]
fn what_shows_that_something_is_held_is_there() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("a page");
    let mut files = sources();
    let python = "crates/releve-client/python/tests/test_client.py";
    files.push((python.to_owned(), fs::read_to_string(root().join(python)).expect("text")));
    let mut named = 0;
    for shown in text.split('`').skip(1).step_by(2) {
        let Some((file, test)) = shown.split_once("::") else { continue };
        let of = |path: &str| {
            let mut parts = path.split('/').rev();
            parts.next().and_then(|name| name.split('.').next()) == Some(file) || parts.any(|part| part == file)
        };
        let is_there = |text: &str| test == "*" || text.contains(&format!(" {test}("));
        assert!(files.iter().any(|(path, text)| of(path) && is_there(text)), "docs/security.md names {shown}");
        named += 1;
    }
    assert!(named > 100, "they are found: {named}");
}

/// A patch that no longer applies breaks nothing, and `tests/mutants/run` would be the last to say so.
#[test]
fn the_patches_that_break_the_program_apply() {
    let mut patches: Vec<PathBuf> = fs::read_dir(root().join("tests/mutants"))
        .expect("patches")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "patch"))
        .collect();
    patches.sort();
    assert_eq!(patches.len(), 4, "{patches:?}");
    for patch in patches {
        let checked = Command::new("git").args(["apply", "--check"]).arg(&patch).current_dir(root()).output();
        let checked = checked.expect("git runs");
        assert!(checked.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn the_root_holds_no_stray_files() {
    let allowed = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "crates",
        "deny.toml",
        "deploy",
        "docker-compose.yml",
        "docs",
        "migrations",
        "rustfmt.toml",
        "target",
        "tests",
    ];
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git runs");
    let files = String::from_utf8_lossy(&listed.stdout).into_owned();
    let tops: BTreeSet<&str> =
        files.lines().filter_map(|f| f.split('/').next()).filter(|f| !f.starts_with('.')).collect();
    let stray: Vec<&&str> = tops.iter().filter(|t| !allowed.contains(t)).collect();
    assert!(stray.is_empty(), "{stray:?}");
}
