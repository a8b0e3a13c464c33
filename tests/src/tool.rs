//! Where is what the suite does not bring itself? Where somebody says that it is, or where its set-up puts it.

use std::{env, path::Path, process::Command};

/// The path that the variable names: whoever sets it has installed what is there. Without it, what `tests/<setup>` prints, which
/// installs it unless it is there.
pub fn path(variable: &str, setup: &str) -> String {
    if let Ok(path) = env::var(variable) {
        return path;
    }
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join(setup);
    let made = Command::new(setup).output().expect("bash runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}
