//! What becomes of a payment? It is recorded, once, and set against what it names; what can't be placed is held for a person.
//!
//! Everything runs on the caller's transaction, under the issuer's payment lock: what is open stays so until it is settled.

mod import;
mod remind;

use releve_billing::payment::{Candidate, HeldFor, Part, allot, numbers_in, split, take_back};
use releve_store::{
    StoreError,
    customers::Issuer,
    payments::{self as store, NewSettlement, Owed, Payment, Source, WriteOff},
};
use releve_types::{
    Day, InvoiceId, Money, Timestamp,
    ids::{IssuerId, PaymentId, fresh_uuid},
    money::MoneyError,
};
use sqlx::PgConnection;

pub use self::{
    import::{Imported, Outcome, import},
    remind::{OVERDUE, REMIND_LATE_DAYS_MAX, remind},
};

/// A payment that can't be recorded or placed like this.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    #[error("{detail}")]
    Refused { field: &'static str, detail: String },
    #[error("{field}: the sum passes what money is exact in: {error}")]
    Money { field: &'static str, error: MoneyError },
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refused(field: &'static str, detail: impl ToString) -> PaymentError {
    PaymentError::Refused { field, detail: detail.to_string() }
}

fn money(error: MoneyError) -> PaymentError {
    PaymentError::Money { field: "amount", error }
}

/// What is told of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// Below zero: paid out, or taken back.
    pub amount: Money,
    pub paid_on: Day,
    pub source: Source,
    pub reference: String,
    pub end_to_end_id: String,
    pub payer: String,
    pub remittance: String,
    pub paid_for: PaidFor,
}

/// How it is known what a payment is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaidFor {
    /// By the numbers in its end-to-end id and its text.
    Text,
    /// Whoever records it says so.
    Document(InvoiceId),
    /// It gives back another; which, is known by its end-to-end id.
    Return,
    /// It gives back this one.
    ReturnOf(PaymentId),
}

/// Records a payment, and whether it is new: one that is known by its reference is not recorded again.
pub async fn record(
    conn: &mut PgConnection,
    issuer: &Issuer,
    received: Received,
    by: &str,
    now: Timestamp,
) -> Result<(Payment, bool), PaymentError> {
    if received.amount.is_zero() {
        return Err(refused("amount", "a payment of nothing"));
    }
    store::lock(conn, issuer.id).await?;
    if let Some(known) = store::by_reference(conn, issuer.id, &received.reference).await? {
        if (known.amount, known.paid_on) == (received.amount, received.paid_on) {
            return Ok((known, false));
        }
        let detail = format!("'{}' is the payment of {} on {}", known.reference, known.amount, known.paid_on);
        return Err(refused("reference", detail));
    }
    let plan = plan(conn, issuer, &received, now).await?;
    let Received { amount, paid_on, source, reference, end_to_end_id, payer, remittance, paid_for: _ } = received;
    let payment = Payment {
        id: PaymentId::fresh(now),
        issuer: issuer.id,
        returns: plan.returns,
        amount,
        paid_on,
        source,
        reference,
        end_to_end_id,
        payer,
        remittance,
        held_for: plan.held_for,
        recorded_at: now,
        recorded_by: by.to_owned(),
    };
    store::insert(conn, &payment).await?;
    for (owed, part) in &plan.parts {
        settle(conn, &payment, owed, *part, "", by, now).await?;
    }
    Ok((payment, true))
}

/// What is to be done with a payment.
struct Plan {
    returns: Option<PaymentId>,
    parts: Vec<(Owed, Money)>,
    held_for: Option<HeldFor>,
}

async fn plan(
    conn: &mut PgConnection,
    issuer: &Issuer,
    received: &Received,
    now: Timestamp,
) -> Result<Plan, PaymentError> {
    let named = match received.paid_for {
        PaidFor::ReturnOf(id) => {
            let original = store::payment(conn, id).await?.filter(|p| p.issuer == issuer.id);
            let original = original.ok_or_else(|| refused("returns", "this seller has no such payment"))?;
            let plan = giving_back(conn, &original, received.amount, now).await?;
            return plan.ok_or_else(|| {
                let detail = format!("{} is more than is left of the payment of {}", received.amount, original.amount);
                refused("amount", detail)
            });
        }
        PaidFor::Return => {
            for original in store::returned_by(conn, issuer.id, &received.end_to_end_id, received.amount).await? {
                if let Some(plan) = giving_back(conn, &original, received.amount, now).await? {
                    return Ok(plan);
                }
            }
            return Ok(Plan { returns: None, parts: Vec::new(), held_for: Some(HeldFor::UnknownPayment) });
        }
        PaidFor::Document(invoice) => vec![invoice],
        PaidFor::Text => named_in(conn, issuer, &received.end_to_end_id, &received.remittance).await?,
    };
    let candidate = |owed: &Owed| {
        let same_side = owed.payable.is_negative() == received.amount.is_negative();
        let room = if same_side { room(owed, received.amount)? } else { Money::zero(owed.payable.currency()) };
        Ok(Candidate { invoice: owed.invoice, room })
    };
    let owed = store::owed(conn, &named, now).await?;
    let candidates = owed.iter().map(candidate).collect::<Result<Vec<_>, MoneyError>>().map_err(money)?;
    let (parts, held_for) = allot(received.amount, &candidates).map_err(money)?;
    Ok(Plan { returns: None, parts: of_documents(owed, &parts)?, held_for })
}

/// The seller's documents that a payment's texts name.
async fn named_in(
    conn: &mut PgConnection,
    issuer: &Issuer,
    end_to_end_id: &str,
    remittance: &str,
) -> Result<Vec<InvoiceId>, StoreError> {
    let text = format!("{end_to_end_id}\n{remittance}");
    let numbers = numbers_in(&text, std::slice::from_ref(&issuer.series));
    store::named(conn, issuer.id, &numbers).await
}

/// The parts with the documents that they go to.
fn of_documents(mut owed: Vec<Owed>, parts: &[Part]) -> Result<Vec<(Owed, Money)>, StoreError> {
    let of = |(invoice, part): &Part| {
        let at = owed.iter().position(|o| o.invoice == *invoice);
        let at = at.ok_or_else(|| StoreError::inconsistent("settlements", "invoice_id", invoice))?;
        Ok((owed.swap_remove(at), *part))
    };
    parts.iter().map(of).collect()
}

/// How much of an amount a document can take: what is open and not covered by credit notes, or, of an amount with the other sign,
/// what was settled.
fn room(owed: &Owed, amount: Money) -> Result<Money, MoneyError> {
    let standing = &owed.standing;
    if owed.payable.is_negative() == amount.is_negative() {
        standing.open.checked_add(standing.written_off)
    } else {
        Ok(standing.settled.negated())
    }
}

/// A plan that takes back what a payment settled; none if not so much is left of it.
async fn giving_back(
    conn: &mut PgConnection,
    original: &Payment,
    amount: Money,
    now: Timestamp,
) -> Result<Option<Plan>, PaymentError> {
    if original.returns.is_some() || original.amount.currency() != amount.currency() {
        return Ok(None);
    }
    let unsettled = store::left_of(conn, original).await?;
    let parts = settled_by(conn, original).await?;
    let mut all = unsettled;
    for (_, part) in &parts {
        all = all.checked_add(*part).map_err(money)?;
    }
    let rest = all.checked_add(amount).map_err(money)?;
    let fits = all.is_negative() != amount.is_negative() && (rest.is_zero() || rest.is_negative() == all.is_negative());
    if !fits {
        return Ok(None);
    }
    let back = take_back(amount.negated(), unsettled, &parts).map_err(money)?;
    let parts: Vec<Part> = back.into_iter().map(|(invoice, part)| (invoice, part.negated())).collect();
    let owed = store::owed(conn, &parts.iter().map(|(invoice, _)| *invoice).collect::<Vec<_>>(), now).await?;
    Ok(Some(Plan { returns: Some(original.id), parts: of_documents(owed, &parts)?, held_for: None }))
}

/// What a payment and its returns settle of each document, in the order in which they first did.
async fn settled_by(conn: &mut PgConnection, payment: &Payment) -> Result<Vec<Part>, PaymentError> {
    let mut family = store::returns_of(conn, payment.id).await?;
    family.insert(0, payment.id);
    let mut parts: Vec<Part> = Vec::new();
    for settlement in store::settlements(conn, &family).await? {
        match parts.iter_mut().find(|(invoice, _)| *invoice == settlement.invoice) {
            Some((_, sum)) => *sum = sum.checked_add(settlement.amount).map_err(money)?,
            None => parts.push((settlement.invoice, settlement.amount)),
        }
    }
    parts.retain(|(_, part)| !part.is_zero());
    Ok(parts)
}

async fn settle(
    conn: &mut PgConnection,
    payment: &Payment,
    owed: &Owed,
    amount: Money,
    reason: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), PaymentError> {
    let before = owed.prepaid.checked_add(owed.standing.settled).map_err(money)?;
    let after = before.checked_add(amount).map_err(money)?;
    let shares = split(&owed.subtotals, before, after).map_err(money)?;
    let (account, invoice) = (owed.account, owed.invoice);
    let new = NewSettlement { id: fresh_uuid(now), payment, account, invoice, amount, shares, reason, by };
    Ok(store::settle(conn, &new, now).await?)
}

/// A person's decision on a payment or an invoice.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    pub reason: &'a str,
    pub by: &'a str,
    pub now: Timestamp,
}

/// Sets what is left of a payment, or so much of it, against a document.
pub async fn assign(
    conn: &mut PgConnection,
    payment: &Payment,
    invoice: InvoiceId,
    amount: Option<Money>,
    decision: Decision<'_>,
) -> Result<(), PaymentError> {
    let owed = decided(conn, payment, invoice, decision).await?;
    if owed.payable.currency() != payment.amount.currency() {
        return Err(refused(
            "invoice",
            format!("it is in {}, the payment in {}", owed.payable.currency(), payment.amount.currency()),
        ));
    }
    let left = store::left_of(conn, payment).await?;
    let room = room(&owed, payment.amount).map_err(money)?;
    let fits = |amount: Money, within: Money| {
        amount.is_negative() == payment.amount.is_negative() && amount.amount().abs() <= within.amount().abs()
    };
    let amount = amount.unwrap_or(if fits(left, room) { left } else { room });
    if amount.is_zero() || !fits(amount, left) {
        return Err(refused("amount", format!("{left} of this payment is set against nothing")));
    }
    if !fits(amount, room) {
        return Err(refused("amount", format!("{} has room for {room} of it", owed.number)));
    }
    settle(conn, payment, &owed, amount, decision.reason, decision.by, decision.now).await
}

/// Takes what a payment settles of a document off it again: it was set against the wrong one.
pub async fn release(
    conn: &mut PgConnection,
    payment: &Payment,
    invoice: InvoiceId,
    decision: Decision<'_>,
) -> Result<(), PaymentError> {
    let owed = decided(conn, payment, invoice, decision).await?;
    let settled = settled_by(conn, payment).await?.into_iter().find(|(of, _)| *of == invoice);
    let (_, part) =
        settled.ok_or_else(|| refused("invoice", format!("this payment settles nothing of {}", owed.number)))?;
    settle(conn, payment, &owed, part.negated(), decision.reason, decision.by, decision.now).await
}

/// Under the lock: the document of a decision, which must be the payment's seller's.
async fn decided(
    conn: &mut PgConnection,
    payment: &Payment,
    invoice: InvoiceId,
    decision: Decision<'_>,
) -> Result<Owed, PaymentError> {
    explained(decision)?;
    if payment.returns.is_some() {
        return Err(refused("payment", "it gives another back: decide on that one"));
    }
    let owed = under_lock(conn, payment.issuer, invoice, decision.now).await?;
    owed.ok_or_else(|| refused("invoice", "the payment's seller issued no such document"))
}

fn explained(decision: Decision<'_>) -> Result<(), PaymentError> {
    if decision.reason.trim().is_empty() { Err(refused("reason", "say why")) } else { Ok(()) }
}

/// An issuer's document, once nobody else decides on its payments until the transaction ends.
async fn under_lock(
    conn: &mut PgConnection,
    issuer: IssuerId,
    invoice: InvoiceId,
    now: Timestamp,
) -> Result<Option<Owed>, PaymentError> {
    store::lock(conn, issuer).await?;
    let owed = store::owed(conn, &[invoice], now).await?.pop();
    Ok(owed.filter(|owed| owed.issuer == issuer))
}

/// Gives up what is open of an invoice, or so much of it. What is paid later all the same takes its place.
pub async fn write_off(
    conn: &mut PgConnection,
    issuer: IssuerId,
    invoice: InvoiceId,
    amount: Option<Money>,
    decision: Decision<'_>,
) -> Result<Money, PaymentError> {
    let owed = issued(conn, issuer, invoice, decision).await?;
    let open = owed.standing.open;
    if open.is_zero() || open.is_negative() {
        return Err(refused("invoice", format!("nothing is owed on {}", owed.number)));
    }
    let amount = within(amount, open, || format!("{open} of {} is open", owed.number))?;
    note(conn, &owed, amount, decision).await?;
    Ok(amount)
}

/// Takes back what was given up of an invoice, or so much of it: the customer is asked for it again.
pub async fn reinstate(
    conn: &mut PgConnection,
    issuer: IssuerId,
    invoice: InvoiceId,
    amount: Option<Money>,
    decision: Decision<'_>,
) -> Result<Money, PaymentError> {
    let owed = issued(conn, issuer, invoice, decision).await?;
    let given_up = store::given_up(conn, owed.account, invoice, owed.payable.currency()).await?;
    if given_up.is_zero() {
        return Err(refused("invoice", format!("nothing of {} was written off", owed.number)));
    }
    let amount = within(amount, given_up, || format!("{given_up} of {} was written off", owed.number))?;
    note(conn, &owed, amount.negated(), decision).await?;
    Ok(amount)
}

/// Under the lock: the document that is given up or asked for again.
async fn issued(
    conn: &mut PgConnection,
    issuer: IssuerId,
    invoice: InvoiceId,
    decision: Decision<'_>,
) -> Result<Owed, PaymentError> {
    explained(decision)?;
    let owed = under_lock(conn, issuer, invoice, decision.now).await?;
    owed.ok_or_else(|| refused("invoice", "it was not issued"))
}

/// What was asked for, if it is of what there is; all that there is, if nothing was.
fn within(amount: Option<Money>, all: Money, what: impl Fn() -> String) -> Result<Money, PaymentError> {
    let amount = amount.unwrap_or(all);
    let fits = !amount.is_zero() && !amount.is_negative() && amount.amount() <= all.amount();
    if fits && amount.currency() == all.currency() { Ok(amount) } else { Err(refused("amount", what())) }
}

async fn note(conn: &mut PgConnection, owed: &Owed, amount: Money, decision: Decision<'_>) -> Result<(), PaymentError> {
    let Decision { reason, by, now } = decision;
    let &Owed { account, invoice, .. } = owed;
    let off = WriteOff { account, invoice, amount, reason: reason.to_owned(), by: by.to_owned() };
    Ok(store::write_off(conn, &off, now).await?)
}
