//! Which VAT ids do France and Monaco give out? A key of two characters and the SIREN.

use super::super::{checksum::number, siren::is_siren, spelling::only_digits};

/// Monaco's companies are identified in France, with numbers that begin so and are no SIREN.
pub(in super::super) const MONACO: &str = "000";

/// A key of two digits follows from the SIREN. One with letters (never I or O) is held to its form only: its rule is not
/// published.
pub fn fits(id: &str) -> bool {
    let (key, siren) = id.split_at(2);
    let key_fits =
        if only_digits(key) { number(key) == (12 + 3 * (number(siren) % 97)) % 97 } else { !key.contains(['I', 'O']) };
    key_fits && number(siren) > 0 && (siren.starts_with(MONACO) || is_siren(siren))
}
