//! Is this the number of a French company, or of one of its establishments? INSEE's SIREN and SIRET.

use std::{fmt, str::FromStr};

use super::{
    checksum::{digits, luhn, number},
    rules::france::MONACO,
    spelling::{only_digits, shown, without_marks},
    vat::VatId,
};

/// The digits of a SIREN (Code de commerce, art. R123-221).
const SIREN_DIGITS: usize = 9;
/// The digits of a SIRET: the SIREN, four of the establishment, and a check digit.
const SIRET_DIGITS: usize = 14;

/// La Poste has more establishments than four digits and Luhn's formula hold.
const LA_POSTE: &str = "356000000";
/// Its head office, numbered before: the one that keeps Luhn's formula.
const LA_POSTE_HEAD_OFFICE: &str = "35600000000048";

/// A company: nine digits without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Siren(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SirenError {
    #[error("'{0}' is no SIREN: nine digits")]
    Format(String),
    #[error("the check digit of the SIREN {0} doesn't fit (Luhn's formula)")]
    Checksum(String),
}

/// An establishment: fourteen digits without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Siret(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiretError {
    #[error("'{0}' is no SIRET: fourteen digits, of which the first nine are the company's SIREN")]
    Format(String),
    #[error("the SIRET {siret} is of no company: {source}")]
    Company { siret: String, source: SirenError },
    #[error("the check digit of the SIRET {0} doesn't fit (Luhn's formula)")]
    Checksum(String),
}

impl Siren {
    /// The company that holds a VAT id of France. `None` for other countries' and Monaco's, whose companies have none.
    pub fn of_vat(id: &VatId) -> Option<Self> {
        if id.country() != "FR" {
            return None;
        }
        let siren = id.own().get(2..)?;
        if siren.starts_with(MONACO) { None } else { siren.parse().ok() }
    }
}

impl FromStr for Siren {
    type Err = SirenError;
    /// Reads `404 833 048`.
    fn from_str(text: &str) -> Result<Self, SirenError> {
        let siren = without_marks(text);
        if siren.len() != SIREN_DIGITS || !only_digits(&siren) {
            return Err(SirenError::Format(shown(text)));
        }
        if is_siren(&siren) { Ok(Self(siren)) } else { Err(SirenError::Checksum(siren)) }
    }
}

impl fmt::Display for Siren {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Of nine digits.
pub(super) fn is_siren(digits: &str) -> bool {
    number(digits) > 0 && luhn(digits)
}

impl Siret {
    pub fn siren(&self) -> Siren {
        Siren(self.0[..SIREN_DIGITS].to_owned())
    }
}

impl FromStr for Siret {
    type Err = SiretError;
    /// Reads `404 833 048 00022`.
    fn from_str(text: &str) -> Result<Self, SiretError> {
        let siret = without_marks(text);
        if siret.len() != SIRET_DIGITS || !only_digits(&siret) {
            return Err(SiretError::Format(shown(text)));
        }
        if let Err(source) = siret[..SIREN_DIGITS].parse::<Siren>() {
            return Err(SiretError::Company { siret, source });
        }
        let fits = if siret.starts_with(LA_POSTE) && siret != LA_POSTE_HEAD_OFFICE {
            digits(&siret).iter().sum::<u32>().is_multiple_of(5)
        } else {
            luhn(&siret)
        };
        if fits { Ok(Self(siret)) } else { Err(SiretError::Checksum(siret)) }
    }
}

impl fmt::Display for Siret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_have_nine_digits_of_which_the_last_checks_the_others() {
        for good in ["404 833 048", "732829320", "356.000.000"] {
            let siren: Siren = good.parse().expect(good);
            assert_eq!(siren.to_string(), good.replace([' ', '.'], ""));
        }
        assert_eq!("404833049".parse::<Siren>(), Err(SirenError::Checksum("404833049".to_owned())));
        for bad in ["", "40483304", "4048330480", "40483304A", "FR404833048", "٤04833048"] {
            assert_eq!(bad.parse::<Siren>(), Err(SirenError::Format(bad.to_owned())));
        }
        assert!("000000000".parse::<Siren>().is_err(), "nobody has number nothing");
    }

    #[test]
    fn establishments_have_their_company_s_number_and_five_digits_more() {
        let siret: Siret = "404 833 048 00022".parse().expect("an establishment");
        assert_eq!((siret.to_string().as_str(), siret.siren().to_string().as_str()), ("40483304800022", "404833048"));
        assert!("73282932000074".parse::<Siret>().is_ok());
        assert_eq!("40483304800023".parse::<Siret>(), Err(SiretError::Checksum("40483304800023".to_owned())));
        assert_eq!("4048330480002".parse::<Siret>(), Err(SiretError::Format("4048330480002".to_owned())));
        // All fourteen keep Luhn's formula, but the first nine don't.
        assert!(luhn("40483304900020"));
        let of_none = "40483304900020".parse::<Siret>().expect_err("of no company").to_string();
        assert_eq!(
            of_none,
            "the SIRET 40483304900020 is of no company: the check digit of the SIREN 404833049 doesn't fit (Luhn's formula)"
        );
    }

    /// 3 + 5 + 6 and a multiple of five beside it, or Luhn's formula for the head office alone.
    #[test]
    fn la_poste_adds_its_digits_to_fives() {
        for (siret, taken) in [
            ("35600000000048", true),
            ("35600000039400", true),
            ("35600000049837", true),
            ("35600000049838", false),
            // Keeps Luhn's formula, as any other company's would.
            ("35600000000055", false),
        ] {
            assert_eq!(siret.parse::<Siret>().is_ok(), taken, "{siret}");
        }
        assert!(luhn("35600000000055"));
    }

    #[test]
    fn a_french_vat_id_names_the_company() {
        let of = |id: &str| Siren::of_vat(&id.parse().expect(id)).map(|siren| siren.to_string());
        assert_eq!(of("FR83404833048").as_deref(), Some("404833048"));
        assert_eq!(of("FRK7399859412").as_deref(), Some("399859412"));
        assert_eq!(of("FR53000004605"), None, "Monaco's");
        assert_eq!(of("FR56000004606"), None, "Monaco's, though it keeps Luhn's formula");
        assert_eq!(of("DE123456788"), None);
    }
}
