//! How is a payment shown? With what it settles, which VAT that bears, and what of it waits.

use releve_billing::payment::HeldFor;
use releve_store::payments::{self, Payment, Settlement};
use releve_types::{Money, ids::PaymentId};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{error::Problem, worth::MoneyView};

#[derive(Serialize, ToSchema)]
pub struct PaymentView {
    pub(super) id: String,
    issuer: String,
    /// Below zero: paid out, or taken back.
    amount: MoneyView,
    paid_on: String,
    /// `api` or `camt`.
    source: &'static str,
    reference: String,
    end_to_end_id: String,
    payer: String,
    remittance: String,
    /// The payment that this one gives back.
    returns: Option<String>,
    settles: Vec<SettlementView>,
    /// What is set against nothing, returns taken off.
    left: MoneyView,
    /// Why it, or what is left of it, waits for a person: `no_invoice`, `several_invoices`, `nothing_open`, `other_currency`,
    /// `surplus` or `unknown_payment`. None once nothing is left.
    held_for: Option<&'static str>,
    recorded_at: String,
    recorded_by: String,
}

#[derive(Serialize, ToSchema)]
pub struct SettlementView {
    invoice: String,
    number: String,
    account: String,
    amount: MoneyView,
    /// What of it is of which VAT. The settlements of a paid document add up to its VAT.
    vat: Vec<ShareView>,
    /// Why a person placed it there; empty if its text named the document.
    reason: String,
    settled_at: String,
    settled_by: String,
}

#[derive(Serialize, ToSchema)]
pub struct ShareView {
    /// Why this VAT, as on the document.
    ground: &'static str,
    #[schema(example = "20.00")]
    percent: String,
    base: MoneyView,
    tax: MoneyView,
}

impl PaymentView {
    pub(super) const fn is_held(&self) -> bool {
        self.held_for.is_some()
    }
}

impl From<&Settlement> for SettlementView {
    fn from(settlement: &Settlement) -> Self {
        let share = |share: &releve_billing::payment::Share| ShareView {
            ground: share.vat.ground.name(),
            percent: share.vat.rate.percent().to_string(),
            base: share.base.into(),
            tax: share.tax.into(),
        };
        Self {
            invoice: settlement.invoice.to_string(),
            number: settlement.number.clone(),
            account: settlement.account.to_string(),
            amount: settlement.amount.into(),
            vat: settlement.shares.iter().map(share).collect(),
            reason: settlement.reason.clone(),
            settled_at: settlement.settled_at.to_string(),
            settled_by: settlement.settled_by.clone(),
        }
    }
}

/// Payments as they are shown, in their order.
pub async fn views(conn: &mut PgConnection, rows: Vec<Payment>) -> Result<Vec<PaymentView>, Problem> {
    let ids: Vec<PaymentId> = rows.iter().map(|p| p.id).collect();
    let settlements = payments::settlements(conn, &ids).await?;
    let left = payments::left(conn, &rows.iter().collect::<Vec<_>>()).await?;
    let view = |payment: Payment| {
        let left = left.get(&payment.id).copied().unwrap_or_else(|| Money::zero(payment.amount.currency()));
        let held_for = payment.waits_for(left).map(HeldFor::name);
        let of_it = settlements.iter().filter(|s| s.payment == payment.id);
        PaymentView {
            id: payment.id.to_string(),
            issuer: payment.issuer.to_string(),
            amount: payment.amount.into(),
            paid_on: payment.paid_on.to_string(),
            source: payment.source.name(),
            reference: payment.reference,
            end_to_end_id: payment.end_to_end_id,
            payer: payment.payer,
            remittance: payment.remittance,
            returns: payment.returns.map(|id| id.to_string()),
            settles: of_it.map(SettlementView::from).collect(),
            left: left.into(),
            held_for,
            recorded_at: payment.recorded_at.to_string(),
            recorded_by: payment.recorded_by,
        }
    };
    Ok(rows.into_iter().map(view).collect())
}
