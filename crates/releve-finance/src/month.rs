//! What happened at a seller up to the end of a month? The facts that the journal and the month-end pack are made of.
//!
//! Each fact belongs to the month in which it was entered, by the seller's calendar: a document when it was issued, a payment when it was
//! recorded, whatever day the bank gives it. So a month that has ended does not change any more, but for usage that comes late; what of
//! usage was not invoiced when the month was closed is kept (`Accrual`), and what comes later is earned in the month in which it comes.

use std::collections::BTreeMap;

use releve_billing::{ChargeKind, Issued, Kind, Number, tax::Subtotal};
use releve_types::{
    AccountId, BillingMonth, Currency, Day, InvoiceId, Money, Period, Sku, Timestamp, Zone,
    ids::{CreditId, IssuerId, PaymentId},
};

/// Who sells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seller {
    pub id: IssuerId,
    pub name: String,
    /// In France, the SIREN.
    pub legal_id: String,
    pub zone: Zone,
}

/// Who buys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    pub name: String,
    /// ISO 3166 alpha-2; empty: not known.
    pub country: String,
    pub vat_id: String,
}

/// An issued document without its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    pub id: InvoiceId,
    pub account: AccountId,
    pub number: Number,
    pub kind: Kind,
    /// Of usage; of a document of an advance the hour in which it was made.
    pub period: Period,
    /// The advance that it is of.
    pub credit: Option<CreditId>,
    pub issued_at: Timestamp,
    pub due_at: Timestamp,
    /// Without VAT.
    pub total: Money,
    pub payable: Money,
    /// Of it paid in advance.
    pub prepaid: Money,
    pub subtotals: Vec<Subtotal>,
}

impl Document {
    pub fn currency(&self) -> Currency {
        self.total.currency()
    }
}

/// Money that came in, or below zero went out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paid {
    pub id: PaymentId,
    pub amount: Money,
    pub paid_on: Day,
    pub payer: String,
    /// The bank's.
    pub reference: String,
    pub recorded_at: Timestamp,
}

/// What of a payment was set against a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    pub payment: PaymentId,
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub settled_at: Timestamp,
}

/// What was given up of a document; below zero, taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GivenUp {
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub at: Timestamp,
}

/// Money that an account draws on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wallet {
    pub account: AccountId,
    /// Paid in advance, or given.
    pub paid: bool,
    pub description: String,
    pub expires: Option<Timestamp>,
    /// The deposit invoice that it got.
    pub deposit: Option<InvoiceId>,
}

/// Where an entry of a wallet's ledger comes from, or goes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Move {
    Opened,
    /// By an invoice.
    Drawn,
    /// By a credit note.
    GivenBack,
    Expired,
    /// Back to the payment, or to the seller.
    TakenBack,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WalletEntry {
    pub credit: CreditId,
    pub moved: Move,
    pub amount: Money,
    pub invoice: Option<InvoiceId>,
    pub at: Timestamp,
}

impl WalletEntry {
    /// With the sign that it has for what is left.
    pub fn signed(&self) -> Money {
        match self.moved {
            Move::Opened | Move::GivenBack => self.amount,
            Move::Drawn | Move::Expired | Move::TakenBack => self.amount.negated(),
        }
    }
}

/// What of a month's usage was on no document that was issued by the end of the month that is closed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AccrualKey {
    pub account: AccountId,
    /// Of the usage.
    pub month: BillingMonth,
    pub sku: String,
    /// A charge's: `usage`, `reserved`, …
    pub kind: String,
    pub currency: Currency,
}

pub type Accruals = BTreeMap<AccrualKey, Money>;

/// All of it.
#[derive(Clone, Debug)]
pub struct Month {
    pub seller: Seller,
    pub month: BillingMonth,
    pub period: Period,
    /// As they are called now.
    pub customers: BTreeMap<AccountId, Customer>,
    /// As the month's documents name them.
    pub buyers: BTreeMap<InvoiceId, Customer>,
    /// Issued before the month's end, in the order of their issue.
    pub documents: Vec<Document>,
    /// Those that were issued in the month, with their lines.
    pub whole: BTreeMap<InvoiceId, Issued>,
    pub payments: Vec<Paid>,
    pub settlements: Vec<Settled>,
    pub write_offs: Vec<GivenUp>,
    pub wallets: BTreeMap<CreditId, Wallet>,
    pub wallet_entries: Vec<WalletEntry>,
    /// Not invoiced when the month before was closed, and when this one was.
    pub opening: Accruals,
    pub closing: Accruals,
}

impl Month {
    pub fn is_in(&self, at: Timestamp) -> bool {
        self.period.contains(at)
    }

    pub fn date(&self, at: Timestamp) -> Day {
        self.seller.zone.date(at).parse().unwrap_or_else(|_| Day::from_index(at.day()))
    }

    pub fn customer(&self, account: AccountId) -> &str {
        self.customers.get(&account).map_or("", |customer| &customer.name)
    }

    /// The same facts as if the month had begun with the first of them.
    #[must_use]
    pub fn since_ever(&self) -> Self {
        let first = Timestamp::from_millis(0);
        let period = Period::new(first, self.period.end()).unwrap_or(self.period);
        Self { period, whole: BTreeMap::new(), ..self.clone() }
    }

    pub fn issued_in_month(&self) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(|document| self.is_in(document.issued_at))
    }

    /// As the document names it; of an earlier month's, as it is called now.
    pub fn buyer(&self, document: &Document) -> Option<&Customer> {
        self.buyers.get(&document.id).or_else(|| self.customers.get(&document.account))
    }

    /// The documents, to be looked up.
    pub fn by_id(&self) -> BTreeMap<InvoiceId, &Document> {
        self.documents.iter().map(|document| (document.id, document)).collect()
    }

    /// Of which months of usage lines are: a document of an advance is of none.
    pub fn month_of(&self, document: &Document) -> Option<BillingMonth> {
        document.credit.is_none().then(|| self.seller.zone.month_of(document.period.start()))
    }
}

/// What lines come to by SKU and kind: advances left out, they are no revenue.
pub fn by_sku<'a>(
    lines: impl IntoIterator<Item = (&'a Sku, ChargeKind, Money)>,
    account: AccountId,
    month: BillingMonth,
) -> Result<Accruals, releve_types::money::MoneyError> {
    let mut sums = Accruals::new();
    for (sku, kind, amount) in lines {
        if matches!(kind, ChargeKind::Deposit(_)) {
            continue;
        }
        let currency = amount.currency();
        let key = AccrualKey { account, month, sku: sku.to_string(), kind: kind.name().to_owned(), currency };
        add(&mut sums, key, amount)?;
    }
    Ok(sums)
}

/// Adds an amount, and forgets what came to nothing.
pub fn add(sums: &mut Accruals, key: AccrualKey, amount: Money) -> Result<(), releve_types::money::MoneyError> {
    let sum = sums.get(&key).copied().unwrap_or(Money::zero(key.currency)).checked_add(amount)?;
    if sum.is_zero() {
        sums.remove(&key);
    } else {
        sums.insert(key, sum);
    }
    Ok(())
}
