//! What the program answers at the command line.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::common::Program;

fn agent(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_releve-agent"));
    command.args(arguments).envs(environment.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn check<'a>(diagnosis: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    diagnosis["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap()
}

/// No process listens on the discard port of the loopback.
fn program(dir: &Path) -> Program {
    Program::new(
        dir,
        "http://127.0.0.1:9",
        "[[device]]\ngpu = \"GPU-00000000-0000-0000-0000-000000000001\"\nmodel = \"H100\"\n",
    )
}

#[test]
fn a_key_is_made_printed_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.key");
    let made = agent(&["keygen", "--json", "--out", path.to_str().unwrap()], &[]);
    assert!(made.status.success());
    let printed = json(&made);
    let key = releve_agent::NodeKey::read(&path).unwrap();
    assert_eq!(printed["keyid"], key.keyid);
    assert_eq!(printed["public_key"], hex::encode(key.public_key()));
    assert!(!text(&made.stdout).contains(fs::read_to_string(&path).unwrap().trim()), "the secret stays in the file");
    assert!(!agent(&["keygen", "--out", path.to_str().unwrap()], &[]).status.success());
}

#[test]
fn the_doctor_says_what_is_there_and_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    let config = program.config.to_str().unwrap();
    let well = agent(&["doctor", "--json", "--config", config], &[]);
    let diagnosis = json(&well);
    assert!(well.status.success(), "{diagnosis}");
    assert_eq!(diagnosis["ok"], true);
    assert_eq!(check(&diagnosis, "probe")["found"], "scripted: 1 GPUs, 0 MIG slices, 0 holds");
    assert_eq!(check(&diagnosis, "publish")["verdict"], "warning", "nobody listens there, and reports can wait");
    assert!(check(&diagnosis, "clock")["found"].as_str().unwrap().starts_with("synchronised: "));
    assert_eq!(diagnosis["devices"][0]["gpu"], "GPU-00000000-0000-0000-0000-000000000001");
    assert!(!program.data_dir.exists(), "the doctor leaves nothing behind");

    let no_driver = [("RELEVE_AGENT_PROBE__NVML__LIBRARY", "/nonexistent/libnvidia-ml.so.1")];
    let ill = agent(&["doctor", "--json", "--config", config], &no_driver);
    assert!(!ill.status.success());
    let diagnosis = json(&ill);
    let found = check(&diagnosis, "probe")["found"].as_str().unwrap();
    assert!(found.contains("there is no NVIDIA driver on this node"), "{found}");
    let shown = text(&agent(&["doctor", "--config", config], &no_driver).stdout);
    assert!(shown.contains("MISSING  probe"), "{shown}");

    let nowhere = agent(&["doctor", "--json", "--config", "/nonexistent/agent.toml"], &[]);
    assert!(!nowhere.status.success());
    assert_eq!(json(&nowhere)["checks"][0]["verdict"], "missing");
}

#[test]
fn without_a_driver_the_agent_says_so_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path());
    let no_driver = [("RELEVE_AGENT_PROBE__NVML__LIBRARY", "/nonexistent/libnvidia-ml.so.1")];
    let stopped = agent(&["run", "--config", program.config.to_str().unwrap()], &no_driver);
    assert!(!stopped.status.success());
    let said = text(&stopped.stderr);
    assert!(said.contains("there is no NVIDIA driver on this node"), "{said}");
}

#[test]
fn the_example_and_the_version_are_printed() {
    assert_eq!(text(&agent(&["example-config"], &[]).stdout), releve_agent::config::EXAMPLE);
    let version = format!("releve-agent {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&agent(&["--version"], &[]).stdout), version);
}
