//! Which VAT ids does Cyprus give out? Eight digits and a letter that checks them.

use super::super::checksum::digits;

/// None begins with 12. The letter is the sum modulo 26, from A for nothing.
pub fn fits(id: &str) -> bool {
    let (eight, letter) = id.split_at(8);
    let sum: u32 =
        digits(eight).into_iter().zip([odd_place, |digit| digit].into_iter().cycle()).map(|(d, f)| f(d)).sum();
    let letter = letter.chars().find_map(|c| c.to_digit(36));
    !id.starts_with("12") && letter == Some(10 + sum % 26)
}

/// What a digit at an odd place counts for.
const fn odd_place(digit: u32) -> u32 {
    match digit {
        0 => 1,
        1 => 0,
        2..=4 => 2 * digit + 1,
        _ => 2 * digit + 3,
    }
}
