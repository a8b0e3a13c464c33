//! How are some accounts billed in one transaction? Under their books' locks: read, rate, write, close, number.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::{
    Basis, Content, Contract, Hold, HoldKind, InvoiceError, Number, Outcome, RateError, Reports, Usage, draft, due_at,
    park, rate,
};
use releve_store::{
    Db, Tx, archives, billing_usage, books,
    books::AccountPeriod,
    floor,
    invoices::{self, InvoiceState, NewInvoice, NewStamp},
    numbers, outbox,
    runs::{self, AccountOutcome, AccountRow},
};
use releve_types::{AccountId, InvoiceId, Period, Timestamp, ids::IssuerId};
use serde_json::json;

use super::{Prepared, gather, turn};
use crate::{JobError, failpoint};

/// What became of one account, before it is written.
struct Decided {
    account: AccountId,
    id: InvoiceId,
    outcome: Outcome,
    /// Of a draft.
    digest: Option<[u8; 32]>,
}

/// Bills these accounts, leaving out who was billed meanwhile; how many invoices were issued.
pub async fn run(
    db: &Db,
    prepared: &Prepared,
    period: Period,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<usize, JobError> {
    let mut tx = db.begin_app().await?;
    runs::expect_large_batches(&mut tx).await?;
    let locked: Vec<AccountPeriod> = accounts.iter().map(|&account| AccountPeriod { account, period }).collect();
    // In the order in which reports are counted: the floor, then the books. Under it no day leaves the database.
    floor::read_shared(&mut tx).await?;
    check_days(&mut tx, prepared, period).await?;
    books::lock_alone(&mut tx, &locked).await?;
    // From here on nobody writes usage of these accounts' period, and nobody else bills it.
    let decided = decide(&mut tx, prepared, period, accounts, now).await?;
    let drafts = write(&mut tx, prepared, &decided, now).await?;
    let to_close: Vec<AccountId> = drafts.iter().map(|(_, content)| content.account).collect();
    if drafts.is_empty() {
        tx.commit().await?;
        return Ok(0);
    }
    runs::close_books(&mut tx, &to_close, period).await?;
    failpoint::hit("jobs.issue.before_numbers");
    number(&mut tx, prepared, &drafts, now).await?;
    failpoint::hit("jobs.issue.after_numbers");
    failpoint::hit("jobs.issue.before_commit");
    tx.commit().await?;
    failpoint::hit("jobs.issue.after_commit");
    Ok(to_close.len())
}

/// Refuses to go on if a day left the database after its reports were looked for in the archive: they would be in
/// neither place.
async fn check_days(tx: &mut Tx, prepared: &Prepared, period: Period) -> Result<(), JobError> {
    let last = period.end().plus_millis(-1).day();
    let days = archives::of_days(tx, period.start().day(), last).await?;
    let left = days.iter().find(|archive| archive.detached && !prepared.archived.days.contains(&archive.day));
    left.map_or(Ok(()), |archive| Err(JobError::DayLeft(archive.day)))
}

async fn decide(
    tx: &mut Tx,
    prepared: &Prepared,
    period: Period,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<Vec<Decided>, JobError> {
    let existing = invoices::existing(tx, accounts, period).await?;
    let is_issued = |account: &AccountId| {
        existing.get(account).is_some_and(|found| found.iter().any(|i| i.state == InvoiceState::Issued))
    };
    let mut accounts: Vec<AccountId> = accounts.iter().filter(|a| !is_issued(a)).copied().collect();
    accounts.sort_unstable();
    let open = runs::open_books(tx, &accounts, period).await?;
    let mut usage = gather::gather(tx, &accounts, period, &prepared.contracts).await?;
    let mut turns = turn::holds(tx, prepared, period, &usage).await?;
    let reports = reports(tx, prepared, period, &accounts).await?;
    let mut decided = Vec::with_capacity(accounts.len());
    for account in accounts {
        let book = open.get(&account).copied().unwrap_or(1);
        let made_before = existing.get(&account).and_then(|found| found.iter().find(|i| i.book == book));
        // An account made after the contracts were read waits for the next run.
        let Some(contract) = prepared.contracts.get(&account) else { continue };
        let mut holds = prepared.holds.get(&account).cloned().unwrap_or_default();
        holds.extend(turns.remove(&account));
        let one = One {
            issuer: prepared.issuer.id,
            contract,
            period,
            account,
            book,
            reports: reports.get(&account).copied().unwrap_or_else(|| Reports::of([])),
        };
        let used = usage.remove(&account).unwrap_or_else(|| Ok(Usage::default()));
        let (outcome, digest) = match one.billed(used, holds.clone()) {
            Ok(billed) => billed,
            Err(refused) => (one.set_aside(&refused, holds)?, None),
        };
        let id = made_before.map_or_else(|| InvoiceId::fresh(now), |i| i.invoice);
        decided.push(Decided { account, id, outcome, digest });
    }
    Ok(decided)
}

/// Why an account's usage does not become an invoice: its own affair, whatever the others' is.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("its usage can't be rated: {0}")]
    Rate(#[from] RateError),
    #[error("its invoice contradicts itself: {0}")]
    Invoice(#[from] InvoiceError),
}

/// One account of the batch.
struct One<'a> {
    issuer: IssuerId,
    contract: &'a Contract,
    period: Period,
    account: AccountId,
    book: i32,
    reports: Reports,
}

impl One<'_> {
    /// Its outcome; with the issuing digest, if it is a draft. Money assertions come in pairs: here before it is stored,
    /// in `releve_store::invoices` after it is loaded.
    fn billed(&self, used: Result<Usage, RateError>, holds: Vec<Hold>) -> Result<(Outcome, Option<[u8; 32]>), Refused> {
        let &Self { issuer, contract, period, account, book, reports } = self;
        let usage = &used?;
        let outcome = draft(account, issuer, period, book, rate(contract, period, usage)?, holds);
        outcome.check()?;
        let digest = match &outcome {
            Outcome::Draft(_) => {
                Some(releve_billing::digest(&Basis { account, issuer, period, book, contract, usage, reports })?)
            }
            Outcome::Nothing | Outcome::Parked(_) => None,
        };
        Ok((outcome, digest))
    }

    /// Parks it alone, with the reason beside what else holds it back.
    fn set_aside(&self, refused: &Refused, mut holds: Vec<Hold>) -> Result<Outcome, JobError> {
        let &Self { issuer, contract, period, account, book, .. } = self;
        tracing::error!(%account, %period, %refused, "an account is parked, since it can't be billed");
        metrics::counter!("releve_accounts_unratable_total").increment(1);
        holds.push(Hold {
            kind: HoldKind::Unratable,
            detail: refused.to_string(),
            to_do:
                "look at this account's usage, readings and prices of the period: withdraw or correct what can't be \
                    meant, then run again"
                    .to_owned(),
            gpu_ms: None,
        });
        let parked = park(account, issuer, period, book, contract.currency(), holds);
        parked.map_err(|error| JobError::Invoice { account, error })
    }
}

/// The reports behind each account's usage: summed by the database, or, where days have left it, put together
/// from both places.
async fn reports(
    tx: &mut Tx,
    prepared: &Prepared,
    period: Period,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Reports>, JobError> {
    if prepared.archived.heads.is_empty() {
        return Ok(billing_usage::reports(tx, accounts, period).await?);
    }
    let mut heads: BTreeMap<AccountId, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for (account, head) in billing_usage::report_heads(tx, accounts, period).await? {
        heads.entry(account).or_default().insert(head);
    }
    for account in accounts {
        if let Some(archived) = prepared.archived.heads.get(account) {
            heads.entry(*account).or_default().extend(archived);
        }
    }
    Ok(heads.into_iter().map(|(account, heads)| (account, Reports::of(heads))).collect())
}

/// Stores what was decided; returns the drafts, with the ids they will be issued under.
async fn write<'a>(
    tx: &mut Tx,
    prepared: &Prepared,
    decided: &'a [Decided],
    now: Timestamp,
) -> Result<Vec<(InvoiceId, &'a Content)>, JobError> {
    let (mut new, mut drafts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for d in decided {
        let (outcome, content, holds) = match &d.outcome {
            Outcome::Nothing => (AccountOutcome::Nothing, None, &[][..]),
            Outcome::Parked(parked) => (AccountOutcome::Parked, Some(parked.content()), parked.holds()),
            Outcome::Draft(draft) => {
                drafts.push((d.id, draft.content()));
                (AccountOutcome::Issued, Some(draft.content()), &[][..])
            }
        };
        new.extend(content.map(|content| NewInvoice { id: d.id, content, digest: d.digest, holds }));
        rows.push(AccountRow { account: d.account, outcome, invoice: content.map(|_| d.id) });
    }
    let nothing: Vec<InvoiceId> = decided.iter().filter(|d| d.outcome == Outcome::Nothing).map(|d| d.id).collect();
    invoices::put(tx, &new, &prepared.issuer.series, now).await?;
    invoices::release(tx, &nothing).await?;
    invoices::put_lines(tx, &drafts).await?;
    runs::record(tx, prepared.run, &rows, now).await?;
    let entries: Vec<outbox::NewEntry> = drafts
        .iter()
        .map(|(id, content)| outbox::NewEntry {
            topic: "invoice.issued",
            account: Some(content.account),
            body: json!({ "invoice": id.to_string(), "account": content.account.to_string() }),
        })
        .collect();
    outbox::put(tx, &entries, now).await?;
    Ok(drafts)
}

/// Takes the numbers and issues under them, in the order of the accounts: the last thing before the commit, since
/// everybody else who issues in this series waits for it.
async fn number(
    tx: &mut Tx,
    prepared: &Prepared,
    drafts: &[(InvoiceId, &Content)],
    now: Timestamp,
) -> Result<(), JobError> {
    let issuer = &prepared.issuer;
    let year = i32::from(issuer.zone.month_of(now).year());
    let count = i64::try_from(drafts.len()).unwrap_or(i64::MAX);
    let taken = numbers::take(tx, issuer.id, &issuer.series, year, count, now).await?;
    let stamps = (taken.first..)
        .zip(drafts)
        .map(|(serial, (id, _))| Ok(NewStamp { id: *id, number: Number::new(&issuer.series, year, serial)? }))
        .collect::<Result<Vec<_>, _>>()
        .map_err(JobError::Numbering)?;
    let due_days = u16::try_from(issuer.due_days).unwrap_or(0);
    let due = due_at(&issuer.zone, taken.issued_at, due_days);
    let found = invoices::stamp(tx, &stamps, taken.issued_at, due).await?;
    if usize::try_from(found) != Ok(stamps.len()) {
        return Err(JobError::NotAllIssued { expected: stamps.len(), found });
    }
    Ok(())
}
