//! Which VAT ids does Ireland give out? Seven digits and a letter that checks them, in three generations.

use super::super::{
    checksum::{digits, weighted},
    spelling::only_digits,
};

/// The letter for what is left modulo 23, from nothing on.
const LETTERS: &str = "WABCDEFGHIJKLMNOPQRSTUV";

/// Since 2013 a second letter, A to I or W, follows and counts nine times its value. The oldest have a letter, `+` or `*` at
/// the second place, where the newer ones' digits begin: their first digit is the last that is weighted.
pub fn fits(id: &str) -> bool {
    let old = !only_digits(&id[1..2]);
    let seven = if old { format!("0{}{}", &id[2..7], &id[..1]) } else { id[..7].to_owned() };
    let (check, second) = id[7..].split_at(1);
    let second = if second.is_empty() { Some(0) } else { value(second).filter(|value| *value <= 9) };
    let Some((check, second)) = value(check).zip(second) else { return false };
    (weighted(&digits(&seven), &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23 == check
}

fn value(letter: &str) -> Option<u32> {
    u32::try_from(LETTERS.find(letter)?).ok()
}
