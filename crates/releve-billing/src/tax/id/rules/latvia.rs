//! Which VAT ids does Latvia give out? Eleven digits: of a company, or a person's code.

use super::super::checksum::{is_day, last_digit, number};

/// A company's first digit is four or more. A person's code begins with the birthday and the century; since July 2017
/// with 32 and nothing to read, and is held to that alone: how its last digit follows is not published.
pub fn fits(id: &str) -> bool {
    match id.as_bytes()[0] {
        b'4'..=b'9' => last_digit(id, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6], |sum| (14 - sum % 11) % 11),
        _ => id.starts_with("32") || person(id),
    }
}

fn person(id: &str) -> bool {
    let (day, month, year) = (number(&id[..2]), number(&id[2..4]), number(&id[4..6]));
    let century = number(&id[6..7]);
    century <= 2
        && is_day(1800 + century * 100 + year, month, day)
        && last_digit(id, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9], |sum| (1 + sum) % 11 % 10)
}
