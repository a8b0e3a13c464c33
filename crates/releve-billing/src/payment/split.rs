//! Which VAT does a payment bear? Where VAT is due on receipt, the French administration is told of each payment by rate
//! (CGI art. 290 A); parts of an invoice's payment have to add up to its VAT, to the cent.

use std::num::NonZero;

use releve_types::{Currency, Money, money::MoneyError};

use crate::tax::{Subtotal, Vat};

/// What of a payment is of one ground and rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    pub vat: Vat,
    pub base: Money,
    pub tax: Money,
}

/// The shares of the payment that brings what is settled of an invoice from `before` to `after`: what all of the second
/// amount bears, less what the first did. So the shares of all payments add up to the invoice's own, in whatever parts it is paid;
/// a return's are below zero.
pub fn split(subtotals: &[Subtotal], before: Money, after: Money) -> Result<Vec<Share>, MoneyError> {
    let (before, after) = (borne(subtotals, before)?, borne(subtotals, after)?);
    let mut shares = Vec::with_capacity(after.len());
    for (before, after) in before.iter().zip(&after) {
        let base = after.base.checked_sub(before.base)?;
        let tax = after.tax.checked_sub(before.tax)?;
        if !(base.is_zero() && tax.is_zero()) {
            shares.push(Share { vat: after.vat, base, tax });
        }
    }
    Ok(shares)
}

/// What so much of an invoice bears. The grounds share it in their order, each rounded on the sum of those before it, so
/// that they add up to it.
fn borne(subtotals: &[Subtotal], settled: Money) -> Result<Vec<Share>, MoneyError> {
    let zero = Money::zero(settled.currency());
    let payable = subtotals.iter().try_fold(zero, |sum, s| sum.checked_add(s.base)?.checked_add(s.tax))?;
    let (mut upto, mut given) = (zero, zero);
    let mut shares = Vec::with_capacity(subtotals.len());
    for subtotal in subtotals {
        let gross = subtotal.base.checked_add(subtotal.tax)?;
        upto = upto.checked_add(gross)?;
        let so_far = part(settled, upto, payable)?;
        let share = so_far.checked_sub(given)?;
        given = so_far;
        let tax = part(share, subtotal.tax, gross)?;
        shares.push(Share { vat: subtotal.vat, base: share.checked_sub(tax)?, tax });
    }
    Ok(shares)
}

/// `amount × of ÷ whole`, rounded once; nothing of nothing.
fn part(amount: Money, of: Money, whole: Money) -> Result<Money, MoneyError> {
    let currency = amount.currency();
    let whole_minor = minor(whole)?;
    let Some(denominator) = NonZero::new(whole_minor.unsigned_abs()) else { return Ok(Money::zero(currency)) };
    let product = minor(amount)?.checked_mul(minor(of)?).ok_or(MoneyError::TooLarge)? * whole_minor.signum();
    let denominator = denominator.checked_mul(minor_units(currency)).ok_or(MoneyError::TooLarge)?;
    Money::round_ratio(product, denominator, currency)
}

fn minor_units(currency: Currency) -> NonZero<u128> {
    NonZero::new(10_u128.pow(currency.decimals())).unwrap_or(NonZero::<u128>::MIN)
}

/// Cents. Money has its currency's scale, always.
fn minor(money: Money) -> Result<i128, MoneyError> {
    if money.amount().scale() == money.currency().decimals() {
        Ok(money.amount().mantissa())
    } else {
        Err(MoneyError::TooLarge)
    }
}

#[cfg(test)]
#[expect(clippy::inconsistent_digit_grouping, reason = "euros and cents")]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::tax::{Ground, VatRate};

    fn cents(cents: i64) -> Money {
        Money::exact(Decimal::new(cents, 2), Currency::Eur).expect("cents")
    }

    /// Base and tax in cents, each of its own rate.
    fn subtotals(of: &[(i64, i64)]) -> Vec<Subtotal> {
        let rates = ["20", "10", "5.5"];
        let subtotal = |((base, tax), rate): (&(i64, i64), &str)| Subtotal {
            vat: Vat { ground: Ground::Domestic, rate: VatRate::new(rate.parse().expect("a rate")).expect("a rate") },
            base: cents(*base),
            tax: cents(*tax),
        };
        of.iter().zip(rates).map(subtotal).collect()
    }

    fn check(of: &[(i64, i64)], payments: &[(i64, i64)], expect: &Expect) {
        let subtotals = subtotals(of);
        let mut text = String::new();
        for (before, after) in payments {
            let shares = split(&subtotals, cents(*before), cents(*after)).expect("shares");
            let shown =
                shares.iter().map(|s| format!("{}%: {} + {}", s.vat.rate.percent(), s.base.amount(), s.tax.amount()));
            text += &format!("{}\n", shown.collect::<Vec<_>>().join(", "));
        }
        expect.assert_eq(&text);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        // 100 + 20 and 50 + 5: a third, a third and the rest; the last comes back.
        check(
            &[(100_00, 20_00), (50_00, 5_00)],
            &[(0, 58_33), (58_33, 116_66), (116_66, 175_00), (175_00, 116_66)],
            &expect![[r#"
                20%: 33.33 + 6.67, 10%: 16.66 + 1.67
                20%: 33.34 + 6.66, 10%: 16.67 + 1.66
                20%: 33.33 + 6.67, 10%: 16.67 + 1.67
                20%: -33.33 + -6.67, 10%: -16.67 + -1.67
            "#]],
        );
        // A credit note that is paid back.
        check(
            &[(-100_00, -20_00)],
            &[(0, -60_00), (-60_00, -120_00)],
            &expect![[r#"
            20%: -50.00 + -10.00
            20%: -50.00 + -10.00
        "#]],
        );
        // No VAT on it.
        check(&[(100_00, 0)], &[(0, 33_33)], &expect!["20%: 33.33 + 0.00\n"]);
    }

    proptest! {
        /// However an invoice is paid, its payments' shares are its VAT.
        #[test]
        fn payments_bear_the_invoices_vat(
            of in prop::collection::vec((0_i64..1_000_000, 0_i64..200_000), 1..4),
            mut cuts in prop::collection::vec(0_i64..=1_000, 0..5),
        ) {
            let of: Vec<(i64, i64)> = of.into_iter().map(|(base, tax)| (base, tax.min(base))).collect();
            let subtotals = subtotals(&of);
            let payable: i64 = of.iter().map(|(base, tax)| base + tax).sum();
            cuts.extend([0, 1_000]);
            cuts.sort_unstable();
            let mut sums = vec![(cents(0), cents(0)); of.len()];
            for pair in cuts.windows(2) {
                let (before, after) = (cents(payable * pair[0] / 1_000), cents(payable * pair[1] / 1_000));
                let shares = split(&subtotals, before, after).expect("shares");
                let mut paid = cents(0);
                for share in shares {
                    let at = subtotals.iter().position(|s| s.vat == share.vat).expect("one of its rates");
                    sums[at].0 = sums[at].0.checked_add(share.base).expect("small");
                    sums[at].1 = sums[at].1.checked_add(share.tax).expect("small");
                    paid = paid.checked_add(share.base).and_then(|p| p.checked_add(share.tax)).expect("small");
                }
                prop_assert_eq!(paid, after.checked_sub(before).expect("small"), "a payment is the sum of its shares");
            }
            let expected: Vec<_> = of.iter().map(|(base, tax)| (cents(*base), cents(*tax))).collect();
            prop_assert_eq!(sums, expected);
        }
    }
}
