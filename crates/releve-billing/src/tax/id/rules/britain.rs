//! Which VAT ids does the United Kingdom give out? HMRC's modulus 97, its younger series «9755», and two short forms.

use super::super::checksum::{digits, number, weighted};

/// Government departments have GD000 to GD499, health authorities HA500 to HA999. All others have seven digits and two
/// that check them, and a group's branches three more. Those weighted leave nothing modulo 97; where the first digit is
/// not zero, 55 may be added first: the series that began at 100 0000 in 2009.
pub fn fits(id: &str) -> bool {
    if let Some(number) = id.strip_prefix("GD") {
        return number < "500";
    }
    if let Some(number) = id.strip_prefix("HA") {
        return number >= "500";
    }
    let sum = weighted(&digits(&id[..9]), &[8, 7, 6, 5, 4, 3, 2, 10, 1]);
    let newer = !id.starts_with('0') && (sum + 55).is_multiple_of(97);
    number(&id[..7]) > 0 && number(&id[7..9]) < 97 && (sum.is_multiple_of(97) || newer)
}
