//! How are some accounts billed in one transaction? Under their books' locks: read, rate, write, close, number.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_billing::{
    Content, Draft, Issued, Number, Outcome, Purse, Reports, Subject, Usage, due_at, orders::OpenOrder,
};
use releve_store::{
    self as store, Db, Tx, archives,
    audit_log::{self, Change},
    billing_reports, books,
    books::AccountPeriod,
    contracts,
    credits::{self, CreditRecord},
    customers::{self, Issuer},
    exchange_rates, floor,
    invoices::{self, Existing, InvoiceState, NewInvoice, NewStamp},
    numbers, orders, outbox,
    runs::{self, AccountOutcome, AccountRow},
    voids::{self, Void},
};
use releve_types::{AccountId, InvoiceId, Period, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::{
    Prepared, Turn, gather,
    one::One,
    sale::{Sale, rates, seller},
    turn, wallet,
};
use crate::{JobError, alerts, documents, failpoint};

/// What became of one account, before it is written.
struct Decided {
    account: AccountId,
    id: InvoiceId,
    outcome: Outcome,
    /// Of a draft: what it rests on.
    basis: Option<String>,
    /// What it could draw on.
    credits: Vec<CreditRecord>,
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
    let to_close: Vec<AccountId> = drafts.iter().map(|(_, draft)| draft.content().account).collect();
    if drafts.is_empty() {
        tx.commit().await?;
        return Ok(0);
    }
    runs::close_books(&mut tx, &to_close, period).await?;
    failpoint::hit("jobs.issue.before_numbers");
    number(&mut tx, &prepared.issuer, &drafts, now).await?;
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
    let mut before = documents_before(tx, &existing).await?;
    let is_due = |account: &&AccountId| before.contains_key(account) == (prepared.turn != Turn::First);
    let mut accounts: Vec<AccountId> = accounts.iter().filter(is_due).copied().collect();
    accounts.sort_unstable();
    let open = runs::open_books(tx, &accounts, period).await?;
    // Held until the commit: what invoices are taxed by, and checked with, is what they will print; and what their
    // customers agreed to is all of it.
    let issuer = customers::share_issuer(tx, prepared.issuer.id).await?;
    let issuer = issuer.ok_or(JobError::NoIssuer(prepared.issuer.id))?;
    let seller = seller(tx, &issuer).await?;
    let buyers = customers::share_accounts(tx, &accounts).await?;
    let contracts = contracts::with_agreements(tx, &prepared.contracts, &accounts).await?;
    // Nor does anybody else draw on these credits.
    let mut wallets = wallet::of(tx, &accounts, period, &before).await?;
    orders::lock(tx, &accounts).await?;
    let mut ordered = orders::of(tx, &accounts).await?;
    let mut usage = gather::gather(tx, &accounts, period, &contracts).await?;
    // A correction overtakes nobody: later periods are looked at after it, and corrected in their turn.
    let mut turns = match prepared.turn {
        Turn::First => turn::holds(tx, &contracts, period, &usage).await?,
        Turn::Correction | Turn::Void { .. } => BTreeMap::new(),
    };
    let reports = reports(tx, prepared, period, &accounts).await?;
    let year = i32::from(issuer.zone.month_of(now).year());
    let number = Number::placeholder(&issuer.series, year).map_err(JobError::Numbering)?;
    let at = period.end().plus_millis(-1);
    let rates = rates(tx, &issuer, at).await?;
    let mut decided = Vec::with_capacity(accounts.len());
    for account in accounts {
        let book = open.get(&account).copied().unwrap_or(1);
        let made_before = existing.get(&account).and_then(|found| found.iter().find(|i| i.book == book));
        // An account made after the contracts were read waits for the next run.
        let (Some(contract), Some(buyer)) = (contracts.get(&account), buyers.get(&account)) else { continue };
        let void = matches!(prepared.turn, Turn::Void { .. });
        // What a person takes back is not held back by what it was about.
        let held = prepared.holds.get(&account).filter(|_| !void);
        let mut holds = held.cloned().unwrap_or_default();
        holds.extend(turns.remove(&account));
        let before = before.remove(&account).unwrap_or_default();
        let held = wallets.remove(&account).unwrap_or_default();
        let credits = held.iter().map(|record| (Arc::clone(&record.credit), record.remaining)).collect();
        let purse = Purse::new(period, contract.currency(), &before, credits)
            .map_err(|error| JobError::Invoice { account, error })?;
        let orders: Vec<OpenOrder> =
            ordered.remove(&account).unwrap_or_default().into_iter().map(|record| record.open).collect();
        let one = One {
            subject: Subject { account, issuer: prepared.issuer.id, period, book },
            contract,
            void,
            before,
            purse: &purse,
            orders: &orders,
            sale: Sale { issuer: &issuer, seller: &seller, buyer, currency: contract.currency(), at, rates: &rates },
            number: &number,
            now,
            reports: reports.get(&account).copied().unwrap_or_else(|| Reports::of([])),
        };
        let used = usage.remove(&account).unwrap_or_else(|| Ok(Usage::default()));
        let (outcome, basis) = match one.billed(used, holds.clone()) {
            Ok(billed) => billed,
            Err(refused) => (one.set_aside(&refused, holds)?, None),
        };
        let id = made_before.map_or_else(|| InvoiceId::fresh(now), |i| i.invoice);
        decided.push(Decided { account, id, outcome, basis, credits: held });
    }
    Ok(decided)
}

/// What was issued to each account already, the first first.
async fn documents_before(
    tx: &mut Tx,
    existing: &BTreeMap<AccountId, Vec<Existing>>,
) -> Result<BTreeMap<AccountId, Vec<Issued>>, JobError> {
    let of_all = existing.values().flatten().filter(|i| i.state == InvoiceState::Issued);
    let ids: Vec<InvoiceId> = of_all.map(|i| i.invoice).collect();
    let mut documents: BTreeMap<AccountId, Vec<Issued>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(documents);
    }
    for issued in invoices::issued(tx, &ids).await? {
        documents.entry(issued.content().account).or_default().push(issued);
    }
    documents.values_mut().for_each(|of_one| of_one.sort_by_key(|issued| issued.content().book));
    Ok(documents)
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
        return Ok(billing_reports::reports(tx, accounts, period).await?);
    }
    let mut heads: BTreeMap<AccountId, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for (account, head) in billing_reports::report_heads(tx, accounts, period).await? {
        heads.entry(account).or_default().insert(head);
    }
    for account in accounts {
        if let Some(archived) = prepared.archived.heads.get(account) {
            heads.entry(*account).or_default().extend(archived);
        }
    }
    Ok(heads.into_iter().map(|(account, heads)| (account, Reports::of(heads))).collect())
}

/// What a document says of coverage; what takes all back rests on nothing that was used.
fn missing(prepared: &Prepared, account: AccountId) -> Option<i64> {
    let missing = prepared.missing.get(&account).copied().unwrap_or(0);
    (!matches!(prepared.turn, Turn::Void { .. })).then_some(missing)
}

/// Stores what was decided; returns the drafts, with the ids they will be issued under.
async fn write<'a>(
    tx: &mut Tx,
    prepared: &Prepared,
    decided: &'a [Decided],
    now: Timestamp,
) -> Result<Vec<(InvoiceId, &'a Draft)>, JobError> {
    let (mut new, mut drafts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for d in decided {
        let (id, digest) = (d.id, d.basis.as_ref().map(|basis| Sha256::digest(basis.as_bytes()).into()));
        let (outcome, stored) = match &d.outcome {
            Outcome::Nothing => (AccountOutcome::Nothing, None),
            Outcome::Parked(parked) => {
                let (content, holds) = (parked.content(), parked.holds());
                let (taxes, advances, missing_gpu_ms) = (None, None, None);
                (
                    AccountOutcome::Parked,
                    Some(NewInvoice { id, content, credit: None, taxes, advances, digest, holds, missing_gpu_ms }),
                )
            }
            Outcome::Draft(draft) => {
                drafts.push((id, draft));
                let (content, taxes, advances) = (draft.content(), Some(draft.taxes()), Some(draft.advances()));
                let (holds, missing_gpu_ms): (&[_], _) = (&[], missing(prepared, d.account));
                (
                    AccountOutcome::Issued,
                    Some(NewInvoice { id, content, credit: None, taxes, advances, digest, holds, missing_gpu_ms }),
                )
            }
        };
        rows.push(AccountRow { account: d.account, outcome, invoice: stored.as_ref().map(|_| id) });
        new.extend(stored);
    }
    let nothing: Vec<InvoiceId> = decided.iter().filter(|d| d.outcome == Outcome::Nothing).map(|d| d.id).collect();
    let bases = decided.iter().filter_map(|d| Some(((d.account, d.id), d.basis.clone()?))).collect();
    put(tx, &prepared.issuer, &new, (&drafts, bases), now).await?;
    invoices::release(tx, &nothing).await?;
    let mut drawn = Vec::new();
    for d in decided {
        if let Outcome::Draft(draft) = &d.outcome {
            drawn.extend(wallet::entries(draft, d.id, &d.credits)?);
        }
    }
    credits::enter(tx, &drawn, now).await?;
    // A run tells of first documents; what is corrected later has its own.
    if prepared.turn == Turn::First {
        runs::record(tx, prepared.run, &rows, now).await?;
    }
    if let Turn::Void { reason, by } = &prepared.turn {
        for (id, draft) in &drafts {
            let &Content { account, period, book, .. } = draft.content();
            let (credit_note, reason, by) = (*id, reason.clone(), by.clone());
            let after =
                json!({ "reason": reason, "account": account.to_string(), "period_start": period.start().to_string() });
            let (actor, subject) = (by.clone(), credit_note.to_string());
            voids::put(tx, &Void { account, period, book, credit_note, reason, by }, now).await?;
            let change = Change { actor, action: "invoice.void", subject, before: None, after: Some(after) };
            audit_log::add(tx, &change, now).await?;
        }
    }
    Ok(drafts)
}

/// A draft with the id that it will be issued under.
pub(crate) type ToIssue<'a> = (InvoiceId, &'a Draft);

/// The text that a document rests on.
pub(crate) type BasisOf = ((AccountId, InvoiceId), String);

/// Stores documents; of the drafts among them also their lines, what they rest on, and what is told once they are issued.
pub(crate) async fn put(
    conn: &mut PgConnection,
    issuer: &Issuer,
    all: &[NewInvoice<'_>],
    (drafts, bases): (&[ToIssue<'_>], Vec<BasisOf>),
    now: Timestamp,
) -> Result<(), JobError> {
    invoices::put(conn, all, &issuer.series, now).await?;
    invoices::put_lines(conn, drafts).await?;
    exchange_rates::put_stated(conn, drafts).await?;
    // What it rests on is part of it: kept as it was digested, for whoever makes it again.
    let basis = |(of, text): BasisOf| documents::document(of, documents::BASIS, text.into_bytes());
    let bases: Vec<_> = bases.into_iter().map(basis).collect();
    store::documents::put(conn, &bases, now).await?;
    let told = |(id, draft): &ToIssue<'_>| {
        let account = draft.content().account;
        let body = json!({ "invoice": id.to_string(), "account": account.to_string() });
        outbox::NewEntry { topic: alerts::invoices::ISSUED, account: Some(account), tenant: None, body }
    };
    let entries: Vec<outbox::NewEntry> = drafts.iter().map(told).collect();
    outbox::put(conn, &entries, now).await?;
    alerts::invoices::issued(conn, drafts, now).await?;
    Ok(())
}

/// Takes the numbers and issues under them, in the order of the accounts: the last thing before the commit, since
/// everybody else who issues in this series waits for it.
pub(crate) async fn number(
    conn: &mut PgConnection,
    issuer: &Issuer,
    drafts: &[(InvoiceId, &Draft)],
    now: Timestamp,
) -> Result<(), JobError> {
    let year = i32::from(issuer.zone.month_of(now).year());
    let count = i64::try_from(drafts.len()).unwrap_or(i64::MAX);
    let taken = numbers::take(conn, issuer.id, &issuer.series, year, count, now).await?;
    let stamps = (taken.first..)
        .zip(drafts)
        .map(|(serial, (id, _))| Ok(NewStamp { id: *id, number: Number::new(&issuer.series, year, serial)? }))
        .collect::<Result<Vec<_>, _>>()
        .map_err(JobError::Numbering)?;
    let due_days = u16::try_from(issuer.due_days).unwrap_or(0);
    let due = due_at(&issuer.zone, taken.issued_at, due_days);
    let found = invoices::stamp(conn, &stamps, taken.issued_at, due).await?;
    if usize::try_from(found) != Ok(stamps.len()) {
        return Err(JobError::NotAllIssued { expected: stamps.len(), found });
    }
    Ok(())
}
