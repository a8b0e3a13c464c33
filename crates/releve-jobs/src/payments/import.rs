//! What does a bank's file bring? Each of its movements recorded, known already, or passed over with the reason.

use releve_documents::camt::{Camt, Movement, Statement};
use releve_store::{
    customers::Issuer,
    payments::{self as store, Payment, Source},
};
use releve_types::Timestamp;
use sqlx::PgConnection;

use super::{PaidFor, PaymentError, Received, named_in, record, refused};

/// What became of one of a file's entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    pub reference: String,
    pub outcome: Outcome,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Recorded(Box<Payment>),
    /// It was recorded before.
    Known(Box<Payment>),
    /// It is no payment of ours, and why.
    PassedOver(String),
}

/// Records what an account statement, or a notification of credits and debits, says was booked. Read again, the same file changes
/// nothing.
pub async fn import(
    conn: &mut PgConnection,
    issuer: &Issuer,
    camt: Camt,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Imported>, PaymentError> {
    let mut imported = Vec::new();
    for statement in camt.statements {
        of_this_seller(issuer, &statement)?;
        for movement in statement.movements {
            let reference = movement.reference.clone();
            let outcome = one(conn, issuer, movement, by, now).await?;
            imported.push(Imported { reference, outcome });
        }
        let passed = statement.passed_over.into_iter();
        imported.extend(passed.map(|p| Imported { reference: p.reference, outcome: Outcome::PassedOver(p.reason) }));
    }
    Ok(imported)
}

/// A statement of another account would settle invoices with money that came elsewhere.
fn of_this_seller(issuer: &Issuer, statement: &Statement) -> Result<(), PaymentError> {
    let known = &issuer.terms.iban;
    match &statement.iban {
        Some(iban) if !known.is_empty() && iban != known => Err(refused(
            "Acct/Id/IBAN",
            format!("statement {} is of {iban}, this seller's account is {known}", statement.id),
        )),
        _ => Ok(()),
    }
}

async fn one(
    conn: &mut PgConnection,
    issuer: &Issuer,
    movement: Movement,
    by: &str,
    now: Timestamp,
) -> Result<Outcome, PaymentError> {
    if movement.amount.is_zero() {
        return Ok(Outcome::PassedOver("nothing moved".to_owned()));
    }
    if movement.amount.is_negative()
        && !movement.is_return
        && !names_a_credit_note(conn, issuer, &movement, now).await?
    {
        return Ok(Outcome::PassedOver("a debit that gives nothing back and names no credit note".to_owned()));
    }
    let received = Received {
        amount: movement.amount,
        paid_on: movement.on,
        source: Source::Camt,
        reference: movement.reference,
        end_to_end_id: movement.end_to_end_id,
        payer: movement.payer,
        remittance: movement.remittance,
        paid_for: if movement.is_return { PaidFor::Return } else { PaidFor::Text },
    };
    let (payment, new) = record(conn, issuer, received, by, now).await?;
    Ok(if new { Outcome::Recorded(Box::new(payment)) } else { Outcome::Known(Box::new(payment)) })
}

/// What a seller pays is mostly not about its invoices: wages, power.
async fn names_a_credit_note(
    conn: &mut PgConnection,
    issuer: &Issuer,
    movement: &Movement,
    now: Timestamp,
) -> Result<bool, PaymentError> {
    let named = named_in(conn, issuer, &movement.end_to_end_id, &movement.remittance).await?;
    Ok(store::owed(conn, &named, now).await?.iter().any(|owed| owed.payable.is_negative()))
}
