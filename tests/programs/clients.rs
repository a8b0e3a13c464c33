//! Are the clients what the API's document says, and do they keep their word? What is made is made again and compared; the
//! Python is checked for its types, and its own tests are run. Those of the Rust client stand beside it.

use std::{path::PathBuf, process::Command};

use releve_tests::{place::Scratch, tool};

use crate::root;

pub fn python_dir() -> PathBuf {
    root().join("crates/releve-client/python")
}

fn succeeds(command: &mut Command) {
    let done = command.env("PYTHONDONTWRITEBYTECODE", "1").env("no_proxy", "127.0.0.1").output();
    let done = done.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}\n{out}\n{err}");
}

#[test]
fn the_kept_clients_are_what_the_document_says() {
    succeeds(Command::new(root().join("tests/clients/generate")).arg("--check"));
}

#[test]
fn the_python_client_keeps_its_word() {
    let tests = ["-m", "unittest", "tests/test_client.py"];
    succeeds(Command::new("python3").args(tests).current_dir(python_dir()));
}

#[test]
fn types_hold_in_python() {
    let mypy = tool::path("RELEVE_MYPY", "clients/setup");
    let scratch = Scratch::new("mypy");
    let check = |files: &[&str], dir: PathBuf| {
        let mut command = Command::new(&mypy);
        command.args(["--strict", "--cache-dir"]).arg(scratch.dir("cache")).args(files);
        succeeds(command.env("MYPYPATH", ".").current_dir(dir));
    };
    check(&["releve_client", "tests/test_client.py"], python_dir());
    // Each is a program of its own.
    for example in ["portal_backend", "finance_export", "alert_receiver"] {
        check(&[&format!("examples/{example}.py")], python_dir());
    }
    check(&["generate"], root().join("tests/clients"));
}
