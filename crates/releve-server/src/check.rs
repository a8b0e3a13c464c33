//! Does an invoice follow from its evidence pack? Asked offline: no database, no network.

use anyhow::{Context, ensure};
use serde_json::json;

use crate::{cli::Verify, settings::Settings};

pub fn run(settings: &Settings, asked: &Verify) -> anyhow::Result<()> {
    let (mut failed, mut printed) = (0, Vec::new());
    for file in &asked.packs {
        let shown = file.display().to_string();
        let bytes = std::fs::read(file).with_context(|| shown.clone())?;
        let verdict = releve_verify::verify(&bytes);
        failed += usize::from(!verdict.holds());
        if settings.json {
            printed.push(json!({ "pack": shown, "holds": verdict.holds(), "verdict": verdict }));
        } else {
            println!("{shown}\n{verdict}");
        }
    }
    if settings.json {
        println!("{}", serde_json::to_string(&printed)?);
    }
    ensure!(failed == 0, "{failed} of {} packs do not hold", asked.packs.len());
    Ok(())
}
