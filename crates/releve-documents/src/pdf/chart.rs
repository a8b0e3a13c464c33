//! What is the money for, at a glance? A bar for each of the largest projects or products.

use std::collections::BTreeMap;

use releve_billing::Line;
use releve_types::Money;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::draw::{BODY, Ink, SMALL, STRONG, Sheets, Style};
use crate::told::Told;

/// Bars of a chart; what is left goes into one more.
const BARS_MAX: usize = 5;
const BAR_HEIGHT: i32 = 90;
const ROW: i32 = 430;

/// The height of a chart of so many rows.
pub(super) fn height(rows: usize) -> i32 {
    330 + i32::try_from(rows).unwrap_or(i32::MAX).saturating_mul(ROW)
}

/// The sums by name, the largest first.
pub(super) fn sums(told: &Told<'_>, name: impl Fn(&Line) -> String) -> Vec<(String, Money)> {
    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    for line in &told.content.lines {
        let sum = sums.entry(name(line)).or_insert(Money::zero(told.content.currency));
        *sum = sum.checked_add(line.charge.amount).unwrap_or(*sum);
    }
    let mut sums: Vec<(String, Money)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.amount().abs()));
    if sums.len() > BARS_MAX + 1 {
        let others = sums.split_off(BARS_MAX);
        let add = |sum: Money, (_, of): &(String, Money)| sum.checked_add(*of).unwrap_or(sum);
        let sum = others.iter().fold(Money::zero(told.content.currency), add);
        sums.push((format!("{} {}", others.len(), told.words.others), sum));
    }
    sums
}

pub(super) fn chart(
    sheets: &mut Sheets,
    told: &Told<'_>,
    (x, y): (i32, i32),
    width: i32,
    (title, of): (&str, &[(String, Money)]),
) {
    sheets.line(STRONG, (x, y), width, title);
    let largest = of.iter().map(|(_, sum)| sum.amount().abs()).max().unwrap_or_default();
    let mut y = y + 330;
    for (name, sum) in of {
        let amount = told.amount(*sum);
        let taken = sheets.faces.width(BODY.of, &amount);
        sheets.line(Style { of: SMALL.of, ..BODY }, (x, y), width - taken - 120, name);
        sheets.figure(Style { of: SMALL.of, ..BODY }, (x + width, y), width / 2, &amount);
        let bar = (x, y + 220);
        sheets.area(bar, (width, BAR_HEIGHT), Ink::Tint);
        let ink = if sum.is_negative() { Ink::Soft } else { Ink::Accent };
        sheets.area(bar, (share(sum.amount().abs(), largest, width).max(20), BAR_HEIGHT), ink);
        y += ROW;
    }
}

/// A part of the width: for the eye, so whole twips do.
fn share(of: Decimal, largest: Decimal, width: i32) -> i32 {
    let share = of.checked_mul(Decimal::from(width)).and_then(|w| w.checked_div(largest));
    share.and_then(|s| s.trunc().to_i32()).unwrap_or_default().clamp(0, width)
}
