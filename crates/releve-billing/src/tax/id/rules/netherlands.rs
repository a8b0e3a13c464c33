//! Which VAT ids do the Netherlands give out? The tax number's to legal entities, one of its own to sole traders.

use super::super::checksum::{last_digit, mod_97, number};

/// Behind the B, 01 to 99 counts the id's holders or checks it. A legal entity's nine digits check themselves modulo
/// eleven; a sole trader's whole id, since 2020, leaves one modulo 97. It doesn't say which of the two it is.
pub fn fits(id: &str) -> bool {
    let entity = last_digit(&id[..9], &[9, 8, 7, 6, 5, 4, 3, 2], |sum| sum % 11);
    let trader = mod_97(["NL", id]) == 1;
    number(&id[..9]) > 0 && number(&id[10..]) > 0 && (entity || trader)
}
