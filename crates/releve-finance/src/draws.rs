//! What of an advance was used up, net and VAT? An advance with a deposit invoice bore VAT when it was paid: what draws on it has that VAT
//! back, in proportion, and all of it on all.

use std::collections::BTreeMap;

use releve_types::{
    AccountId, Money,
    ids::CreditId,
    money::{MoneyError, exact_product},
};

use crate::month::{Document, Month, Move, WalletEntry};

/// Part of an advance that is used up: by an invoice, or by nobody in its time. Below zero: given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Draw<'a> {
    pub entry: &'a WalletEntry,
    pub account: AccountId,
    pub deposit: Option<&'a Document>,
    pub net: Money,
    pub vat: Money,
}

/// All of them ever, in the order in which they were entered.
pub fn draws(month: &Month) -> Result<Vec<Draw<'_>>, MoneyError> {
    let documents = month.by_id();
    let mut used: BTreeMap<CreditId, Money> = BTreeMap::new();
    let mut draws = Vec::new();
    for entry in &month.wallet_entries {
        let Some(wallet) = month.wallets.get(&entry.credit).filter(|wallet| wallet.paid) else { continue };
        let signed = match entry.moved {
            Move::Drawn | Move::Expired => entry.amount,
            Move::GivenBack => entry.amount.negated(),
            Move::Opened | Move::TakenBack => continue,
        };
        let deposit = wallet.deposit.and_then(|id| documents.get(&id).copied());
        let so_far = used.entry(entry.credit).or_insert(Money::zero(signed.currency()));
        let (before, now) = (*so_far, so_far.checked_add(signed)?);
        *so_far = now;
        let vat = borne(deposit, now)?.checked_sub(borne(deposit, before)?)?;
        draws.push(Draw { entry, account: wallet.account, deposit, net: signed.checked_sub(vat)?, vat });
    }
    Ok(draws)
}

/// The VAT that a deposit invoice bore on so much of it.
fn borne(deposit: Option<&Document>, amount: Money) -> Result<Money, MoneyError> {
    let zero = Money::zero(amount.currency());
    let Some(document) = deposit.filter(|document| !document.payable.is_zero()) else { return Ok(zero) };
    let tax = document.payable.checked_sub(document.total)?;
    let part = exact_product(tax.amount(), amount.amount())?.checked_div(document.payable.amount());
    Money::round_line(part.ok_or(MoneyError::TooLarge)?, amount.currency())
}
