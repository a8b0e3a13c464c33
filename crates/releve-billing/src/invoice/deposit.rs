//! What document does money get that was paid in advance? A deposit invoice, where VAT is due when it is paid (Directive
//! 2006/112/EC, art. 65; CGI art. 269, 2 c); and a credit note for what of it is taken back.
//!
//! What was paid is an amount with VAT, and not every such amount is a net amount and its VAT, both rounded to the cent: at 20 %,
//! 0.02 and 0.04 are and 0.03 is not. The document is of the most that is, and what is left over is nobody's document: it stays
//! where it was. It is less than two minor units of the currency.

use std::{collections::BTreeMap, fmt::Write};

use releve_types::{
    AccountId, Day, Money, Period, Sku, Timestamp, Unit,
    ids::{CreditId, IssuerId, PaymentId},
    money::{MoneyError, exact_product},
};
use rust_decimal::Decimal;

use super::{Advances, Content, Corrected, Draft, InvoiceError, Line, Number};
use crate::{
    Charge, ChargeKind, Drawn,
    tax::{RateClass, Vat, tax},
};

/// The version of the text of a deposit's basis.
pub const DEPOSIT_BASIS_VERSION: u32 = 1;

/// The invoice that an advance got when it was paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DepositRef {
    pub number: Number,
    pub issued_at: Timestamp,
}

/// An advance, as far as its documents ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deposit<'a> {
    pub account: AccountId,
    pub issuer: IssuerId,
    pub credit: CreditId,
    /// What its line says.
    pub description: &'a str,
    pub payment: PaymentId,
    pub paid_on: Day,
    pub vat: Vat,
    /// The hour in which the document is made: it is of no period that is billed.
    pub hour: Period,
}

impl Deposit<'_> {
    /// The deposit invoice of the most that is an amount with its VAT, of what was paid; none if that is nothing.
    pub fn invoice(&self, paid: Money) -> Result<Option<Draft>, InvoiceError> {
        self.document(paid, None)
    }

    /// The credit note that takes back the most that is an amount with its VAT, of what is left; none if that is nothing.
    pub fn credit_note(&self, left: Money, of: Corrected) -> Result<Option<Draft>, InvoiceError> {
        self.document(left, Some(of))
    }

    fn document(&self, most: Money, corrects: Option<Corrected>) -> Result<Option<Draft>, InvoiceError> {
        let Some(net) = net_within(most, self.vat)? else { return Ok(None) };
        let taken_back = corrects.is_some();
        let amount = if taken_back { net.negated() } else { net };
        let charge = Charge {
            tenant: None,
            project: String::new(),
            sku: Sku::Fee { name: "deposit".into() },
            unit: Unit::Count,
            kind: ChargeKind::Deposit(self.credit),
            class: RateClass::Standard,
            tier: 0,
            stretch: self.hour,
            metered: 0,
            billed: if taken_back { -1 } else { 1 },
            energy_mj: 0,
            unit_price: net.amount().normalize(),
            base_quantity: 1,
            discount: None,
            amount,
        };
        let called = BTreeMap::from([(self.credit.uuid(), self.description.to_owned())]);
        let lines = super::describe::lines(vec![charge], &called);
        let content = Content {
            account: self.account,
            issuer: self.issuer,
            period: self.hour,
            book: 1,
            currency: amount.currency(),
            corrects: corrects.into_iter().collect(),
            purchase_order: None,
            lines: lines.into_iter().map(|line| Line { taken_back, ..line }).collect(),
            total: amount,
        };
        let taxes = tax(amount.currency(), [(self.vat, amount)])?;
        let drawn = Drawn { credit: self.credit, paid_on: self.paid_on, deposit: None, amount: taxes.payable };
        let advances = Advances::of(taxes.payable, vec![drawn])?;
        let draft = Draft { content, taxes, advances };
        draft.check()?;
        Ok(Some(draft))
    }

    /// What such a document rests on: the text whose SHA-256 is its digest, one fact per line, its fields separated by tabs.
    pub fn basis(&self, draft: &Draft) -> String {
        let Self { account, issuer, credit, payment, paid_on, vat, .. } = self;
        let mut out = format!(
            "releve-deposit\t{DEPOSIT_BASIS_VERSION}\naccount\t{account}\nissuer\t{issuer}\ncredit\t{credit}\npayment\t{payment}\t{paid_on}\n"
        );
        for corrected in &draft.content.corrects {
            let _ = writeln!(out, "takes_back\t{}", corrected.number);
        }
        let (currency, payable) = (draft.content.currency.code(), draft.taxes.payable.amount());
        let _ = writeln!(out, "vat\t{}\t{}\namount\t{currency}\t{payable}", vat.ground.name(), vat.rate.percent());
        out
    }
}

/// The largest net amount that comes to at most this much with its VAT; none if that is nothing.
fn net_within(most: Money, vat: Vat) -> Result<Option<Money>, InvoiceError> {
    let currency = most.currency();
    let of_net = |net| tax(currency, [(vat, net)]).map(|taxes| taxes.payable);
    let with_vat = Decimal::ONE_HUNDRED.checked_add(vat.rate.percent()).ok_or(MoneyError::TooLarge)?;
    let net = exact_product(most.amount(), Decimal::ONE_HUNDRED)?.checked_div(with_vat).ok_or(MoneyError::TooLarge)?;
    let unit = Money::exact(Decimal::new(1, currency.decimals()), currency)?;
    // With its VAT, each is rounded by a half at most: the one that is looked for is at most this.
    let mut net = Money::round_line(net, currency)?.checked_add(unit)?;
    while of_net(net)?.amount() > most.amount() {
        net = net.checked_sub(unit)?;
    }
    Ok((!net.is_zero() && !net.is_negative()).then_some(net))
}
