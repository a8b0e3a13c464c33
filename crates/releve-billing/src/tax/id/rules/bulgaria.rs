//! Which VAT ids does Bulgaria give out? Nine digits to companies; ten to people, foreigners and all others.

use super::super::checksum::{is_day, last_digit, last_digit_of_two, number, to_elevens};

/// An id of ten digits doesn't say of which kind it is, so it fits if it fits as one.
pub fn fits(id: &str) -> bool {
    match id.len() {
        9 => last_digit_of_two(id, &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 10]),
        _ => person(id) || foreigner(id) || other(id),
    }
}

/// The civil number (EGN): the birthday, its month raised by 20 for the nineteenth century and by 40 for this one.
fn person(id: &str) -> bool {
    let (year, month, day) = (number(&id[..2]), number(&id[2..4]), number(&id[4..6]));
    let born = match month {
        ..=20 => is_day(1900 + year, month, day),
        21..=40 => is_day(1800 + year, month - 20, day),
        _ => is_day(2000 + year, month - 40, day),
    };
    born && last_digit(id, &[2, 4, 8, 5, 10, 9, 7, 3, 6], |sum| sum % 11 % 10)
}

fn foreigner(id: &str) -> bool {
    last_digit(id, &[21, 19, 17, 13, 11, 9, 7, 3, 1], |sum| sum % 10)
}

fn other(id: &str) -> bool {
    last_digit(id, &[4, 3, 2, 7, 6, 5, 4, 3, 2], to_elevens)
}
