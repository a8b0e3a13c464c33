//! Which entries does each fact of a month make?

use std::collections::BTreeMap;

use releve_billing::Kind;
use releve_types::{AccountId, Currency, Day, InvoiceId, Money, Timestamp};

use super::{BOOKS, Chart, Entry, Journal, JournalError, Ledger, Posting};
use crate::{
    draws::{Draw, draws},
    month::{Document, Month, Move, WalletEntry},
    standing,
};

/// The month's entries: sales, bank, general, each in the order of time, numbered, balanced.
pub fn entries(month: &Month, chart: &Chart) -> Result<Vec<Entry>, JournalError> {
    let books = Books { month, documents: month.by_id(), chart };
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
    for off in standing::written_off(month)?.iter().filter(|off| month.is_in(off.at)) {
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

/// By journal, currency and time; the order of facts breaks ties. What moves nothing is no entry.
fn numbered(month: &Month, mut all: Vec<(Timestamp, Entry)>) -> Result<Vec<Entry>, JournalError> {
    all.retain(|(_, entry)| entry.postings.iter().any(|posting| !posting.amount.is_zero()));
    all.sort_by_key(|(at, entry)| (entry.journal, entry.currency(), *at));
    let mut last: BTreeMap<(Journal, Option<Currency>), u32> = BTreeMap::new();
    let period = month.month.to_string().replace('-', "");
    let mut entries = Vec::with_capacity(all.len());
    for (_, mut entry) in all {
        let currency = entry.currency();
        let number = last.entry((entry.journal, currency)).or_insert(0);
        *number += 1;
        let foreign = currency.filter(|currency| *currency != BOOKS).map(|currency| format!("{currency}-"));
        let (code, foreign) = (entry.journal.code(), foreign.unwrap_or_default());
        entry.number = format!("{code}-{foreign}{period}-{number:06}");
        entry.check()?;
        entries.push(entry);
    }
    Ok(entries)
}

struct Books<'a> {
    month: &'a Month,
    documents: BTreeMap<InvoiceId, &'a Document>,
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
    fn piece(&self, invoice: InvoiceId) -> (String, Day) {
        let document = self.documents.get(&invoice);
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
        let mut entries = Vec::new();
        for draw in draws(self.month)?.iter().filter(|draw| self.month.is_in(draw.entry.at)) {
            entries.push((draw.entry.at, self.used_up(draw)));
        }
        for entry in self.month.wallet_entries.iter().filter(|entry| self.month.is_in(entry.at)) {
            let Some(wallet) = self.month.wallets.get(&entry.credit).filter(|wallet| wallet.paid) else { continue };
            let (account, amount) = (wallet.account, entry.amount);
            // What has a deposit invoice is on the advances by it, and owed until the money is set against it.
            let side = |amount| {
                let ledger = if wallet.deposit.is_some() { self.chart.customers() } else { self.chart.advances() };
                self.of(account, ledger, amount)
            };
            let (label, postings) = match entry.moved {
                Move::Opened => {
                    ("Avance reçue", vec![self.line(self.chart.clearing(), amount), side(amount.negated())])
                }
                Move::TakenBack => {
                    ("Avance restituée", vec![side(amount), self.line(self.chart.clearing(), amount.negated())])
                }
                Move::Drawn | Move::GivenBack | Move::Expired => continue,
            };
            entries.push((entry.at, self.of_wallet(entry, label, postings)));
        }
        Ok(entries)
    }

    /// By an invoice, which then owes less and has the VAT back that was paid with the deposit; or by nobody in its time, which leaves that
    /// VAT paid.
    fn used_up(&self, draw: &Draw<'_>) -> Entry {
        let advances = self.of(draw.account, self.chart.advances(), draw.net);
        if draw.entry.moved == Move::Expired {
            let income = self.line(self.chart.expired_advances(), draw.net.negated());
            return self.of_wallet(draw.entry, "Avance expirée", vec![advances, income]);
        }
        let gross = if draw.entry.moved == Move::Drawn { draw.entry.amount } else { draw.entry.amount.negated() };
        let customers = self.of(draw.account, self.chart.customers(), gross.negated());
        let vat = self.line(self.chart.vat(), draw.vat);
        self.of_wallet(draw.entry, "Imputation d'avance", vec![advances, vat, customers])
    }

    fn of_wallet(&self, entry: &WalletEntry, label: &str, postings: Vec<Posting>) -> Entry {
        let date = self.month.date(entry.at);
        let piece = entry.invoice.map_or_else(|| (entry.credit.to_string(), date), |invoice| self.piece(invoice));
        let label = format!("{label} {}", piece.0);
        self.entry(Journal::General, date, (&piece.0, piece.1), label, postings)
    }
}
