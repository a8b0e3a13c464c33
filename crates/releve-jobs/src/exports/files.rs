//! Which files is a dataset, and what is in each?

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::Issued;
use releve_documents::table::{Format, TableWriter, journal_fec, month_end_page, table_file};
use releve_finance::{
    Row, Schema,
    focus::{SCHEMA as FOCUS, check::Fault},
    journal::{self, Entry},
    month::{Customer, Month},
    pack::{Focus, Pack, pack},
    sheets,
};
use releve_store::{
    Db, Tx,
    customers::{self, Issuer},
    finance::{closings, facts, hours},
    invoices,
};
use releve_types::{AccountId, BillingMonth, Hour, Period, TenantId, Timestamp, time::MILLIS_PER_DAY};

use super::{
    Dataset, ExportOrder,
    facts::{self as books, Accrued},
    focus::{self, FOCUS_ACCOUNTS_MAX, Of},
};
use crate::JobError;

/// Documents that are read at once.
const DOCUMENTS_MAX: usize = 200;

/// What one file is of.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    /// So many accounts, from the n-th.
    Accounts(usize),
    /// The hours of a UTC day.
    Day(Period),
    Rows(Vec<AccountId>),
    /// The journal in one currency, in the layout of the FEC.
    Fec(&'static str),
    /// The n-th table of the pack, or the page in front of it.
    Table(usize),
    Page,
}

/// Makes the files of a dataset, one at a time.
pub struct Maker<'a> {
    db: &'a Db,
    order: &'a ExportOrder,
    as_of: Timestamp,
    issuer: Issuer,
    period: Period,
    buyers: BTreeMap<AccountId, Customer>,
    /// In the order in which they were made.
    accounts: Vec<AccountId>,
    names: Vec<String>,
    parts: Vec<Part>,
    books: Option<Books>,
    /// Of a pack whose month is closed: it is told as it was known then.
    closed_at: Option<Timestamp>,
    only: Option<TenantId>,
}

/// A file's bytes, and what is to be said of it.
pub struct Made {
    pub bytes: Vec<u8>,
    pub rows: u64,
    /// Whose rows are not in it, and why.
    pub left_out: Vec<String>,
}

/// The books of the month, which are made at once.
struct Books {
    entries: Vec<Entry>,
    pack: Option<Pack>,
}

impl<'a> Maker<'a> {
    pub async fn new(db: &'a Db, order: &'a ExportOrder, as_of: Timestamp) -> Result<Self, JobError> {
        let mut tx = db.begin_reading().await?;
        let issuer = customers::issuer(&mut tx, order.issuer).await?.ok_or(JobError::NoIssuer(order.issuer))?;
        let buyers = match order.account {
            Some(account) => books::customer_of(&mut tx, account).await?,
            None => books::customers(&mut tx, &issuer).await?,
        };
        let period = issuer.zone.month(order.month);
        if as_of < period.start() {
            return Err(JobError::NotBegun { month: order.month, starts: period.start() });
        }
        let wanted = |account: &AccountId| order.account.is_none_or(|only| only == *account);
        let accounts = buyers.keys().copied().filter(wanted).collect();
        let (names, parts) = (Vec::new(), Vec::new());
        let closed_at = match order.dataset {
            Dataset::MonthEnd => closings::closed_at(&mut tx, issuer.id, period).await?,
            _ => None,
        };
        let as_of = closed_at.unwrap_or(as_of);
        let mut maker = Self {
            db,
            order,
            as_of,
            issuer,
            period,
            buyers,
            accounts,
            names,
            parts,
            books: None,
            closed_at,
            only: None,
        };
        maker.plan(&mut tx).await?;
        tx.commit().await?;
        Ok(maker)
    }

    /// Tells of one tenant's allocations alone.
    pub fn only(self, tenant: TenantId) -> Self {
        Self { only: Some(tenant), ..self }
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Up to when things were known.
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    pub const fn period(&self) -> Period {
        self.period
    }

    fn add(&mut self, name: String, part: Part) {
        self.names.push(name);
        self.parts.push(part);
    }

    async fn plan(&mut self, tx: &mut Tx) -> Result<(), JobError> {
        let (dataset, format) = (self.order.dataset, self.order.format);
        match dataset {
            Dataset::Focus => {
                for at in 0..self.accounts.len().div_ceil(FOCUS_ACCOUNTS_MAX).max(1) {
                    self.add(format!("focus-{:04}.{format}", at + 1), Part::Accounts(at));
                }
            }
            Dataset::Invoices | Dataset::InvoiceLines | Dataset::Payments => {
                self.add(format!("{dataset}.{format}"), Part::Rows(self.accounts.clone()));
            }
            Dataset::UsageHours | Dataset::AllocationHours => {
                for day in days(self.period) {
                    let on = releve_types::Day::from_index(day.start().day());
                    self.add(format!("{dataset}-{on}.{format}"), Part::Day(day));
                }
            }
            Dataset::Journal => {
                let entries = self.books(tx, false).await?.entries.iter();
                let currencies: BTreeSet<&'static str> =
                    entries.filter_map(Entry::currency).map(releve_types::Currency::code).collect();
                self.add(format!("journal.{format}"), Part::Rows(Vec::new()));
                for currency in currencies {
                    self.add(format!("journal-{currency}.fec.txt"), Part::Fec(currency));
                }
            }
            Dataset::MonthEnd => {
                let pack = self.books(tx, true).await?.pack.as_ref();
                let tables: Vec<&str> = pack.iter().flat_map(|pack| &pack.tables).map(|t| t.schema.name).collect();
                self.add("index.html".to_owned(), Part::Page);
                for (at, table) in tables.into_iter().enumerate() {
                    self.add(format!("{table}.{format}"), Part::Table(at));
                }
            }
        }
        Ok(())
    }

    /// The n-th file.
    pub async fn make(&mut self, at: usize) -> Result<Made, JobError> {
        let part = self.parts[at].clone();
        let mut tx = self.db.begin_reading().await?;
        let mut left_out = Vec::new();
        let (bytes, rows) = match part {
            Part::Accounts(at) => self.focus(&mut tx, at, &mut left_out).await?,
            Part::Rows(accounts) => self.rows(&mut tx, &accounts).await?,
            Part::Day(day) => self.hours(&mut tx, day).await?,
            Part::Fec(currency) => {
                let entries = self.books(&mut tx, false).await?.entries.iter();
                let of_it = entries.filter(|entry| entry.currency().is_some_and(|c| c.code() == currency));
                let rows: Vec<Row> = of_it.flat_map(journal::rows).collect();
                (journal_fec(&rows), len(rows.len()))
            }
            Part::Table(at) => {
                let format = self.order.format;
                let pack = self.books(&mut tx, true).await?.pack.as_ref();
                let table = pack.and_then(|pack| pack.tables.get(at)).ok_or(JobError::NoSuchFile)?;
                (table_file(format, table.schema, table.rows.iter().cloned())?, len(table.rows.len()))
            }
            Part::Page => {
                let (seller, month) = (self.issuer.party.name.clone(), self.order.month.to_string());
                let state = match (self.closed_at, self.as_of < self.period.end()) {
                    (Some(at), _) => format!("Closed, as it was known on {at}."),
                    // When it was looked at stands in the manifest: the page is the same as long as nothing changed.
                    (None, true) => {
                        let end = self.period.end();
                        format!(
                            "Provisional: the month ends {end}, and what is owed for a whole month is in it from its first day."
                        )
                    }
                    (None, false) => "Not closed: what comes late changes it.".to_owned(),
                };
                let pack = self.books(&mut tx, true).await?.pack.as_ref().ok_or(JobError::NoSuchFile)?;
                (month_end_page(&seller, &month, &state, pack).into_bytes(), len(pack.figures.len() + pack.ties.len()))
            }
        };
        tx.commit().await?;
        Ok(Made { bytes, rows, left_out })
    }

    const fn of(&self) -> Of<'_> {
        Of { issuer: &self.issuer, month: self.order.month, as_of: self.as_of, only: self.only }
    }

    /// A customer of whom something does not tie out is left out, and named: nobody else waits for it.
    async fn focus(&self, tx: &mut Tx, at: usize, left_out: &mut Vec<String>) -> Result<(Vec<u8>, u64), JobError> {
        let accounts = self.accounts.iter().skip(at * FOCUS_ACCOUNTS_MAX).take(FOCUS_ACCOUNTS_MAX).copied().collect();
        let mut file = File::new(self.order.format, &FOCUS)?;
        for cost in focus::costs(tx, self.of(), &accounts).await? {
            let mut sums = Focus::default();
            let rows = focus::focus_of(tx, self.of(), self.buyer(cost.account)?, &cost, &mut sums).await;
            match (rows, sums.faults.first()) {
                (Ok(rows), None) => file.extend(rows)?,
                (Ok(_), Some(fault)) => left_out.push(format!("{}: {fault}", cost.account)),
                (Err(JobError::Focus(error)), _) => left_out.push(format!("{}: {error}", cost.account)),
                (Err(error), _) => return Err(error),
            }
        }
        file.finish()
    }

    fn buyer(&self, account: AccountId) -> Result<&Customer, JobError> {
        self.buyers.get(&account).ok_or(JobError::NoSuchFile)
    }

    async fn rows(&mut self, tx: &mut Tx, accounts: &[AccountId]) -> Result<(Vec<u8>, u64), JobError> {
        let format = self.order.format;
        match self.order.dataset {
            Dataset::Payments => {
                let month = books::month(tx, &self.issuer, self.order.month, self.as_of, Accrued::No).await?;
                File::of(format, &sheets::PAYMENTS, sheets::payments(&month))
            }
            Dataset::Journal => {
                let rows: Vec<Row> = self.books(tx, false).await?.entries.iter().flat_map(journal::rows).collect();
                File::of(format, &journal::SCHEMA, rows)
            }
            dataset => {
                let lines = dataset == Dataset::InvoiceLines;
                let mut file = File::new(format, if lines { &sheets::LINES } else { &sheets::INVOICES })?;
                let ids = facts::of_month(tx, accounts, self.period).await?;
                for ids in ids.chunks(DOCUMENTS_MAX) {
                    for issued in invoices::issued(tx, ids).await? {
                        if issued.stamp().issued_at < self.as_of {
                            file.extend(if lines { sheets::lines(&issued) } else { vec![self.invoice(&issued)?] })?;
                        }
                    }
                }
                file.finish()
            }
        }
    }

    fn invoice(&self, issued: &Issued) -> Result<Row, JobError> {
        let buyer = self.buyer(issued.content().account)?;
        Ok(sheets::invoice(issued, &buyer.name, &self.issuer.zone))
    }

    async fn hours(&self, tx: &mut Tx, day: Period) -> Result<(Vec<u8>, u64), JobError> {
        let whose = facts::tenant_names(tx, &self.accounts).await?;
        let allocations = self.order.dataset == Dataset::AllocationHours;
        let schema = if allocations { &sheets::ALLOCATION_HOURS } else { &sheets::USAGE_HOURS };
        let mut file = File::new(self.order.format, schema)?;
        for index in day.first_hour().index()..day.end_hour().index() {
            let hour = Hour::from_index(index);
            if allocations {
                for of_it in hours::allocation_hour(tx, &whose, hour).await? {
                    file.push(of_it.row())?;
                }
            } else {
                for of_it in hours::usage_hour(tx, &whose, hour).await? {
                    file.push(of_it.row())?;
                }
            }
        }
        file.finish()
    }

    /// The month's journal, and its pack if it is asked for; made once.
    async fn books(&mut self, tx: &mut Tx, with_pack: bool) -> Result<&Books, JobError> {
        let made = self.books.as_ref().is_some_and(|books| books.pack.is_some() || !with_pack);
        if !made {
            let accrued = if with_pack { Accrued::Yes } else { Accrued::No };
            let month = books::month(tx, &self.issuer, self.order.month, self.as_of, accrued).await?;
            let chart = books::chart(&closings::ledgers_of(tx, self.issuer.id, self.period).await?)?;
            let entries = journal::entries(&month, &chart)?;
            let pack = if with_pack { Some(self.pack(tx, &month, &entries, &chart).await?) } else { None };
            self.books = Some(Books { entries, pack });
        }
        self.books.as_ref().ok_or(JobError::NoSuchFile)
    }

    async fn pack(
        &self,
        tx: &mut Tx,
        month: &Month,
        entries: &[Entry],
        chart: &journal::Chart,
    ) -> Result<Pack, JobError> {
        let mut sums = Focus::default();
        let closed = self.closed_at.map(|_| &month.closing);
        for accounts in self.accounts.chunks(FOCUS_ACCOUNTS_MAX) {
            let accounts = accounts.iter().copied().collect();
            for cost in focus::costs(tx, self.of(), &accounts).await? {
                match focus::focus_of(tx, self.of(), self.buyer(cost.account)?, &cost, &mut sums).await {
                    Ok(_) => focus::add_waiting(self.of(), &cost, closed, &mut sums)?,
                    // The pack is where it is seen that something does not tie out.
                    Err(JobError::Focus(error)) => {
                        sums.faults.push(Fault { row: 0, column: "(row)", what: error.to_string() })
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(pack(month, entries, chart, &sums)?)
    }
}

/// A customer's FOCUS file as of now, as one of its tenants may see it, and what it is called.
pub async fn focus_file(
    db: &Db,
    (account, tenant): (AccountId, TenantId),
    month: Option<BillingMonth>,
    format: Format,
    now: Timestamp,
) -> Result<(Vec<u8>, String), JobError> {
    let mut tx = db.begin_app().await?;
    let found = customers::account(&mut tx, account).await?.ok_or(JobError::NoSuchFile)?;
    let issuer = customers::issuer(&mut tx, found.issuer).await?.ok_or(JobError::NoIssuer(found.issuer))?;
    tx.commit().await?;
    let month = month.unwrap_or_else(|| issuer.zone.month_of(now));
    let order = ExportOrder { dataset: Dataset::Focus, format, issuer: issuer.id, account: Some(account), month };
    let made = Maker::new(db, &order, now).await?.only(tenant).make(0).await?;
    match made.left_out.into_iter().next() {
        Some(why) => Err(JobError::TieOut(why)),
        None => Ok((made.bytes, format!("focus-{month}.{format}"))),
    }
}

/// The UTC days of a period, the first and the last cut by it.
fn days(period: Period) -> Vec<Period> {
    let (first, last) = (period.start().day(), period.end().plus_millis(-1).day());
    let day = |day: i64| {
        let whole = Period::new(
            Timestamp::from_millis(day * MILLIS_PER_DAY),
            Timestamp::from_millis((day + 1) * MILLIS_PER_DAY),
        );
        whole.ok()?.intersect(period)
    };
    (first..=last).filter_map(day).collect()
}

fn len(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// A file that is being made, and how many rows it has.
struct File {
    writer: TableWriter,
    rows: u64,
}

impl File {
    fn new(format: Format, schema: &'static Schema) -> Result<Self, JobError> {
        Ok(Self { writer: TableWriter::new(format, schema)?, rows: 0 })
    }

    fn of(format: Format, schema: &'static Schema, rows: Vec<Row>) -> Result<(Vec<u8>, u64), JobError> {
        let mut file = Self::new(format, schema)?;
        file.extend(rows)?;
        file.finish()
    }

    fn push(&mut self, row: Row) -> Result<(), JobError> {
        self.rows += 1;
        Ok(self.writer.push(row)?)
    }

    fn extend(&mut self, rows: Vec<Row>) -> Result<(), JobError> {
        rows.into_iter().try_for_each(|row| self.push(row))
    }

    fn finish(self) -> Result<(Vec<u8>, u64), JobError> {
        Ok((self.writer.finish()?, self.rows))
    }
}
