//! How do check digits follow from the others? The few ways that VAT ids of Europe use.

/// The digits' values; empty where one is none, which no rule below takes for right.
pub(super) fn digits(text: &str) -> Vec<u32> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    digits.unwrap_or_default()
}

/// Σ digit × weight. The shorter of the two ends it.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

pub(super) fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

/// Luhn's formula: from the right every second digit is doubled, and the digits of all add up to a multiple of ten.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        let doubled = digit * (1 + u32::from(at % 2 == 1));
        sum + doubled / 10 + doubled % 10
    });
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// ISO 7064, MOD 11,10.
pub(super) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// The last digit is what is left of the weighted sum of the others, divided by eleven; ten counts as `ten`.
pub(super) fn mod_11(digits: &[u32], weights: &[u32], ten: Option<u32>) -> bool {
    let left = weighted(digits, weights) % 11;
    let expected = if left == 10 { ten } else { Some(left) };
    digits.len() == weights.len() + 1 && digits.last().copied() == expected
}

/// As `mod_11`, but the digit completes the sum to a multiple of eleven.
pub(super) fn complement_11(digits: &[u32], weights: &[u32], ten: Option<u32>) -> bool {
    let left = (11 - weighted(digits, weights) % 11) % 11;
    let expected = if left == 10 { ten } else { Some(left) };
    digits.len() == weights.len() + 1 && digits.last().copied() == expected
}
