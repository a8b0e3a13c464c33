//! Is this a VAT id? Its country, its form, and its check digits where the rule is published and certain.
//!
//! The forms are those of Directive 2006/112/EC, Art. 215, as the Commission's VIES lists them. Of Bulgaria, Cyprus, Czechia,
//! Ireland, Spain, Latvia and Lithuania, whose rules depend on the kind of holder, and of countries outside the Union only the
//! form is checked.

use std::{fmt, str::FromStr};

use super::checksum::{complement_11, digits, luhn, mod_11, mod_11_10, number, weighted};

/// A VAT id with its prefix: in capitals, without spaces, dots and dashes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VatId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VatIdError {
    #[error("'{0}' is no VAT id of the EU, GB, XI, CH or NO: it begins with the letters of its country")]
    Prefix(String),
    #[error("'{id}' is no VAT id of {prefix}: one looks like {example}")]
    Form { id: String, prefix: &'static str, example: &'static str },
    #[error("the check digits of the VAT id {0} don't fit")]
    Check(String),
}

/// How a country's ids look behind the prefix: `9` a digit, `A` a letter, `*` either; several forms where it has several.
struct Country {
    prefix: &'static str,
    iso: &'static str,
    eu: bool,
    forms: &'static [&'static str],
    example: &'static str,
    check: fn(&str) -> bool,
}

const fn eu(
    prefix: &'static str,
    forms: &'static [&'static str],
    example: &'static str,
    check: fn(&str) -> bool,
) -> Country {
    Country { prefix, iso: prefix, eu: true, forms, example, check }
}

const fn beyond(prefix: &'static str, forms: &'static [&'static str], example: &'static str) -> Country {
    Country { prefix, iso: prefix, eu: false, forms, example, check: any }
}

const COUNTRIES: [Country; 31] = [
    eu("AT", &["U99999999"], "ATU13585627", austria),
    eu("BE", &["9999999999"], "BE0428759497", belgium),
    eu("BG", &["999999999", "9999999999"], "BG175074752", any),
    eu("CY", &["99999999A"], "CY10259033P", any),
    eu("CZ", &["99999999", "999999999", "9999999999"], "CZ25123891", any),
    eu("DE", &["999999999"], "DE136695976", |id| mod_11_10(&digits(id))),
    eu("DK", &["99999999"], "DK13585628", |id| weighted(&digits(id), &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)),
    eu("EE", &["999999999"], "EE100931558", |id| {
        weighted(&digits(id), &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
    }),
    Country { iso: "GR", ..eu("EL", &["999999999"], "EL094259216", greece) },
    eu("ES", &["A9999999*", "99999999A"], "ESB58378431", any),
    eu("FI", &["99999999"], "FI20774740", |id| complement_11(&digits(id), &[7, 9, 10, 5, 8, 4, 2], None)),
    eu("FR", &["**999999999"], "FR40303265045", france),
    eu("HR", &["99999999999"], "HR33392005961", |id| mod_11_10(&digits(id))),
    eu("HU", &["99999999"], "HU12892312", |id| weighted(&digits(id), &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10)),
    eu("IE", &["9*99999A", "9999999A", "9999999AA"], "IE6433435F", any),
    eu("IT", &["99999999999"], "IT00743110157", |id| luhn(&digits(id))),
    eu("LT", &["999999999", "999999999999"], "LT119511515", any),
    eu("LU", &["99999999"], "LU15027442", |id| number(&digits(&id[..6])) % 89 == number(&digits(&id[6..]))),
    eu("LV", &["99999999999"], "LV40003521600", any),
    eu("MT", &["99999999"], "MT11679112", malta),
    eu("NL", &["999999999B99"], "NL004495445B01", netherlands),
    eu("PL", &["9999999999"], "PL8567346215", |id| mod_11(&digits(id), &[6, 5, 7, 2, 3, 4, 5, 6, 7], None)),
    eu("PT", &["999999999"], "PT501964843", |id| complement_11(&digits(id), &[9, 8, 7, 6, 5, 4, 3, 2], Some(0))),
    eu(
        "RO",
        &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"],
        "RO18547290",
        romania,
    ),
    eu("SE", &["999999999999"], "SE123456789701", |id| luhn(&digits(&id[..10]))),
    eu("SI", &["99999999"], "SI50223054", |id| complement_11(&digits(id), &[8, 7, 6, 5, 4, 3, 2], Some(0))),
    eu("SK", &["9999999999"], "SK2022749619", |id| number(&digits(id)).is_multiple_of(11)),
    // Northern Ireland is of the Union for goods alone (Protocol on Ireland/Northern Ireland, Art. 8); we sell services.
    beyond("XI", &["999999999", "999999999999"], "XI123456789"),
    beyond("GB", &["999999999", "999999999999"], "GB980780684"),
    beyond("CH", &["E999999999MWST", "E999999999TVA", "E999999999IVA"], "CHE100155212MWST"),
    beyond("NO", &["999999999MVA"], "NO995525828MVA"),
];

/// Whether a country (ISO 3166) is a member state, of whose VAT territory services are (Directive 2006/112/EC, Art. 5).
pub fn is_eu(country: &str) -> bool {
    COUNTRIES.iter().any(|known| known.eu && known.iso == country)
}

impl VatId {
    /// ISO 3166, but `XI` for Northern Ireland.
    pub fn country(&self) -> &str {
        self.known().map_or("", |country| country.iso)
    }

    fn known(&self) -> Option<&'static Country> {
        COUNTRIES.iter().find(|country| self.0.starts_with(country.prefix))
    }
}

impl FromStr for VatId {
    type Err = VatIdError;
    fn from_str(text: &str) -> Result<Self, VatIdError> {
        let dropped = |c: &char| matches!(c, ' ' | '.' | '-');
        let id = Self(text.chars().filter(|c| !dropped(c)).map(|c| c.to_ascii_uppercase()).collect());
        let shown: String = text.chars().take(40).collect();
        let Some(country) = id.known() else { return Err(VatIdError::Prefix(shown)) };
        let own = &id.0[country.prefix.len()..];
        if !country.forms.iter().any(|form| has_form(own, form)) {
            return Err(VatIdError::Form { id: shown, prefix: country.prefix, example: country.example });
        }
        if (country.check)(own) { Ok(id) } else { Err(VatIdError::Check(id.0)) }
    }
}

impl fmt::Display for VatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn has_form(own: &str, form: &str) -> bool {
    let fits = |(c, kind): (char, char)| match kind {
        '9' => c.is_ascii_digit(),
        'A' => c.is_ascii_uppercase(),
        '*' => c.is_ascii_uppercase() || c.is_ascii_digit(),
        letter => c == letter,
    };
    own.len() == form.len() && own.chars().zip(form.chars()).all(fits)
}

const fn any(_: &str) -> bool {
    true
}

/// Behind the U: every second digit is doubled and its digits added; with four more, the last completes it to tens.
fn austria(id: &str) -> bool {
    let id = digits(&id[1..]);
    let sum = |(at, digit): (usize, &u32)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    let sum: u32 = id.iter().take(7).enumerate().map(sum).sum();
    id.last().copied() == Some((96 - sum) % 10)
}

fn belgium(id: &str) -> bool {
    let id = digits(id);
    id[0] <= 1 && 97 - number(&id[..8]) % 97 == number(&id[8..])
}

/// Powers of two from 256 down.
fn greece(id: &str) -> bool {
    mod_11(&digits(id), &[256, 128, 64, 32, 16, 8, 4, 2], Some(0))
}

/// Whether it is a SIREN: nine digits that pass Luhn's formula (INSEE).
pub fn is_siren(text: &str) -> bool {
    text.len() == 9 && luhn(&digits(text))
}

/// The SIREN passes Luhn's formula (Monaco's ids begin with 000 and have none), and a key of two digits follows from
/// it; one with letters is only held to its form.
fn france(id: &str) -> bool {
    let siren = digits(&id[2..]);
    let key = digits(&id[..2]);
    let fits = key.is_empty() || (12 + 3 * (number(&siren) % 97)) % 97 == number(&key);
    fits && (luhn(&siren) || id[2..].starts_with("000"))
}

fn malta(id: &str) -> bool {
    let id = digits(id);
    u64::from(37 - weighted(&id[..6], &[3, 4, 6, 7, 8, 9]) % 37) == number(&id[6..])
}

/// Sole traders' ids since 2020 count letters as A = 10 in the whole id modulo 97; all others' first nine digits are
/// weighted modulo 11.
fn netherlands(id: &str) -> bool {
    let first = digits(&id[..9]);
    let whole = format!("NL{id}").chars().fold(0_u32, |sum, c| match c.to_digit(36) {
        Some(value @ 10..) => (sum * 100 + value) % 97,
        value => (sum * 10 + value.unwrap_or_default()) % 97,
    });
    mod_11(&first, &[9, 8, 7, 6, 5, 4, 3, 2], None) || whole == 1
}

fn romania(id: &str) -> bool {
    let id = digits(&format!("{id:0>10}"));
    let left = weighted(&id, &[7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10 % 11 % 10;
    id.last().copied() == Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published ids, each beside the one that its country names as an example.
    #[test]
    fn each_country_s_ids_are_taken() {
        for country in &COUNTRIES {
            let id: VatId = country.example.parse().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(id.to_string(), country.example);
            assert_eq!(id.country(), country.iso);
        }
        for other in
            ["FR 83.404.833.048", "de 123456788", "NL000099998B57", "FR53000004605", "IE3628739UA", "ESX2482300W", "GR"]
        {
            assert_eq!(other.parse::<VatId>().is_ok(), other != "GR", "{other}");
        }
    }

    /// Where there are check digits, no single digit can be changed for another. Five countries' rules let some pass:
    /// where what is left over is ten and counts as nothing, or where a form has a second rule.
    #[test]
    fn one_digit_changed_is_seen() {
        let weak = ["EL", "PT", "SI", "NL", "RO", "AT"];
        let unchecked: fn(&str) -> bool = any;
        for country in COUNTRIES.iter().filter(|c| !std::ptr::fn_addr_eq(c.check, unchecked)) {
            let good = country.example;
            let mut passed = 0;
            for at in (2..good.len()).filter(|at| good.as_bytes()[*at].is_ascii_digit()) {
                for digit in '0'..='9' {
                    let mut other = good.to_owned();
                    other.replace_range(at..=at, &digit.to_string());
                    passed += u32::from(other != good && other.parse::<VatId>().is_ok());
                }
            }
            // The last two digits of Sweden's and the Netherlands' only count establishments.
            let allowed = if weak.contains(&country.prefix) { 9 } else { 0 }
                + if ["SE", "NL"].contains(&country.prefix) { 18 } else { 0 };
            assert!(passed <= allowed, "{good}: {passed}");
        }
    }

    #[test]
    fn what_is_none_is_said() {
        let said = |text: &str| text.parse::<VatId>().expect_err("refused").to_string();
        assert_eq!(
            said("US123"),
            "'US123' is no VAT id of the EU, GB, XI, CH or NO: it begins with the letters of its country"
        );
        assert_eq!(said("DE12345678"), "'DE12345678' is no VAT id of DE: one looks like DE136695976");
        assert_eq!(said("FR84404833048"), "the check digits of the VAT id FR84404833048 don't fit");
        for bad in ["", "D", "FRÀ0303265045", "FR\u{a0}0303265045", "LU1502744É", "BE2428759497"] {
            assert!(bad.parse::<VatId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_union_has_twenty_seven_members() {
        assert_eq!(COUNTRIES.iter().filter(|c| c.eu).count(), 27);
        assert!(is_eu("GR") && !is_eu("EL") && !is_eu("GB") && !is_eu("XI") && !is_eu(""));
    }
}
