//! What is open on a document, and since when is it overdue? Derived from all documents of an account's period together:
//! a credit note is set against what its invoices leave open before it is owed back.

use std::collections::BTreeMap;

use releve_types::{InvoiceId, Money, Timestamp, money::MoneyError};

/// A document with what happened to it. The order of what happened does not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    pub invoice: InvoiceId,
    /// What is payable on it, less what was paid in advance. Below zero: a credit note.
    pub due: Money,
    pub due_at: Timestamp,
    /// What payments set against it, returns taken off: between zero and what is due, with its sign.
    pub settled: Money,
    /// What was given up of it.
    pub given_up: Money,
}

/// How a document stands with its payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaymentState {
    Open,
    PartlyPaid,
    Overdue,
    /// Of a credit note: paid back.
    Paid,
    /// Set against the period's other documents, without any payment.
    Credited,
    WrittenOff,
}

impl PaymentState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::PartlyPaid => "partly_paid",
            Self::Overdue => "overdue",
            Self::Paid => "paid",
            Self::Credited => "credited",
            Self::WrittenOff => "written_off",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    pub state: PaymentState,
    /// Paid, returns taken off. Of a credit note: paid back, below zero.
    pub settled: Money,
    /// Set against credit notes. Of a credit note: against invoices, below zero.
    pub credited: Money,
    /// Given up, of what is neither paid nor credited.
    pub written_off: Money,
    /// Still owed. Of a credit note: still owed to the customer, below zero.
    pub open: Money,
    /// When it was due, if it is over.
    pub overdue_since: Option<Timestamp>,
}

/// How the documents of one account's period stand, given in the order in which they were issued. What credit notes take
/// off goes to the earliest invoice that is open; what was given up counts only as far as nothing else covers it.
pub fn standings(items: &[Item], now: Timestamp) -> Result<BTreeMap<InvoiceId, Standing>, MoneyError> {
    let mut credited: Vec<Money> = items.iter().map(|item| Money::zero(item.due.currency())).collect();
    for (at, note) in items.iter().enumerate().filter(|(_, item)| item.due.is_negative()) {
        for (to, invoice) in items.iter().enumerate().filter(|(_, item)| !item.due.is_negative()) {
            let owed = note.settled.checked_sub(note.due)?.checked_add(credited[at])?;
            let left = invoice.due.checked_sub(invoice.settled)?.checked_sub(credited[to])?;
            let taken = owed.lesser(left);
            if taken.is_zero() || taken.is_negative() {
                continue;
            }
            credited[to] = credited[to].checked_add(taken)?;
            credited[at] = credited[at].checked_sub(taken)?;
        }
    }
    items
        .iter()
        .zip(credited)
        .map(|(item, credited)| {
            let left = item.due.checked_sub(item.settled)?.checked_sub(credited)?;
            let written_off =
                if left.is_negative() { Money::zero(left.currency()) } else { item.given_up.lesser(left) };
            let open = left.checked_sub(written_off)?;
            let standing = Standing {
                state: state(item, credited, written_off, open, now),
                settled: item.settled,
                credited,
                written_off,
                open,
                overdue_since: (is_overdue(item, open, now)).then_some(item.due_at),
            };
            Ok((item.invoice, standing))
        })
        .collect()
}

fn is_overdue(item: &Item, open: Money, now: Timestamp) -> bool {
    !item.due.is_negative() && !open.is_zero() && now > item.due_at
}

fn state(item: &Item, credited: Money, written_off: Money, open: Money, now: Timestamp) -> PaymentState {
    let touched = !item.settled.is_zero() || !credited.is_zero();
    match (open.is_zero(), touched) {
        (true, _) if !written_off.is_zero() => PaymentState::WrittenOff,
        (true, _) if item.settled.is_zero() && !credited.is_zero() => PaymentState::Credited,
        (true, _) => PaymentState::Paid,
        (false, _) if is_overdue(item, open, now) => PaymentState::Overdue,
        (false, true) => PaymentState::PartlyPaid,
        (false, false) => PaymentState::Open,
    }
}

#[cfg(test)]
#[expect(clippy::inconsistent_digit_grouping, reason = "euros and cents")]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use releve_types::Currency;
    use rust_decimal::Decimal;

    use super::*;

    fn cents(cents: i64) -> Money {
        Money::exact(Decimal::new(cents, 2), Currency::Eur).expect("cents")
    }

    fn id(n: usize) -> InvoiceId {
        InvoiceId::from_uuid(uuid::Uuid::from_u128(u128::try_from(n).expect("small")))
    }

    fn items(of: &[(i64, i64, i64)]) -> Vec<Item> {
        let item = |(n, (payable, settled, given_up)): (usize, &(i64, i64, i64))| Item {
            invoice: id(n),
            due: cents(*payable),
            due_at: Timestamp::from_millis(1_000),
            settled: cents(*settled),
            given_up: cents(*given_up),
        };
        of.iter().enumerate().map(item).collect()
    }

    fn check(of: &[(i64, i64, i64)], now: i64, expect: &Expect) {
        let found = standings(&items(of), Timestamp::from_millis(now)).expect("one currency");
        let row = |s: &Standing| {
            let Standing { state, settled, credited, written_off, open, overdue_since } = s;
            let since = overdue_since.map_or("", |_| " since due");
            let amounts = [settled, credited, written_off, open].map(|m| m.amount().to_string());
            format!("{}: {}{since}\n", state.name(), amounts.join(" "))
        };
        expect.assert_eq(&found.values().map(row).collect::<String>());
    }

    /// Each line: state, then settled, credited, written off and open.
    #[test]
    fn a_state_is_derived() {
        // Payable, paid, given up; before it is due and after.
        check(&[(100_00, 0, 0)], 1_000, &expect!["open: 0.00 0.00 0.00 100.00\n"]);
        check(&[(100_00, 40_00, 0)], 1_000, &expect!["partly_paid: 40.00 0.00 0.00 60.00\n"]);
        check(&[(100_00, 40_00, 0)], 1_001, &expect!["overdue: 40.00 0.00 0.00 60.00 since due\n"]);
        check(&[(100_00, 100_00, 0)], 1_001, &expect!["paid: 100.00 0.00 0.00 0.00\n"]);
        check(&[(100_00, 40_00, 60_00)], 1_001, &expect!["written_off: 40.00 0.00 60.00 0.00\n"]);
        // What comes in after all takes the place of what was given up.
        check(&[(100_00, 70_00, 60_00)], 1_001, &expect!["written_off: 70.00 0.00 30.00 0.00\n"]);
        check(&[(100_00, 100_00, 60_00)], 1_001, &expect!["paid: 100.00 0.00 0.00 0.00\n"]);
        check(&[(0, 0, 0)], 1_001, &expect!["paid: 0.00 0.00 0.00 0.00\n"]);
    }

    #[test]
    fn a_credit_note_takes_off_what_is_open_first() {
        // Nothing was paid: a part is open.
        check(
            &[(100_00, 0, 0), (-30_00, 0, 0)],
            1_000,
            &expect![[r#"
            partly_paid: 0.00 30.00 0.00 70.00
            credited: 0.00 -30.00 0.00 0.00
        "#]],
        );
        // All was paid: it is owed back, and then paid back.
        check(
            &[(100_00, 100_00, 0), (-30_00, 0, 0)],
            2_000,
            &expect![[r#"
            paid: 100.00 0.00 0.00 0.00
            open: 0.00 0.00 0.00 -30.00
        "#]],
        );
        check(
            &[(100_00, 100_00, 0), (-30_00, -30_00, 0)],
            2_000,
            &expect![[r#"
            paid: 100.00 0.00 0.00 0.00
            paid: -30.00 0.00 0.00 0.00
        "#]],
        );
        // Taken back whole and billed anew: what was paid for the first pays the second.
        check(
            &[(100_00, 100_00, 0), (-100_00, 0, 0), (120_00, 0, 0)],
            1_000,
            &expect![[r#"
            paid: 100.00 0.00 0.00 0.00
            credited: 0.00 -100.00 0.00 0.00
            partly_paid: 0.00 100.00 0.00 20.00
        "#]],
        );
        check(
            &[(100_00, 0, 0), (-100_00, 0, 0), (120_00, 0, 0)],
            1_000,
            &expect![[r#"
            credited: 0.00 100.00 0.00 0.00
            credited: 0.00 -100.00 0.00 0.00
            open: 0.00 0.00 0.00 120.00
        "#]],
        );
    }

    proptest! {
        /// What is payable on all documents is what was paid, given up or is open: nothing appears, nothing is lost.
        #[test]
        fn nothing_is_lost(of in prop::collection::vec((-500_i64..500, 0_i64..=100, 0_i64..300), 1..6)) {
            let of: Vec<(i64, i64, i64)> =
                of.into_iter().map(|(payable, percent, off)| (payable, payable * percent / 100, off)).collect();
            let found = standings(&items(&of), Timestamp::from_millis(1)).expect("one currency");
            let sum = |what: fn(&Standing) -> Money| {
                found.values().fold(cents(0), |sum, s| sum.checked_add(what(s)).expect("small"))
            };
            prop_assert_eq!(sum(|s| s.credited), cents(0), "credits only move");
            let payable = of.iter().map(|(payable, ..)| payable).sum();
            let parts = [sum(|s| s.settled), sum(|s| s.written_off), sum(|s| s.open)];
            let parts = parts.into_iter().fold(cents(0), |sum, part| sum.checked_add(part).expect("small"));
            prop_assert_eq!(parts, cents(payable));
            // Nobody is owed something while somebody owes.
            let owing = found.values().any(|s| !s.open.is_negative() && !s.open.is_zero());
            let owed = found.values().any(|s| s.open.is_negative());
            prop_assert!(!(owing && owed));
        }
    }
}
