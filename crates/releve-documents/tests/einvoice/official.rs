//! What do the official schemas and rules say of our documents? One run of `tests/einvoice/validate.py` over many files.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use releve_documents::einvoice::{EInvoice, Profile, cii, ubl};
use serde_json::Value;

/// What was found wrong with one document in one syntax.
#[derive(Debug, Default)]
pub struct Finding {
    pub xsd: Vec<String>,
    /// Id and text of each rule that is fatal.
    pub rules: Vec<(String, String)>,
}

impl Finding {
    pub fn is_clean(&self) -> bool {
        self.xsd.is_empty() && self.rules.is_empty()
    }
}

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/einvoice")
}

/// The Python that has the artefacts: the suite's, else the one that its set-up makes.
fn python() -> PathBuf {
    if let Some(python) = env::var_os("RELEVE_EINVOICE_PYTHON") {
        return python.into();
    }
    let made =
        Command::new(suite().join("setup")).stderr(Stdio::inherit()).output().expect("tests/einvoice/setup runs");
    assert!(made.status.success(), "no validators: run tests/einvoice/setup and see what it asks for");
    PathBuf::from(String::from_utf8_lossy(&made.stdout).trim())
}

/// Each document in both syntaxes, by name and syntax.
pub fn validated(documents: &[(String, EInvoice)]) -> BTreeMap<(String, &'static str), Finding> {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, invoice) in documents {
        assert!(!name.contains('.'), "{name}: points part the name from what it says of the file");
        let profile = match invoice.profile {
            Profile::En16931 => "en",
            Profile::FranceCtc => "fr",
        };
        for (syntax, text) in [("ubl", ubl(invoice)), ("cii", cii(invoice))] {
            fs::write(dir.path().join(format!("{name}.{profile}.{syntax}.xml")), text).expect("a file");
        }
    }
    let output = Command::new(python()).arg(suite().join("validate.py")).arg(dir.path()).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: BTreeMap<_, _> = String::from_utf8_lossy(&output.stdout).lines().map(finding).collect();
    assert_eq!(said.len(), 2 * documents.len(), "two files a document");
    said
}

fn finding(line: &str) -> ((String, &'static str), Finding) {
    let said: Value = serde_json::from_str(line).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = |name: &str| said[name].as_array().expect("a list").clone();
    let file = text(&said["file"]);
    let name = file.split('.').next().expect("a name").to_owned();
    let syntax = if file.ends_with(".ubl.xml") { "ubl" } else { "cii" };
    let fatal = list("rules").into_iter().filter(|rule| rule["flag"] == "fatal");
    let rules = fatal.map(|rule| (text(&rule["id"]), text(&rule["text"]))).collect();
    ((name, syntax), Finding { xsd: list("xsd").iter().map(text).collect(), rules })
}
