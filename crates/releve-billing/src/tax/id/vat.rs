//! Is this a VAT id? Its country, its form, and its check digits as far as their rule is certain.

use std::{fmt, str::FromStr};

use super::{
    country::Country,
    spelling::{shown, without_marks},
};

/// What `VatId::country` says of Northern Ireland: no country of ISO 3166, but a prefix of its own for VAT (Directive
/// 2006/112/EC, Art. 215 as amended by Directive (EU) 2020/1756).
pub const NORTHERN_IRELAND: &str = "XI";

/// A VAT id with its prefix (Directive 2006/112/EC, Art. 214 and 215; likewise of GB, CH and NO): in capitals, without
/// spaces, dots and dashes. It can be one; whether it is, only the country knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VatId {
    text: String,
    country: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VatIdError {
    #[error("'{0}' is no VAT id of the EU, GB, XI, CH or NO: it begins with the letters of its country")]
    UnknownPrefix(String),
    /// `country` is the prefix: EL, not GR, as whoever corrects it has to write it.
    #[error("'{id}' is no VAT id of {country}: one looks like {example}")]
    Format { id: String, country: &'static str, example: &'static str },
    #[error("the check digits of the VAT id {id} don't fit")]
    Checksum { id: String, country: &'static str },
}

impl VatId {
    /// ISO 3166: `GR` for EL. Northern Ireland has no code there and stays `NORTHERN_IRELAND`; an id of Monaco is one of
    /// France.
    pub const fn country(&self) -> &'static str {
        self.country
    }

    /// What stands behind the prefix.
    pub(super) fn own(&self) -> &str {
        Country::of(&self.text).map_or("", |(_, own)| own)
    }
}

impl FromStr for VatId {
    type Err = VatIdError;
    /// Reads `FR 83 404 833 048`, `che-107.787.577 iva`.
    fn from_str(text: &str) -> Result<Self, VatIdError> {
        let id = without_marks(text);
        let Some((country, own)) = Country::of(&id) else { return Err(VatIdError::UnknownPrefix(shown(text))) };
        if !country.has_form(own) {
            return Err(VatIdError::Format { id: shown(text), country: country.prefix, example: country.example });
        }
        if !(country.fits)(own) {
            return Err(VatIdError::Checksum { id, country: country.prefix });
        }
        Ok(Self { country: country.iso, text: id })
    }
}

impl fmt::Display for VatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
