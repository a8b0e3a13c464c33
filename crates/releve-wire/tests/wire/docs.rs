//! Does the page that others build from say what the code does?

use std::collections::BTreeSet;

use releve_wire::{RejectClass, RejectCode};

const PAGE: &str = include_str!("../../docs/report.md");

#[test]
fn each_reason_is_on_the_page_with_its_class() {
    let codes: BTreeSet<&str> = RejectCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), RejectCode::ALL.len(), "a code stands for one reason");
    for code in RejectCode::ALL {
        let class = match code.class() {
            RejectClass::Refused => "refused",
            RejectClass::Newer => "newer",
            RejectClass::Contradictory => "contradictory",
        };
        assert!(PAGE.contains(&format!("| `{code}` | {class} | ")), "{code} is missing from docs/report.md");
        assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
    }
    let rows = PAGE
        .lines()
        .filter(|line| ["| refused |", "| newer |", "| contradictory |"].iter().any(|class| line.contains(class)));
    assert_eq!(rows.count(), RejectCode::ALL.len(), "docs/report.md names a reason that does not exist");
}
