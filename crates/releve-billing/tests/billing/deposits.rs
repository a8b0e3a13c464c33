//! Is a deposit invoice of what was paid, to the cent that VAT leaves, and taken back as it was made?

use proptest::prelude::*;
use releve_billing::{
    Corrected, Deposit, Draft, Kind, Number,
    tax::{Ground, Vat, VatRate},
};
use releve_types::{
    AccountId, Currency, Hour, InvoiceId, Money, Period,
    ids::{CreditId, IssuerId, PaymentId},
};
use rust_decimal::Decimal;

use crate::sheet::named;

fn deposit(vat: Vat) -> Deposit<'static> {
    let hour = Hour::from_index(500_000);
    Deposit {
        account: AccountId::from_uuid(named("account")),
        issuer: IssuerId::from_uuid(named("issuer")),
        credit: CreditId::from_uuid(named("credit")),
        description: "Top-up",
        payment: PaymentId::from_uuid(named("payment")),
        paid_on: "2027-01-15".parse().expect("a day"),
        vat,
        hour: Period::of_hours(hour, hour.next()).expect("an hour"),
    }
}

fn cents(cents: i64, currency: Currency) -> Money {
    Money::exact(Decimal::new(cents, currency.decimals()), currency).expect("an amount")
}

fn at(percent: i64) -> Vat {
    let rate = VatRate::new(Decimal::new(percent, 2)).expect("a rate");
    if percent == 0 { Vat::free(Ground::ReverseCharge) } else { Vat { ground: Ground::Domestic, rate } }
}

/// `<net> <VAT> <with VAT>`, or nothing.
fn shown(draft: Option<&Draft>) -> String {
    draft.map_or_else(String::new, |draft| {
        let sums = [draft.content().total, draft.taxes().tax, draft.taxes().payable];
        sums.map(|sum| sum.amount().to_string()).join(" ")
    })
}

#[test]
fn what_was_paid_is_split_to_the_cent() {
    for (paid, percent, expected) in [
        (120_000, 2_000, "1000.00 200.00 1200.00"),
        (10_000, 2_000, "83.33 16.67 100.00"),
        // 833.33 and its VAT are 1000.00.
        (99_999, 2_000, "833.32 166.66 999.98"),
        (3, 2_000, "0.02 0.00 0.02"),
        (1, 2_000, "0.01 0.00 0.01"),
        (10_550, 550, "100.00 5.50 105.50"),
        (99_999, 0, "999.99 0.00 999.99"),
        (1, 10_000, ""),
    ] {
        let made = deposit(at(percent)).invoice(cents(paid, Currency::Eur)).expect("adds up");
        assert_eq!(shown(made.as_ref()), expected, "{paid} at {percent}");
    }
}

proptest! {
    /// The most that is an amount with its VAT: less than two minor units are left, and one more is too much. What takes it
    /// back is the same, and below zero.
    #[test]
    fn the_most_that_vat_leaves(paid in 2_i64..1_000_000_000_000, percent in 0_i64..=3_000, yen: bool) {
        let currency = if yen { Currency::Jpy } else { Currency::Eur };
        let (paid, deposit) = (cents(paid, currency), deposit(at(percent)));
        let made = deposit.invoice(paid).expect("adds up").expect("something");
        let payable = made.taxes().payable;
        let left = paid.checked_sub(payable).expect("small");
        prop_assert!(!left.is_negative() && left.amount() < cents(2, currency).amount(), "{left} of {paid}");
        prop_assert_eq!((made.content().kind(), made.advances().due), (Kind::Deposit, Money::zero(currency)));
        let corrected = Corrected {
            id: InvoiceId::from_uuid(named("invoice")),
            number: Number::new("T", 2027, 1).expect("a number"),
            issued_at: deposit.hour.start(),
        };
        let back = deposit.credit_note(payable, corrected).expect("adds up").expect("something");
        prop_assert_eq!(back.content().kind(), Kind::CreditNote);
        prop_assert_eq!(back.taxes().printed(Kind::CreditNote).subtotals, made.taxes().subtotals.clone());
        prop_assert_ne!(deposit.basis(&back), deposit.basis(&made));
    }
}
