//! Is this a bank account's number, and a bank's code? ISO 13616 and ISO 9362.

use std::{fmt, str::FromStr};

/// The shortest and the longest IBAN (ISO 13616).
pub const IBAN_CHARS: std::ops::RangeInclusive<usize> = 15..=34;

/// How long an IBAN is in each country of the single euro payments area.
const LENGTHS: [(&str, usize); 36] = [
    ("AD", 24),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GI", 23),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
];

/// An account number: without spaces, in capitals.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Iban(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IbanError {
    #[error("'{0}' is no IBAN: two letters of the country, two digits, and up to 30 letters and digits")]
    Shape(String),
    #[error("an IBAN of {country} has {expected} characters, not {found}")]
    Length { country: String, expected: usize, found: usize },
    #[error("the check digits of {0} don't fit (ISO 13616, modulo 97)")]
    Check(String),
}

impl FromStr for Iban {
    type Err = IbanError;
    fn from_str(text: &str) -> Result<Self, IbanError> {
        let iban: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
        let shape = || IbanError::Shape(text.chars().take(40).collect());
        let bytes = iban.as_bytes();
        let letters = |b: &[u8]| b.iter().all(u8::is_ascii_uppercase);
        if !IBAN_CHARS.contains(&iban.len())
            || !bytes.iter().all(u8::is_ascii_alphanumeric)
            || !letters(&bytes[..2])
            || !bytes[2..4].iter().all(u8::is_ascii_digit)
        {
            return Err(shape());
        }
        let known = LENGTHS.iter().find(|(country, _)| *country == &iban[..2]);
        if let Some((country, expected)) = known
            && *expected != iban.len()
        {
            return Err(IbanError::Length { country: (*country).to_owned(), expected: *expected, found: iban.len() });
        }
        let turned = bytes[4..].iter().chain(&bytes[..4]);
        let remainder = turned.fold(0_u32, |sum, b| match b {
            b'0'..=b'9' => (sum * 10 + u32::from(b - b'0')) % 97,
            _ => (sum * 100 + u32::from(b - b'A') + 10) % 97,
        });
        if remainder == 1 { Ok(Self(iban)) } else { Err(IbanError::Check(iban)) }
    }
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bank's code: four letters, the country's two, two and perhaps three more characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Bic(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no BIC: eight or eleven capital letters and digits, the first six letters (ISO 9362)")]
pub struct BicError(pub String);

impl FromStr for Bic {
    type Err = BicError;
    fn from_str(text: &str) -> Result<Self, BicError> {
        let fits = matches!(text.len(), 8 | 11)
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && text.bytes().take(6).all(|b| b.is_ascii_uppercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(BicError(text.chars().take(40).collect())) }
    }
}

impl fmt::Display for Bic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_have_check_digits() {
        // The examples of the registry of ISO 13616.
        for good in [
            "FR14 2004 1010 0505 0001 3M02 606",
            "de89370400440532013000",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            let iban: Iban = good.parse().expect(good);
            assert_eq!(iban.to_string(), good.replace(' ', "").to_uppercase());
        }
        let said = |text: &str| text.parse::<Iban>().expect_err("refused").to_string();
        assert_eq!(
            said("DE88370400440532013000"),
            "the check digits of DE88370400440532013000 don't fit (ISO 13616, modulo 97)"
        );
        assert_eq!(said("DE8937040044053201300"), "an IBAN of DE has 22 characters, not 21");
        for bad in [
            "",
            "DE",
            "D889370400440532013000",
            "DEX9370400440532013000",
            "FR14-20041010050500013M02606",
            "DÉ89370400440532013000",
        ] {
            assert!(matches!(bad.parse::<Iban>(), Err(IbanError::Shape(_))), "{bad}");
        }
    }

    #[test]
    fn one_digit_changed_is_seen() {
        let good = "DE89370400440532013000";
        for at in 2..good.len() {
            for digit in '0'..='9' {
                let mut other = good.to_owned();
                other.replace_range(at..=at, &digit.to_string());
                assert_eq!(other.parse::<Iban>().is_ok(), other == good, "{other}");
            }
        }
    }

    #[test]
    fn a_bank_has_eight_or_eleven_characters() {
        assert!(["AGRIFRPP", "DEUTDEFF500"].iter().all(|good| good.parse::<Bic>().is_ok()));
        assert!(
            ["", "AGRIFRP", "AGRIFRPP5", "agrifrpp", "AGR1FRPP", "AGRIFRPP50É"]
                .iter()
                .all(|bad| bad.parse::<Bic>().is_err())
        );
    }
}
