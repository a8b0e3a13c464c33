//! Which documents does a payment settle? By the numbers that its text names, and only where that leaves no doubt: a
//! payment that could mean two things waits for a person.

use std::collections::BTreeSet;

use releve_types::{InvoiceId, Money, money::MoneyError};

use crate::Number;

/// Digits of a serial as it is printed; fewer, with a gap in them, may be one serial cut in two.
const SERIAL_DIGITS: usize = 6;

/// The numbers of these series that a text may name, in any case, with or without separators: customers write `r 2026/000012`,
/// and banks break lines. Which of them exist is the caller's to know.
pub fn numbers_in(text: &str, series: &[String]) -> BTreeSet<Number> {
    let letters = letters(text);
    let mut found = BTreeSet::new();
    for series in series {
        let spelled: Vec<char> = series.chars().filter(char::is_ascii_alphanumeric).collect();
        for at in 0..letters.len() {
            let starts = letters[at].1 && letters[at..].iter().map(|(c, _)| c).take(spelled.len()).eq(&spelled);
            let Some(rest) = letters.get(at + spelled.len()..).filter(|_| starts && !spelled.is_empty()) else {
                continue;
            };
            found.extend(serials(rest).into_iter().filter_map(|(year, serial)| Number::new(series, year, serial).ok()));
        }
    }
    found
}

/// The text's letters and digits in capitals, each with whether something else stands before it.
fn letters(text: &str) -> Vec<(char, bool)> {
    let (mut letters, mut apart) = (Vec::new(), true);
    for c in text.chars() {
        if c.is_alphanumeric() {
            letters.extend(c.to_uppercase().map(|c| (c, apart)));
            apart = false;
        } else {
            apart = true;
        }
    }
    letters
}

/// A year of four digits, then a serial: up to the next gap, or over gaps where its parts make the printed six digits.
fn serials(rest: &[(char, bool)]) -> Vec<(i32, i64)> {
    let digits: Vec<(char, bool)> = rest.iter().take_while(|(c, _)| c.is_ascii_digit()).copied().collect();
    let Some((year, serial)) = digits.split_at_checked(4).filter(|(_, serial)| !serial.is_empty()) else {
        return Vec::new();
    };
    let read = |part: &[(char, bool)]| part.iter().map(|(c, _)| *c).collect::<String>();
    // The first digit's gap is the one between year and serial.
    let upto_gap = serial.iter().skip(1).position(|(_, apart)| *apart).map_or(serial.len(), |at| at + 1);
    let mut spelled = vec![&serial[..upto_gap]];
    if upto_gap < SERIAL_DIGITS && serial.len() >= SERIAL_DIGITS {
        spelled.push(&serial[..SERIAL_DIGITS]);
    }
    let Ok(year) = read(year).parse() else { return Vec::new() };
    let serial = |part: &&[(char, bool)]| read(part).parse().ok().filter(|serial| *serial > 0);
    spelled.iter().filter_map(serial).map(|serial| (year, serial)).collect()
}

/// A document that a payment names, and how much of it this payment can settle: what is open, or what a return takes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    pub invoice: InvoiceId,
    /// Of the payment's sign, or zero; in the document's currency.
    pub room: Money,
}

/// What of a payment goes to which document.
pub type Part = (InvoiceId, Money);

/// Why a payment, or what is left of it, waits for a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldFor {
    NoInvoice,
    SeveralInvoices,
    NothingOpen,
    OtherCurrency,
    /// More came than was open.
    Surplus,
    /// It gives back a payment that is not known.
    UnknownPayment,
}

impl HeldFor {
    pub const ALL: [Self; 6] = [
        Self::NoInvoice,
        Self::SeveralInvoices,
        Self::NothingOpen,
        Self::OtherCurrency,
        Self::Surplus,
        Self::UnknownPayment,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::NoInvoice => "no_invoice",
            Self::SeveralInvoices => "several_invoices",
            Self::NothingOpen => "nothing_open",
            Self::OtherCurrency => "other_currency",
            Self::Surplus => "surplus",
            Self::UnknownPayment => "unknown_payment",
        }
    }
}

/// What of a payment settles the documents that it names. One takes all that it has room for; several are settled only if
/// the payment is exactly what they have room for together.
pub fn allot(amount: Money, named: &[Candidate]) -> Result<(Vec<Part>, Option<HeldFor>), MoneyError> {
    if named.iter().any(|c| c.room.currency() != amount.currency()) {
        return Ok((Vec::new(), Some(HeldFor::OtherCurrency)));
    }
    let open: Vec<Part> = named.iter().filter(|c| !c.room.is_zero()).map(|c| (c.invoice, c.room)).collect();
    match (named, open.as_slice()) {
        ([], _) => Ok((Vec::new(), Some(HeldFor::NoInvoice))),
        (_, []) => Ok((Vec::new(), Some(HeldFor::NothingOpen))),
        (_, [(invoice, room)]) => {
            let left = amount.checked_sub(*room)?;
            let more = !left.is_zero() && left.is_negative() == amount.is_negative();
            let (part, held) = if more { (*room, Some(HeldFor::Surplus)) } else { (amount, None) };
            Ok((vec![(*invoice, part)], held))
        }
        (_, several) => {
            let zero = Money::zero(amount.currency());
            let sum = several.iter().try_fold(zero, |sum, (_, room)| sum.checked_add(*room))?;
            if sum == amount { Ok((open, None)) } else { Ok((Vec::new(), Some(HeldFor::SeveralInvoices))) }
        }
    }
}

/// What a return takes off the documents that its payment settled: first goes what of the payment had settled nothing, then
/// the parts, the last first. `returned` and the parts have the payment's sign; so has what comes back.
pub fn take_back(returned: Money, unsettled: Money, parts: &[Part]) -> Result<Vec<Part>, MoneyError> {
    let mut left = returned.checked_sub(nearer(returned, unsettled))?;
    let mut taken = Vec::new();
    for (invoice, part) in parts.iter().rev() {
        let back = nearer(left, *part);
        if !back.is_zero() {
            taken.push((*invoice, back));
            left = left.checked_sub(back)?;
        }
    }
    Ok(taken)
}

/// Which of two amounts of one sign is nearer to nothing.
fn nearer(a: Money, b: Money) -> Money {
    if a.amount().abs() <= b.amount().abs() { a } else { b }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use releve_types::Currency;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn numbers_are_found_however_they_are_spelled() {
        let series = ["R".to_owned(), "AI-X".to_owned()];
        let mut table = String::new();
        for text in [
            "R-2026-000012",
            "Invoice no. r 2026/000012, thank you",
            "R2026000012",
            "REF:R-2026-12.",
            "R-2026-000\n012",
            "R-2026-12 30 EUR",
            "R-2026-12 3040",
            "R-2026-000012 and R-2026-000013",
            "AI-X-2026-000007",
            "aix2026000007",
            "AIX-2026",
            "R-26-000012",
            "FACTUR2026000012",
            "R-2026-000000",
            "R-2026-99999999999999999999",
            "ÄR-2026-000012",
            "NOTPROVIDED",
            "",
        ] {
            let found: Vec<String> = numbers_in(text, &series).iter().map(ToString::to_string).collect();
            table += &format!("{text:?}: {}\n", found.join(" "));
        }
        expect![[r#"
            "R-2026-000012": R-2026-000012
            "Invoice no. r 2026/000012, thank you": R-2026-000012
            "R2026000012": R-2026-000012
            "REF:R-2026-12.": R-2026-000012
            "R-2026-000\n012": R-2026-000012
            "R-2026-12 30 EUR": R-2026-000012
            "R-2026-12 3040": R-2026-000012 R-2026-123040
            "R-2026-000012 and R-2026-000013": R-2026-000012 R-2026-000013
            "AI-X-2026-000007": AI-X-2026-000007
            "aix2026000007": AI-X-2026-000007
            "AIX-2026": 
            "R-26-000012": R-2600-000012
            "FACTUR2026000012": 
            "R-2026-000000": 
            "R-2026-99999999999999999999": 
            "ÄR-2026-000012": 
            "NOTPROVIDED": 
            "": 
        "#]]
        .assert_eq(&table);
    }

    fn cents(cents: i64) -> Money {
        Money::exact(Decimal::new(cents, 2), Currency::Eur).expect("cents")
    }

    fn id(n: u128) -> InvoiceId {
        InvoiceId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn parts(of: &[i64]) -> Vec<Part> {
        (0..).zip(of).map(|(n, room)| (id(n), cents(*room))).collect()
    }

    #[test]
    fn a_payment_settles_what_it_leaves_no_doubt_about() {
        let mut table = String::new();
        for (amount, rooms) in [
            (100, &[][..]),
            (100, &[100]),
            (60, &[100]),
            (130, &[100]),
            (100, &[0]),
            (100, &[0, 100]),
            (150, &[100, 50]),
            (140, &[100, 50]),
            (-40, &[-40]),
            (-50, &[-40]),
        ] {
            let named: Vec<Candidate> =
                parts(rooms).into_iter().map(|(invoice, room)| Candidate { invoice, room }).collect();
            let (found, held) = allot(cents(amount), &named).expect("one currency");
            let found: Vec<String> = found.iter().map(|(_, part)| part.amount().to_string()).collect();
            table += &format!("{amount} for {rooms:?}: {} {}\n", found.join(" + "), held.map_or("", HeldFor::name));
        }
        expect![[r#"
            100 for []:  no_invoice
            100 for [100]: 1.00 
            60 for [100]: 0.60 
            130 for [100]: 1.00 surplus
            100 for [0]:  nothing_open
            100 for [0, 100]: 1.00 
            150 for [100, 50]: 1.00 + 0.50 
            140 for [100, 50]:  several_invoices
            -40 for [-40]: -0.40 
            -50 for [-40]: -0.40 surplus
        "#]]
        .assert_eq(&table);
        let dollars = Candidate { invoice: id(1), room: Money::zero(Currency::Usd) };
        assert_eq!(allot(cents(1), &[dollars]), Ok((vec![], Some(HeldFor::OtherCurrency))));
    }

    #[test]
    fn a_return_takes_back_the_last_first() {
        let back = |returned, unsettled, of: &[i64]| {
            let taken = take_back(cents(returned), cents(unsettled), &parts(of)).expect("one currency");
            taken.iter().map(|(_, part)| part.amount().to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(back(150, 0, &[100, 50]), "0.50 1.00");
        assert_eq!(back(60, 0, &[100, 50]), "0.50 0.10");
        assert_eq!(back(60, 30, &[100, 50]), "0.30");
        assert_eq!(back(20, 30, &[100]), "");
    }

    proptest! {
        /// No text makes it fail, and what is found was spelled there.
        #[test]
        fn no_text_is_too_odd(text in any::<String>(), serial in 1_i64..10_000_000, sep in "[ /._:-]{0,2}") {
            numbers_in(&text, &["R".to_owned()]);
            let number = Number::new("R", 2026, serial).expect("a number");
            let spelled = number.to_string().replace('-', &sep);
            let found = numbers_in(&format!("{text} {spelled}"), &["R".to_owned()]);
            prop_assert!(found.contains(&number));
        }
    }
}
