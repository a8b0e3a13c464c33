//! Does an invoice follow from what its pack holds? Step by step, each with what was found.

use std::fmt;

use releve_billing::{Issued, Recorded};
use serde::Serialize;

use crate::{
    Pack, document, recompute,
    usage::{self, Held},
};

/// What became of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    Holds,
    Fails,
    /// The pack does not hold what it takes, or an earlier step failed.
    NotShown,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// `pack`, `document`, `digest`, `amounts`, `reports` or `usage`.
    pub step: &'static str,
    pub outcome: StepOutcome,
    pub detail: String,
}

/// What a verification found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Verdict {
    /// Of the invoice, as far as it can be read.
    pub number: Option<String>,
    /// What was to be paid, with VAT.
    pub payable: Option<String>,
    pub digest: Option<String>,
    pub steps: Vec<Step>,
}

impl Verdict {
    /// No step fails, and the amounts were made again.
    pub fn holds(&self) -> bool {
        let outcome = |name: &str| self.steps.iter().find(|step| step.step == name).map(|step| step.outcome);
        self.steps.iter().all(|step| step.outcome != StepOutcome::Fails)
            && outcome("amounts") == Some(StepOutcome::Holds)
    }

    fn add(&mut self, step: &'static str, outcome: StepOutcome, detail: impl ToString) {
        self.steps.push(Step { step, outcome, detail: detail.to_string() });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(number), Some(payable), Some(digest)) = (&self.number, &self.payable, &self.digest) {
            writeln!(f, "{number}, {payable} with VAT, digest {digest}")?;
        }
        for Step { step, outcome, detail } in &self.steps {
            let outcome = match outcome {
                StepOutcome::Holds => "holds",
                StepOutcome::Fails => "FAILS",
                StepOutcome::NotShown => "not shown",
            };
            writeln!(f, "{step:<9} {outcome:<10} {detail}")?;
        }
        Ok(())
    }
}

/// Verifies a pack. Names, addresses and descriptions are in no basis: compare them, and the digest, with the invoice that you have.
pub fn verify(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::default();
    let pack = match Pack::from_bytes(bytes) {
        Ok(pack) => pack,
        Err(error) => {
            verdict.add("pack", StepOutcome::Fails, error);
            return verdict;
        }
    };
    verdict.add("pack", StepOutcome::Holds, "each file is what SHA256SUMS says, and each byte is as it is written");
    let (issued, before) = match documents(&pack) {
        Ok(found) => found,
        Err(detail) => {
            verdict.add("document", StepOutcome::Fails, detail);
            return verdict;
        }
    };
    verdict.number = Some(issued.stamp().number.to_string());
    verdict.payable = Some(issued.taxes().payable.to_string());
    verdict.digest = Some(hex::encode(issued.stamp().digest));
    let lines = issued.content().lines.len();
    verdict.add("document", StepOutcome::Holds, format!("{lines} lines multiply out and add up, and so does the VAT"));
    let basis = Recorded::read(&pack.basis).map_err(|error| error.to_string());
    let basis = basis.and_then(|basis| match recompute::named(&issued, &pack.basis, &basis) {
        Ok(()) => Ok(basis),
        Err(recompute::Differs(detail)) => Err(detail),
    });
    let basis = match basis {
        Ok(basis) => basis,
        Err(detail) => {
            verdict.add("digest", StepOutcome::Fails, format!("basis.txt: {detail}"));
            return verdict;
        }
    };
    verdict.add("digest", StepOutcome::Holds, "basis.txt is what the invoice says that it rests on");
    match recompute::compare(&issued, &basis, &before) {
        Ok(()) => verdict.add(
            "amounts",
            StepOutcome::Holds,
            "made again of basis.txt, every line, the VAT and what is due are the same",
        ),
        Err(recompute::Differs(detail)) => verdict.add("amounts", StepOutcome::Fails, detail),
    }
    reports(&pack, &basis, &mut verdict);
    verdict
}

/// The invoice, and the documents that it corrects.
fn documents(pack: &Pack) -> Result<(Issued, Vec<Issued>), String> {
    let mut before: Vec<Issued> = Vec::with_capacity(pack.before.len());
    for (n, json) in (1..).zip(&pack.before) {
        let read = document::read(json, &before).map_err(|error| format!("before/{n}.json: {error}"))?;
        before.push(read);
    }
    let issued = document::read(&pack.invoice, &before).map_err(|error| format!("invoice.json: {error}"))?;
    let all = issued.content().corrects.len();
    let same = |other: &Issued| {
        let (a, b) = (other.content(), issued.content());
        (a.account, a.issuer, a.period) == (b.account, b.issuer, b.period)
    };
    if before.len() != all || !before.iter().all(same) {
        return Err(format!("it corrects {all} documents of its period, and {} are in the pack", before.len()));
    }
    Ok((issued, before))
}

fn reports(pack: &Pack, basis: &Recorded, verdict: &mut Verdict) {
    let Some((fleet, reports)) = &pack.reports else {
        let detail = match basis.reports.count {
            0 => "it rests on none".to_owned(),
            count => format!("the {count} that it rests on are not in this pack"),
        };
        verdict.add("reports", StepOutcome::NotShown, detail);
        return;
    };
    let held = match usage::reported(fleet, reports, basis) {
        Ok(held) => held,
        Err(error) => {
            verdict.add("reports", StepOutcome::Fails, error);
            return;
        }
    };
    let detail = format!("{} are signed by their nodes, and are those that the digest names", reports.len());
    verdict.add("reports", StepOutcome::Holds, detail);
    let apart = apart(&held, &usage::billed(basis));
    match apart.first() {
        None => verdict.add("usage", StepOutcome::Holds, "they show the GPU time that is billed, to the millisecond"),
        Some(first) => {
            let more = if apart.len() > 1 { format!(", and {} more", apart.len() - 1) } else { String::new() };
            let detail = format!(
                "{first}{more}: told otherwise than by these reports, as a rule that reached back or a device that moved"
            );
            verdict.add("usage", StepOutcome::NotShown, detail);
        }
    }
}

/// What is not the same in both, in words.
fn apart(reported: &Held, billed: &Held) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = reported.keys().chain(billed.keys()).collect();
    let of = |held: &Held, key| held.get(key).copied().unwrap_or(0);
    let differs = keys.into_iter().filter(|key| of(reported, key) != of(billed, key));
    differs
        .map(|key| {
            let (tenant, project, sku) = key;
            let whose = if project.is_empty() { tenant.to_string() } else { format!("{tenant}, project {project}") };
            format!("{whose}, {sku}: reported {} ms, billed {} ms", of(reported, key), of(billed, key))
        })
        .collect()
}
