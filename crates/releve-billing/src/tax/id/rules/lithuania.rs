//! Which VAT ids does Lithuania give out? Nine digits to companies, twelve to those registered for a time.

use super::super::checksum::last_digit_of_two;

/// The last digit but one is a one.
pub fn fits(id: &str) -> bool {
    let (first, second): (&[u32], &[u32]) = match id.len() {
        9 => (&[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 1]),
        _ => (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]),
    };
    id[..id.len() - 1].ends_with('1') && last_digit_of_two(id, first, second)
}
