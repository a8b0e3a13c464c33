//! How does a check digit follow from the others? The few ways that ids of Europe share.
//!
//! Forms are checked first, so a character that is no digit never gets here.

/// The digits' values, from the left.
pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// The digits as one number.
pub(super) fn number(text: &str) -> u64 {
    digits(text).into_iter().fold(0, |sum, digit| sum * 10 + u64::from(digit))
}

/// Σ digit × weight. The shorter of the two ends it.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Whether the last digit is what `check` makes of the others' weighted sum. A `check` that gives more than nine says
/// that these digits are never given out.
pub(super) fn last_digit(text: &str, weights: &[u32], check: fn(u32) -> u32) -> bool {
    let digits = digits(text);
    digits.len() == weights.len() + 1 && digits.last().copied() == Some(check(weighted(&digits, weights)))
}

/// What completes a sum to a multiple of eleven: 0 to 10.
pub(super) const fn to_elevens(sum: u32) -> u32 {
    (11 - sum % 11) % 11
}

/// Modulo eleven with a second chance: where the first weights leave ten, the second ones decide, and ten of theirs
/// counts as nothing.
pub(super) fn last_digit_of_two(text: &str, first: &[u32], second: &[u32]) -> bool {
    let digits = digits(text);
    let check = match weighted(&digits, first) % 11 {
        10 => weighted(&digits, second) % 11 % 10,
        check => check,
    };
    digits.len() == first.len() + 1 && digits.last().copied() == Some(check)
}

/// Luhn's formula (ISO/IEC 7812-1, annex B): from the right every second digit is doubled, and the digits of all add up
/// to a multiple of ten.
pub(super) fn luhn(text: &str) -> bool {
    let sum = digits(text).iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        let value = if at % 2 == 1 { digit * 2 } else { *digit };
        sum + value / 10 + value % 10
    });
    sum.is_multiple_of(10)
}

/// ISO 7064, MOD 11,10: a running product in which ten stands for nothing, so that every single slip shows.
pub(super) fn mod_11_10(text: &str) -> bool {
    let carried = digits(text).into_iter().fold((10, 0), |(product, _), digit| {
        let sum = (product + digit) % 10;
        let sum_or_ten = if sum == 0 { 10 } else { sum };
        (sum_or_ten * 2 % 11, sum)
    });
    carried.1 == 1
}

/// ISO 7064, MOD 97-10: what 97 leaves of the number that appears when A is written as 10, B as 11, up to Z as 35.
pub(super) fn mod_97<'a>(parts: impl IntoIterator<Item = &'a str>) -> u32 {
    let values = parts.into_iter().flat_map(str::chars).filter_map(|c| c.to_digit(36));
    values.fold(0, |left, value| {
        let shift = if value < 10 { 10 } else { 100 };
        (left * shift + value) % 97
    })
}

/// Whether the calendar has this day: some ids begin with the birthday of their holder.
pub(super) const fn is_day(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    day >= 1 && day <= days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formulas_take_their_textbook_examples() {
        assert!(luhn("49927398716") && !luhn("49927398717"));
        // ISO 7064 completes 0794 by 5, and 794 by 44.
        assert!(mod_11_10("07945") && !mod_11_10("07946"));
        assert_eq!(mod_97(["79444"]), 1);
        assert_eq!(mod_97(["A1"]), 101 % 97);
    }

    #[test]
    fn the_calendar_has_leap_years() {
        for (year, month, day, is) in [
            (2000, 2, 29, true),
            (1900, 2, 29, false),
            (2024, 2, 29, true),
            (2023, 2, 29, false),
            (2023, 4, 31, false),
            (2023, 12, 31, true),
            (2023, 13, 1, false),
            (2023, 0, 1, false),
            (2023, 1, 0, false),
        ] {
            assert_eq!(is_day(year, month, day), is, "{year}-{month}-{day}");
        }
    }
}
