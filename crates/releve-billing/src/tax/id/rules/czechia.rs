//! Which VAT ids does Czechia give out? Eight digits to companies; nine or ten to people, most with their birthday.

use super::super::checksum::{is_day, last_digit, number};

pub fn fits(id: &str) -> bool {
    match (id.len(), id.as_bytes()[0]) {
        (8, first) => first != b'9' && last_digit(id, &[8, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 10),
        (9, b'6') => last_digit(&id[1..], &[8, 7, 6, 5, 4, 3, 2], |sum| 9 - (11 - sum % 11) % 10),
        (9, _) => born_before_1954(id),
        _ => born_since_1954(id),
    }
}

/// Until 1953 the birth number (rodné číslo) had no check digit, and counted in its own century or the one before.
fn born_before_1954(id: &str) -> bool {
    match number(&id[..2]) {
        year @ ..=53 => born(id, 1900 + year),
        year @ 80.. => born(id, 1800 + year),
        _ => false,
    }
}

/// Since, the whole is a multiple of eleven. Until 1985 a tenth digit of nothing was also given where the nine left ten.
fn born_since_1954(id: &str) -> bool {
    let year = match number(&id[..2]) {
        year @ 54.. => 1900 + year,
        year => 2000 + year,
    };
    let nine = number(&id[..9]);
    let old = year <= 1985 && nine % 11 == 10 && id.ends_with('0');
    born(id, year) && (number(id).is_multiple_of(11) || old)
}

/// The month is raised by 50 for women, and by 20 more where a day's numbers ran out (Act 133/2000, § 13, since 2004).
fn born(id: &str, year: u64) -> bool {
    let month = match number(&id[2..4]) {
        month @ 50.. => month - 50,
        month => month,
    };
    let month = if month > 20 && year >= 2004 { month - 20 } else { month };
    is_day(year, month, number(&id[4..6]))
}
