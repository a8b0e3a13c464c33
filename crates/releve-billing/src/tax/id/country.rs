//! How do the VAT ids of each country look, and which rule checks them? One row each.
//!
//! The forms of the Union are those that the Commission lists for VIES; the rules are those of its document «VAT number
//! construction rules», or of who gives the ids where it has none. What is not certain is not checked; it says so in
//! `rules`.

use super::{
    checksum::{last_digit, mod_11_10, number, to_elevens},
    rules::{britain, bulgaria, cyprus, czechia, france, ireland, latvia, lithuania, netherlands, single, spain},
    spelling::has_form,
};

pub(super) struct Country {
    /// How its ids begin.
    pub prefix: &'static str,
    /// ISO 3166, but XI for Northern Ireland.
    pub iso: &'static str,
    /// What may stand behind the prefix, in the letters of `has_form`.
    forms: &'static [&'static str],
    /// A whole id, to show to whom one was refused.
    pub example: &'static str,
    /// Whether what stands behind the prefix can have been given out; asked only for what has one of the forms.
    pub fits: fn(&str) -> bool,
}

impl Country {
    /// The country of a whole id, and what stands behind its prefix.
    pub fn of(id: &str) -> Option<(&'static Self, &str)> {
        COUNTRIES.iter().find_map(|country| Some((country, id.strip_prefix(country.prefix)?)))
    }

    /// Noughts alone have none, though most sums would let them pass: nobody has number nothing but the first department.
    pub fn has_form(&self, own: &str) -> bool {
        self.forms.iter().any(|form| has_form(own, form)) && (own == "GD000" || number(own) > 0)
    }
}

const fn row(
    prefix: &'static str,
    forms: &'static [&'static str],
    example: &'static str,
    fits: fn(&str) -> bool,
) -> Country {
    Country { prefix, iso: prefix, forms, example, fits }
}

/// Northern Ireland's are Great Britain's under another prefix.
const BRITISH: &[&str] = &["999999999", "999999999999", "GD999", "HA999"];

/// In German, French and Italian.
const SWISS: &[&str] = &["999999999MWST", "999999999TVA", "999999999IVA"];

const ROMANIAN: &[&str] = &["n9", "n99", "n999", "n9999", "n99999", "n999999", "n9999999", "n99999999", "n999999999"];

const COUNTRIES: [Country; 31] = [
    row("AT", &["U99999999"], "ATU13585627", single::austria),
    row("BE", &["9999999999"], "BE0428759497", single::belgium),
    row("BG", &["999999999", "9999999999"], "BG175074752", bulgaria::fits),
    Country { iso: "CH", ..row("CHE", SWISS, "CHE107787577MWST", single::switzerland) },
    row("CY", &["99999999a"], "CY10259033P", cyprus::fits),
    row("CZ", &["99999999", "999999999", "9999999999"], "CZ25123891", czechia::fits),
    row("DE", &["n99999999"], "DE136695976", mod_11_10),
    row("DK", &["n9999999"], "DK13585628", |id| last_digit(id, &[2, 7, 6, 5, 4, 3, 2], to_elevens)),
    row("EE", &["999999999"], "EE100931558", |id| {
        last_digit(id, &[3, 7, 1, 3, 7, 1, 3, 7], |sum| (10 - sum % 10) % 10)
    }),
    Country { iso: "GR", ..row("EL", &["999999999"], "EL094259216", single::greece) },
    row("ES", &["x9999999x"], "ESB58378431", spain::fits),
    row("FI", &["99999999"], "FI20774740", |id| last_digit(id, &[7, 9, 10, 5, 8, 4, 2], to_elevens)),
    row("FR", &["xx999999999"], "FR83404833048", france::fits),
    row("GB", BRITISH, "GB980780684", britain::fits),
    row("HR", &["99999999999"], "HR33392005961", mod_11_10),
    row("HU", &["99999999"], "HU12892312", |id| last_digit(id, &[9, 7, 3, 1, 9, 7, 3], |sum| (10 - sum % 10) % 10)),
    row("IE", &["9999999a", "9999999aa", "9s99999a"], "IE6433435F", ireland::fits),
    row("IT", &["99999999999"], "IT00743110157", single::italy),
    row("LT", &["999999999", "999999999999"], "LT119511515", lithuania::fits),
    row("LU", &["99999999"], "LU15027442", |id| number(&id[..6]) % 89 == number(&id[6..])),
    row("LV", &["99999999999"], "LV40003521600", latvia::fits),
    row("MT", &["n9999999"], "MT11679112", single::malta),
    row("NL", &["999999999B99"], "NL004495445B01", netherlands::fits),
    row("NO", &["999999999MVA"], "NO995525828MVA", |id| last_digit(id, &[3, 2, 7, 6, 5, 4, 3, 2], to_elevens)),
    row("PL", &["9999999999"], "PL8567346215", |id| last_digit(id, &[6, 5, 7, 2, 3, 4, 5, 6, 7], |sum| sum % 11)),
    row("PT", &["n99999999"], "PT501964843", single::portugal),
    row("RO", ROMANIAN, "RO18547290", single::romania),
    row("SE", &["999999999999"], "SE556188840401", single::sweden),
    row("SI", &["n9999999"], "SI50223054", single::slovenia),
    row("SK", &["n999999999"], "SK2022749619", |id| number(id).is_multiple_of(11)),
    row("XI", BRITISH, "XI980780684", britain::fits),
];
