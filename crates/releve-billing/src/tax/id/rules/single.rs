//! How are VAT ids checked where a country has one kind of them? Those whose rule is more than a line.

use super::super::checksum::{digits, last_digit, luhn, number, to_elevens, weighted};

/// Behind the U, Luhn's formula over seven digits with four added.
pub fn austria(id: &str) -> bool {
    let sum = digits(&id[1..8]).into_iter().zip([1, 2].into_iter().cycle()).fold(4, |sum, (digit, factor)| {
        let value = digit * factor;
        sum + value / 10 + value % 10
    });
    number(&id[8..]) == u64::from((10 - sum % 10) % 10)
}

/// The enterprise number: it begins with 0 or 1, and the last two digits are 97 less what the others leave modulo 97.
pub fn belgium(id: &str) -> bool {
    let eight = number(&id[..8]);
    id.starts_with(['0', '1']) && eight > 0 && number(&id[8..]) == 97 - eight % 97
}

/// Powers of two from 256 down, modulo eleven; ten counts as nothing.
pub fn greece(id: &str) -> bool {
    last_digit(id, &[256, 128, 64, 32, 16, 8, 4, 2], |sum| sum % 11 % 10)
}

/// Luhn's formula. The first seven digits name the taxpayer, the next three the office: of a province (001 to 100), or
/// one of four others.
pub fn italy(id: &str) -> bool {
    let office = matches!(number(&id[7..10]), 1..=100 | 120 | 121 | 888 | 999);
    number(&id[..7]) > 0 && office && luhn(id)
}

/// The last two digits are 37 less what the weighted others leave modulo 37.
pub fn malta(id: &str) -> bool {
    let left = weighted(&digits(&id[..6]), &[3, 4, 6, 7, 8, 9]) % 37;
    number(&id[6..]) == u64::from(37 - left)
}

/// What completes the sum to elevens; ten counts as nothing.
pub fn portugal(id: &str) -> bool {
    last_digit(id, &[9, 8, 7, 6, 5, 4, 3, 2], |sum| to_elevens(sum) % 10)
}

/// Ids are as long as they need to be: the weights count from the right.
pub fn romania(id: &str) -> bool {
    last_digit(&format!("{id:0>10}"), &[7, 5, 3, 2, 1, 7, 5, 3, 2], |sum| sum * 10 % 11 % 10)
}

/// The organisation's number by Luhn's formula, and two digits from 01 to 94 for its registrations.
pub fn sweden(id: &str) -> bool {
    let (organisation, registration) = id.split_at(10);
    number(organisation) > 0 && luhn(organisation) && (1..=94).contains(&number(registration))
}

/// What completes the sum to elevens: ten counts as nothing, and where nothing is missing the number is never given out.
pub fn slovenia(id: &str) -> bool {
    last_digit(id, &[8, 7, 6, 5, 4, 3, 2], |sum| match to_elevens(sum) {
        0 => 11,
        10 => 0,
        digit => digit,
    })
}

/// The enterprise number (UID) of nine digits, which completes its sum to elevens.
pub fn switzerland(id: &str) -> bool {
    last_digit(&id[..9], &[5, 4, 3, 2, 7, 6, 5, 4], to_elevens)
}
