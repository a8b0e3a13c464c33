//! Which VAT ids does Spain give out? The NIF of a company, of a Spaniard, or of a foreigner.

use super::super::{
    checksum::{digits, number},
    spelling::only_digits,
};

/// The letter for what a person's number leaves modulo 23.
const OF_PEOPLE: &str = "TRWAGMYFPDXBNJZSQVHLCKE";
/// The letter for a company's check digit, where it has one instead of the digit.
const OF_COMPANIES: &str = "JABCDEFGHI";

/// The first letter says whose it is (Orden EHA/451/2008; Real Decreto 1065/2007, art. 19 and 20). A foreigner's X, Y and Z
/// are digits before the others; K, L and M are people without either number.
pub fn fits(id: &str) -> bool {
    let (own, check) = id.split_at(8);
    let rest = &own[1..];
    match id.as_bytes()[0] {
        b'0'..=b'9' => person(own, check),
        b'K' | b'L' | b'M' | b'X' => person(rest, check),
        b'Y' => person(&format!("1{rest}"), check),
        b'Z' => person(&format!("2{rest}"), check),
        b'I' | b'O' | b'T' => false,
        _ => company(rest, check),
    }
}

fn person(own: &str, check: &str) -> bool {
    value(OF_PEOPLE, check).is_some_and(|letter| number(own) % 23 == u64::from(letter))
}

/// Every second digit is doubled, and the sum of all digits completed to tens. Whether the check is a digit or a letter
/// depends on the kind of entity, by a list that is not certain: both are taken.
fn company(seven: &str, check: &str) -> bool {
    let sum = digits(seven).iter().zip([2, 1].into_iter().cycle()).fold(0, |sum, (digit, factor)| {
        let value = digit * factor;
        sum + value / 10 + value % 10
    });
    let found = if only_digits(check) { check.parse().ok() } else { value(OF_COMPANIES, check) };
    found == Some((10 - sum % 10) % 10)
}

fn value(letters: &str, letter: &str) -> Option<u32> {
    u32::try_from(letters.find(letter)?).ok()
}
