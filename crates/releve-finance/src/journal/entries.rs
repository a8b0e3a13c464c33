//! Which entries does each fact of a month make?

use std::collections::BTreeMap;

use releve_billing::Kind;
use releve_types::{AccountId, Day, Money, Timestamp, ids::CreditId, money::exact_product};

use super::{Chart, Entry, Journal, JournalError, Ledger, Posting};
use crate::month::{Document, Month, Move, WalletEntry};

/// The month's entries: sales, bank, general, each in the order of time, numbered, balanced.
pub fn entries(month: &Month, chart: &Chart) -> Result<Vec<Entry>, JournalError> {
    let books = Books { month, chart };
    let mut all = Vec::new();
    for document in month.issued_in_month() {
        all.push((document.issued_at, books.sale(document)?));
    }
    for paid in month.payments.iter().filter(|paid| month.is_in(paid.recorded_at)) {
        let label = format!("Encaissement {}", paid.payer);
        let postings = vec![books.line(chart.bank(), paid.amount), books.line(chart.clearing(), paid.amount.negated())];
        let date = month.date(paid.recorded_at);
        all.push((
            paid.recorded_at,
            books.entry(Journal::Bank, date, (&paid.reference, paid.paid_on), label, postings),
        ));
    }
    for settled in month.settlements.iter().filter(|settled| month.is_in(settled.settled_at)) {
        let (piece, date) = (books.piece(settled.invoice), month.date(settled.settled_at));
        let label = format!("Règlement {}", piece.0);
        let postings = vec![
            books.line(chart.clearing(), settled.amount),
            books.of(settled.account, chart.customers(), settled.amount.negated()),
        ];
        all.push((settled.settled_at, books.entry(Journal::General, date, (&piece.0, piece.1), label, postings)));
    }
    for off in month.write_offs.iter().filter(|off| month.is_in(off.at)) {
        let (piece, date) = (books.piece(off.invoice), month.date(off.at));
        let label = format!("Créance irrécouvrable {}", piece.0);
        let postings = vec![
            books.line(chart.bad_debts(), off.amount),
            books.of(off.account, chart.customers(), off.amount.negated()),
        ];
        all.push((off.at, books.entry(Journal::General, date, (&piece.0, piece.1), label, postings)));
    }
    all.extend(books.wallets()?);
    numbered(month, all)
}

/// By journal and time; the order of facts breaks ties.
fn numbered(month: &Month, mut all: Vec<(Timestamp, Entry)>) -> Result<Vec<Entry>, JournalError> {
    all.sort_by_key(|(at, entry)| (entry.journal, *at));
    let mut last: BTreeMap<Journal, u32> = BTreeMap::new();
    let mut entries = Vec::with_capacity(all.len());
    for (_, mut entry) in all {
        let number = last.entry(entry.journal).or_insert(0);
        *number += 1;
        let month = month.month.to_string().replace('-', "");
        entry.number = format!("{}-{month}-{number:06}", entry.journal.code());
        entry.check()?;
        entries.push(entry);
    }
    Ok(entries)
}

struct Books<'a> {
    month: &'a Month,
    chart: &'a Chart,
}

impl Books<'_> {
    fn entry(&self, journal: Journal, date: Day, piece: (&str, Day), label: String, postings: Vec<Posting>) -> Entry {
        let (piece, piece_date) = (piece.0.to_owned(), piece.1);
        Entry { journal, number: String::new(), date, piece, piece_date, label, postings }
    }

    fn line(&self, ledger: &Ledger, amount: Money) -> Posting {
        Posting { ledger: ledger.clone(), customer: None, amount }
    }

    fn of(&self, account: AccountId, ledger: &Ledger, amount: Money) -> Posting {
        let customer = Some((account.to_string(), self.month.customer(account).to_owned()));
        Posting { ledger: ledger.clone(), customer, amount }
    }

    /// What a document is booked under.
    fn piece(&self, invoice: releve_types::InvoiceId) -> (String, Day) {
        let document = self.month.document(invoice);
        document.map_or_else(
            || (invoice.to_string(), self.month.date(self.month.period.start())),
            |document| (document.number.to_string(), self.month.date(document.issued_at)),
        )
    }

    fn sale(&self, document: &Document) -> Result<Entry, JournalError> {
        let account = document.account;
        let mut postings = vec![self.of(account, self.chart.customers(), document.payable)];
        if document.credit.is_some() {
            postings.push(self.of(account, self.chart.advances(), document.total.negated()));
        } else {
            for subtotal in &document.subtotals {
                postings.push(self.line(self.chart.revenue(subtotal.vat.ground), subtotal.base.negated()));
            }
        }
        for subtotal in document.subtotals.iter().filter(|subtotal| !subtotal.tax.is_zero()) {
            postings.push(self.line(self.chart.vat(), subtotal.tax.negated()));
        }
        let kind = match document.kind {
            Kind::Invoice => "Facture",
            Kind::Deposit => "Facture d'acompte",
            Kind::Correction => "Facture rectificative",
            Kind::CreditNote => "Avoir",
        };
        let (date, number) = (self.month.date(document.issued_at), document.number.to_string());
        let label = format!("{kind} {number} {}", self.month.customer(account));
        Ok(self.entry(Journal::Sales, date, (&number, date), label, postings))
    }

    /// What moved on advances. What was given is no money: its lines stand on invoices below zero.
    fn wallets(&self) -> Result<Vec<(Timestamp, Entry)>, JournalError> {
        let mut drawn: BTreeMap<CreditId, Money> = BTreeMap::new();
        let mut entries = Vec::new();
        for entry in &self.month.wallet_entries {
            let Some(wallet) = self.month.wallets.get(&entry.credit).filter(|wallet| wallet.paid) else { continue };
            let so_far = drawn.entry(entry.credit).or_insert(Money::zero(entry.amount.currency()));
            let (before, now) = (*so_far, self.drawn_by(entry, *so_far)?);
            *so_far = now;
            if self.month.is_in(entry.at) {
                let vat =
                    self.deposit_vat(wallet.deposit, now)?.checked_sub(self.deposit_vat(wallet.deposit, before)?)?;
                entries.push((entry.at, self.moved(entry, wallet.account, wallet.deposit.is_some(), vat)?));
            }
        }
        Ok(entries)
    }

    fn drawn_by(&self, entry: &WalletEntry, so_far: Money) -> Result<Money, JournalError> {
        Ok(match entry.moved {
            Move::Drawn => so_far.checked_add(entry.amount)?,
            Move::GivenBack => so_far.checked_sub(entry.amount)?,
            Move::Opened | Move::Expired | Move::TakenBack => so_far,
        })
    }

    /// The VAT that a deposit invoice bore on so much of it: in proportion, and all of it on all.
    fn deposit_vat(&self, deposit: Option<releve_types::InvoiceId>, drawn: Money) -> Result<Money, JournalError> {
        let zero = Money::zero(drawn.currency());
        let Some(document) = deposit.and_then(|id| self.month.document(id)) else { return Ok(zero) };
        let tax = document.payable.checked_sub(document.total)?;
        if tax.is_zero() || document.payable.is_zero() {
            return Ok(zero);
        }
        let part = exact_product(tax.amount(), drawn.amount())?;
        let part = part.checked_div(document.payable.amount()).unwrap_or_default();
        Ok(Money::round_line(part, drawn.currency())?)
    }

    fn moved(
        &self,
        entry: &WalletEntry,
        account: AccountId,
        has_deposit: bool,
        vat: Money,
    ) -> Result<Entry, JournalError> {
        let Self { month, chart } = self;
        let amount = entry.amount;
        let piece = entry
            .invoice
            .map_or_else(|| (entry.credit.to_string(), month.date(entry.at)), |invoice| self.piece(invoice));
        let customers = |amount| self.of(account, chart.customers(), amount);
        let advances = |amount| self.of(account, chart.advances(), amount);
        let clearing = |amount| self.line(chart.clearing(), amount);
        let (label, postings) = match entry.moved {
            // Its deposit invoice put it on the advances already, and left it owed.
            Move::Opened if has_deposit => ("Acompte reçu", vec![clearing(amount), customers(amount.negated())]),
            Move::Opened => ("Avance reçue", vec![clearing(amount), advances(amount.negated())]),
            Move::Drawn | Move::GivenBack => {
                let signed = if entry.moved == Move::Drawn { amount } else { amount.negated() };
                let net = signed.checked_sub(vat)?;
                ("Imputation d'avance", vec![advances(net), self.line(chart.vat(), vat), customers(signed.negated())])
            }
            Move::Expired => {
                ("Avance expirée", vec![advances(amount), self.line(chart.expired_advances(), amount.negated())])
            }
            Move::TakenBack if has_deposit => ("Acompte restitué", vec![customers(amount), clearing(amount.negated())]),
            Move::TakenBack => ("Avance restituée", vec![advances(amount), clearing(amount.negated())]),
        };
        let date = month.date(entry.at);
        let label = format!("{label} {}", piece.0);
        Ok(self.entry(Journal::General, date, (&piece.0, piece.1), label, postings))
    }
}
