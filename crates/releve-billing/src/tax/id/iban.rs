//! Is this the number of a bank account? ISO 13616.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use super::{
    checksum::{mod_97, number},
    spelling::{only_digits, shown, without_spaces},
};

/// The characters of an IBAN, from Norway's to the longest that the standard allows.
pub const IBAN_CHARS: RangeInclusive<usize> = 15..=34;

/// How many characters print together on paper.
const GROUP_CHARS: usize = 4;

/// How long an IBAN is in the countries of the registry that SWIFT keeps (ISO 13616-2). One that joined since is held to
/// `IBAN_CHARS`.
const LENGTHS: [(usize, &str); 18] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// An account number: in capitals, without spaces.
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

impl Iban {
    /// The country of the account, as ISO 3166 has it, and `XK` for Kosovo.
    pub fn country(&self) -> &str {
        &self.0[..2]
    }

    /// As it is printed: `FR14 2004 1010 0505 0001 3M02 606`.
    pub fn grouped(&self) -> String {
        let starts = (0..self.0.len()).step_by(GROUP_CHARS);
        let groups: Vec<_> = starts.map(|at| &self.0[at..self.0.len().min(at + GROUP_CHARS)]).collect();
        groups.join(" ")
    }
}

impl FromStr for Iban {
    type Err = IbanError;
    /// Reads it with or without spaces. Check digits run from 02 to 98: what would be 00, 01 or 99 leaves the same and is
    /// never given out.
    fn from_str(text: &str) -> Result<Self, IbanError> {
        let iban = without_spaces(text);
        let shaped = IBAN_CHARS.contains(&iban.len())
            && iban.bytes().all(|b| b.is_ascii_alphanumeric())
            && iban[..2].bytes().all(|b| b.is_ascii_uppercase())
            && only_digits(&iban[2..4]);
        if !shaped {
            return Err(IbanError::Shape(shown(text)));
        }
        let country = &iban[..2];
        if let Some(expected) = length(country).filter(|expected| *expected != iban.len()) {
            return Err(IbanError::Length { country: country.to_owned(), expected, found: iban.len() });
        }
        let (head, account) = iban.split_at(4);
        let fits = (2..=98).contains(&number(&head[2..])) && mod_97([account, head]) == 1;
        if fits { Ok(Self(iban)) } else { Err(IbanError::Check(iban)) }
    }
}

fn length(country: &str) -> Option<usize> {
    LENGTHS.iter().find_map(|(length, countries)| countries.split(' ').any(|known| known == country).then_some(*length))
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_read_and_printed_in_groups() {
        for (grouped, country) in [
            ("FR14 2004 1010 0505 0001 3M02 606", "FR"),
            ("DE89 3704 0044 0532 0130 00", "DE"),
            ("GB29 NWBK 6016 1331 9268 19", "GB"),
            ("NO93 8601 1117 947", "NO"),
            ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "MT"),
        ] {
            let iban: Iban = grouped.to_lowercase().parse().expect(grouped);
            assert_eq!((iban.grouped().as_str(), iban.country()), (grouped, country));
            assert_eq!(iban.to_string(), grouped.replace(' ', ""));
        }
    }

    #[test]
    fn what_is_no_account_number_is_said() {
        let said = |text: &str| text.parse::<Iban>().expect_err(text).to_string();
        assert_eq!(
            said("DE88370400440532013000"),
            "the check digits of DE88370400440532013000 don't fit (ISO 13616, modulo 97)"
        );
        assert_eq!(said("DE8937040044053201300"), "an IBAN of DE has 22 characters, not 21");
        for bad in ["", "DE", "D889370400440532013000", "DEX9370400440532013000", "FR14-20041010050500013M02606"] {
            assert!(matches!(bad.parse::<Iban>(), Err(IbanError::Shape(_))), "{bad}");
        }
        for bad in ["DÉ89370400440532013000", "D\u{c9}\u{c9}9370400440532013000", "ZZ6837040044053", &"9".repeat(1000)]
        {
            assert!(bad.parse::<Iban>().is_err(), "{bad}");
        }
    }

    /// What a country outside the registry may print: any length within the standard's.
    #[test]
    fn an_unknown_country_has_check_digits_all_the_same() {
        let with_check = |bban: &str| {
            let turned = format!("{bban}ZZ00").chars().fold(0_u64, |left, c| match c {
                '0'..='9' => (left * 10 + u64::from(c.to_digit(10).expect("a digit"))) % 97,
                _ => (left * 100 + u64::from(u32::from(c) - u32::from('A')) + 10) % 97,
            });
            format!("ZZ{:02}{bban}", 98 - turned)
        };
        for chars in [11, 20, 30] {
            let good = with_check(&"A7".repeat(chars)[..chars]);
            assert!(good.parse::<Iban>().is_ok(), "{good}");
        }
        for chars in [10, 31] {
            let bad = with_check(&"A7".repeat(chars)[..chars]);
            assert!(matches!(bad.parse::<Iban>(), Err(IbanError::Shape(_))), "{bad}");
        }
    }

    /// 00, 01 and 99 leave what 97, 98 and 02 do. The account is found by trying, so that its check digits are 97, 98, 02.
    #[test]
    fn check_digits_that_are_never_given_out_are_refused() {
        for (given, alike) in [("97", "00"), ("98", "01"), ("02", "99")] {
            let account = |n: u32| format!("{n:018}");
            let found = (0..1000).map(account).find(|bban| format!("DE{given}{bban}").parse::<Iban>().is_ok());
            let bban = found.expect("one in ninety-seven has these check digits");
            let other = format!("DE{alike}{bban}");
            assert_eq!(mod_97([&other[4..], &other[..4]]), 1, "the sum alone would take it");
            assert_eq!(other.parse::<Iban>(), Err(IbanError::Check(other.clone())));
        }
    }

    #[test]
    fn one_digit_changed_is_seen() {
        for good in ["DE89370400440532013000", "NO9386011117947", "FR1420041010050500013M02606"] {
            for at in (2..good.len()).filter(|at| good.as_bytes()[*at].is_ascii_digit()) {
                for digit in '0'..='9' {
                    let mut other = good.to_owned();
                    other.replace_range(at..=at, &digit.to_string());
                    assert_eq!(other.parse::<Iban>().is_ok(), other == good, "{other}");
                }
            }
        }
    }

    #[test]
    fn a_country_has_one_length() {
        let all: Vec<_> = LENGTHS.iter().flat_map(|(_, countries)| countries.split(' ')).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (89, 89), "as many as the registry has");
    }
}
