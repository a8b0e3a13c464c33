//! Is this the code of a bank? ISO 9362.

use std::{fmt, str::FromStr};

use super::spelling::{has_form, shown, without_spaces};

/// Four letters or digits of the party, two letters of its country, two of its place, and perhaps three of a branch. The
/// party's were letters alone until digits were let in (ISO 9362:2014), and some now have one.
const FORMS: [&str; 2] = ["xxxxaaxx", "xxxxaaxxxxx"];

/// A bank's code of eight or eleven characters, in capitals.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Bic(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no BIC: eight or eleven letters and digits, the fifth and sixth the letters of its country (ISO 9362)"
)]
pub struct BicError(pub String);

impl Bic {
    /// The country as ISO 3166 has it, and `XK` for Kosovo.
    pub fn country(&self) -> &str {
        &self.0[4..6]
    }
}

impl FromStr for Bic {
    type Err = BicError;
    fn from_str(text: &str) -> Result<Self, BicError> {
        let bic = without_spaces(text);
        if FORMS.iter().any(|form| has_form(&bic, form)) { Ok(Self(bic)) } else { Err(BicError(shown(text))) }
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
    fn a_bank_has_eight_or_eleven_characters() {
        for (written, code, country) in [
            ("AGRIFRPP", "AGRIFRPP", "FR"),
            ("deut de ff 500", "DEUTDEFF500", "DE"),
            // A party whose code has digits.
            ("E097AEXX", "E097AEXX", "AE"),
        ] {
            let bic: Bic = written.parse().expect(written);
            assert_eq!((bic.to_string().as_str(), bic.country()), (code, country));
        }
        for bad in ["", "AGRIFRP", "AGRIFRPP5", "AGRIF1PP", "AGRI1RPP", "AGRIFRPP50É", "AGRIFRP-", "AGRIFRPP5000"] {
            assert_eq!(bad.parse::<Bic>(), Err(BicError(bad.to_owned())));
        }
    }
}
