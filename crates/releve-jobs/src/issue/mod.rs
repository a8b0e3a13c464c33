//! How does a period become invoices? One run per issuer and period, many accounts per transaction, gapless
//! numbers taken last; run again, it goes on with whom it has not billed.

mod batch;
mod gather;
mod holds;
mod one;
mod past;
mod sale;
mod turn;
mod wallet;

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{Contract, Hold, Number};
use releve_outbound::Storage;
use releve_store::{
    Db, books::AccountPeriod, contracts, corrections, customers, customers::Issuer, runs, runs::AccountOutcome,
};
use releve_types::{
    AccountId, Period, Timestamp,
    ids::{IssuerId, RunId},
};

pub use self::gather::{usage, usage_of_parts};
pub(crate) use self::{
    batch::{number, put},
    sale::{Sale, rates, seller},
};
use crate::{JobError, archive};

/// Accounts billed in one transaction: for so many at most, writers of usage wait for each other's end. A pass over
/// a month of usage hours costs nearly the same for one batch as for another, so few large ones are faster.
pub const ISSUE_ACCOUNTS_MAX: usize = 10_000;

/// What to bill.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub issuer: IssuerId,
    /// A month of the issuer's zone.
    pub period: Period,
    /// Accounts per transaction, at least 1.
    pub issue_accounts_max: usize,
    /// Where archived reports are read, if days of the period have left the database already.
    pub archive: Option<&'a Storage>,
}

impl Order<'_> {
    pub const fn new(issuer: IssuerId, period: Period) -> Self {
        Self { issuer, period, issue_accounts_max: ISSUE_ACCOUNTS_MAX, archive: None }
    }
}

/// How a run stands. What it left on no invoice, `releve_store::unbilled` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    pub run: RunId,
    /// Invoices issued by this call.
    pub issued_now: usize,
    /// Accounts of the run by outcome, earlier calls included.
    pub issued: i64,
    pub parked: i64,
    pub nothing: i64,
}

/// Which documents are made.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Turn {
    /// The first of an account's period.
    First,
    /// Of periods that have one.
    Correction,
    /// The same, as if nothing had been used and nothing were owed: a person takes them back.
    Void { reason: String, by: String },
}

/// What holds for the whole run, read before the first lock. Contracts and prices don't change once they have
/// begun, so a copy stays true; holds may have come or gone since, as they may the moment after the commit.
struct Prepared {
    turn: Turn,
    issuer: Issuer,
    run: RunId,
    contracts: BTreeMap<AccountId, Arc<Contract>>,
    holds: BTreeMap<AccountId, Vec<Hold>>,
    /// What is missing from the reports and billed around, in GPU-ms; nothing of whom it does not name.
    missing: BTreeMap<AccountId, i64>,
    /// The reports of days that left the database.
    archived: archive::Archived,
}

/// Bills a period that has ended. Idempotent and resumable: killed at any statement and called again, it comes to
/// the same end. Two calls at once bill each account once.
pub async fn issue(db: &Db, order: Order<'_>, now: Timestamp) -> Result<Summary, JobError> {
    let mut prepared = prepare(db, order, Turn::First, now).await?;
    let mut tx = db.begin_app().await?;
    let queue = runs::open_accounts(&mut tx, prepared.run, order.issuer, order.period).await?;
    tx.commit().await?;
    let issued_now = work_off(db, &mut prepared, order, queue, now).await?;
    let mut tx = db.begin_app().await?;
    runs::finish(&mut tx, prepared.run, now).await?;
    let counts = runs::counts(&mut tx, prepared.run).await?;
    tx.commit().await?;
    let of = |outcome| counts.get(&outcome).copied().unwrap_or(0);
    let summary = Summary {
        run: prepared.run,
        issued_now,
        issued: of(AccountOutcome::Issued),
        parked: of(AccountOutcome::Parked),
        nothing: of(AccountOutcome::Nothing),
    };
    tracing::info!(?summary, period = %order.period, "billing run");
    Ok(summary)
}

/// Corrects a period that has documents: of each account whose usage is not what they say, what it should cost − what
/// they billed. Idempotent and resumable as `issue` is. How many documents were issued.
pub async fn correct(db: &Db, order: Order<'_>, now: Timestamp) -> Result<usize, JobError> {
    let mut tx = db.begin_app().await?;
    let queue = corrections::open_accounts(&mut tx, order.issuer, order.period).await?;
    tx.commit().await?;
    correct_accounts(db, order, queue, now).await
}

/// Corrects all of an issuer's periods that ended by an instant, the earliest first: what a plan rounds over the end of
/// one changes the next. One that fails keeps none of the others waiting. How many documents were issued.
pub async fn correct_all(db: &Db, order: Order<'_>, ended_by: Timestamp, now: Timestamp) -> Result<usize, JobError> {
    let mut tx = db.begin_app().await?;
    let periods = corrections::billed_periods(&mut tx, order.issuer, ended_by).await?;
    tx.commit().await?;
    let (mut issued, mut failed) = (0, None);
    for period in periods {
        match correct(db, Order { period, ..order }, now).await {
            Ok(more) => issued += more,
            Err(error) => {
                tracing::error!(%period, %error, "the corrections of a period came to no end; the others go on");
                failed = failed.or(Some(error));
            }
        }
    }
    failed.map_or(Ok(issued), Err)
}

/// Corrects a period of these accounts and no other. How many documents were issued.
pub async fn correct_accounts(
    db: &Db,
    order: Order<'_>,
    accounts: Vec<AccountId>,
    now: Timestamp,
) -> Result<usize, JobError> {
    if accounts.is_empty() {
        return Ok(0);
    }
    let mut prepared = prepare(db, order, Turn::Correction, now).await?;
    work_off(db, &mut prepared, order, accounts, now).await
}

/// Takes back all that an account's period was billed, whatever it used: a credit note, after which the usage is unbilled
/// and can be invoiced again, by `correct`. For what a correction can't mend, as a customer or a tax that was the wrong one.
/// False where nothing is billed.
pub async fn void(
    db: &Db,
    order: Order<'_>,
    account: AccountId,
    reason: String,
    by: String,
    now: Timestamp,
) -> Result<bool, JobError> {
    let mut prepared = prepare(db, order, Turn::Void { reason, by }, now).await?;
    Ok(work_off(db, &mut prepared, order, vec![account], now).await? == 1)
}

/// Bills the accounts of a queue, many in one transaction; how many documents were issued.
async fn work_off(
    db: &Db,
    prepared: &mut Prepared,
    order: Order<'_>,
    mut queue: Vec<AccountId>,
    now: Timestamp,
) -> Result<usize, JobError> {
    // In the order of the locks, so that a batch takes few of the 256 and most writers of usage never wait.
    queue.sort_unstable_by_key(|account| (AccountPeriod { account: *account, period: order.period }.lock(), *account));
    prepared.archived = archive::heads_by_account(db, order.archive, order.period, &queue).await?;
    let mut issued = 0;
    for accounts in queue.chunks(order.issue_accounts_max.max(1)) {
        issued += loop {
            match batch::run(db, prepared, order.period, accounts, now).await {
                // Nothing of the transaction is kept. A period has few days, and each leaves once.
                Err(JobError::DayLeft(_)) => {
                    prepared.archived = archive::heads_by_account(db, order.archive, order.period, &queue).await?;
                }
                done => break done?,
            }
        };
    }
    Ok(issued)
}

async fn prepare(db: &Db, order: Order<'_>, turn: Turn, now: Timestamp) -> Result<Prepared, JobError> {
    let mut tx = db.begin_app().await?;
    let issuer = customers::issuer(&mut tx, order.issuer).await?.ok_or(JobError::NoIssuer(order.issuer))?;
    if issuer.zone.period_of(order.period.start()) != order.period {
        return Err(JobError::NotAMonth { period: order.period, zone: issuer.zone.name().to_owned() });
    }
    if now < order.period.end() {
        return Err(JobError::NotEnded { period: order.period, now });
    }
    // Refuses a series that no number could be printed with before anything is locked.
    Number::placeholder(&issuer.series, i32::from(issuer.zone.month_of(now).year())).map_err(JobError::Numbering)?;
    let run = runs::begin(&mut tx, order.issuer, order.period, now).await?;
    let contracts = contracts::of_issuer(&mut tx, order.issuer).await?;
    let holds = holds::read(&mut tx, order.period).await?;
    let missing = holds::missing(&mut tx, order.period).await?;
    tx.commit().await?;
    Ok(Prepared { turn, issuer, run, contracts, holds, missing, archived: archive::Archived::default() })
}
