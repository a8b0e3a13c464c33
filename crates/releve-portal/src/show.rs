//! How are figures and instants shown? Exactly, in integers, with digits grouped as on an invoice.

use maud::{Markup, html};
use releve_types::Timestamp;
use serde::Deserialize;

/// An amount of the API: a decimal and its currency, as text.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Amount {
    pub amount: String,
    pub currency: String,
}

impl Amount {
    pub fn is_something(&self) -> bool {
        is_something(&self.amount)
    }

    pub fn shown(&self) -> Markup {
        html! { span.money { (grouped(&self.amount)) " " span.unit { (self.currency) } } }
    }
}

/// Whether a decimal is not zero.
pub(crate) fn is_something(number: &str) -> bool {
    number.contains(|c: char| ('1'..='9').contains(&c))
}

/// Digits before the point in groups of three, parted by a narrow space that does not break, and a real minus.
pub(crate) fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("\u{2212}", digits));
    let (whole, rest) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut shown = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    if let Some(rest) = rest {
        shown.push('.');
        shown.push_str(rest);
    }
    shown
}

/// A whole number of thousandths, as a decimal with three places.
fn thousandths(count: i64) -> String {
    let sign = if count < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", count.unsigned_abs() / 1_000, count.unsigned_abs() % 1_000)
}

/// GPU-hours of milliseconds, cut off after three places: the exact milliseconds are in the download.
pub(crate) fn hours(ms: i64) -> String {
    thousandths(ms / 3_600)
}

/// Kilowatt-hours of millijoules, cut off after three places.
pub(crate) fn kwh(mj: i64) -> String {
    thousandths(mj / 3_600_000)
}

/// A quantity in the unit that people read.
pub(crate) fn quantity(base_units: i64, unit: &str) -> Markup {
    let (number, name) = match unit {
        "gpu_ms" => (hours(base_units), "GPU-h"),
        "gib_second" if base_units % 3_600 == 0 => ((base_units / 3_600).to_string(), "GiB·h"),
        "gib_second" => (base_units.to_string(), "GiB·s"),
        "byte" => (base_units.to_string(), "bytes"),
        "token" => (base_units.to_string(), "tokens"),
        "hour" => (base_units.to_string(), "h"),
        _ => (base_units.to_string(), "units"),
    };
    html! { (grouped(&number)) " " span.unit { (name) } }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `10 Mar 2026` of `2026-03-10…`.
pub(crate) fn day(instant: &str) -> String {
    let date = instant.split('T').next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let month = |text: &str| text.parse::<usize>().ok().and_then(|n| MONTHS.get(n.checked_sub(1)?).copied());
    match parts.as_slice() {
        [year, name, day] => {
            month(name).map_or_else(|| date.to_owned(), |m| format!("{} {m} {year}", day.trim_start_matches('0')))
        }
        [year, name] => month(name).map_or_else(|| date.to_owned(), |m| format!("{m} {year}")),
        _ => date.to_owned(),
    }
}

/// `12:30:00 UTC` of an instant.
pub(crate) fn clock(instant: &str) -> String {
    let time = instant.split('T').nth(1).unwrap_or_default();
    format!("{} UTC", time.trim_end_matches('Z').split('.').next().unwrap_or_default())
}

/// `12:30:00.250` of an instant, to the millisecond.
pub(crate) fn clock_ms(instant: &str) -> String {
    let time = instant.split('T').nth(1).unwrap_or_default().trim_end_matches('Z');
    let (seconds, part) = time.split_once('.').unwrap_or((time, ""));
    format!("{seconds}.{part:0<3}")
}

/// A tier of a price.
#[derive(Deserialize)]
pub(crate) struct Tier {
    pub up_to: Option<i64>,
    pub price: String,
}

/// A price's tiers, each with how far it goes in the unit that people read.
pub(crate) fn tiers(tiers: &[Tier], unit: &str) -> Markup {
    html! {
        @for tier in tiers { div {
            (grouped(&tier.price))
            @if let Some(end) = tier.up_to { " " span.unit { "up to " (quantity(end, unit)) } }
        } }
    }
}

/// A day and a time, for eyes and for programs.
pub(crate) fn instant(text: &str) -> Markup {
    let time: String = clock(text).chars().take(5).collect();
    html! { time datetime=(text) { (day(text)) ", " (time) " UTC" } }
}

/// Since when a price holds: what holds from the first hour that there is holds always.
pub(crate) fn since(text: &str, shown: impl FnOnce(&str) -> Markup) -> Markup {
    if millis(text).is_some_and(|ms| ms <= 0) {
        html! { "always" }
    } else {
        shown(text)
    }
}

/// A day, for eyes and for programs.
pub(crate) fn date(text: &str) -> Markup {
    html! { time datetime=(text) { (day(text)) } }
}

/// The first and the last day of a period that begins and ends at some zone's midnight: half a day inside of it is that day in UTC too.
pub(crate) fn period(from: &str, to: &str) -> Markup {
    const HALF_DAY_MS: i64 = 12 * 3_600_000;
    let at = |ms: i64| Timestamp::from_millis(ms).to_string();
    match millis(from).zip(millis(to)) {
        Some((start, end)) if end - start > 2 * HALF_DAY_MS => {
            html! { (date(&at(start + HALF_DAY_MS))) " – " (date(&at(end - HALF_DAY_MS))) }
        }
        _ => date(from),
    }
}

/// Since when, in milliseconds; none of what is no instant.
pub(crate) fn millis(instant: &str) -> Option<i64> {
    instant.parse::<Timestamp>().ok().map(Timestamp::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact() {
        assert_eq!(grouped("1234567.89"), "1\u{202f}234\u{202f}567.89");
        assert_eq!(grouped("-100"), "\u{2212}100");
        assert_eq!(grouped("0.00"), "0.00");
        assert_eq!(
            (hours(3_600_000), hours(5_400_001), hours(-3_600)),
            ("1.000".into(), "1.500".into(), "-0.001".into())
        );
        assert_eq!(kwh(3_600_000_000), "1.000");
        assert_eq!(day("2026-03-10T12:30:00Z"), "10 Mar 2026");
        assert_eq!(clock("2026-03-10T12:30:05.250Z"), "12:30:05 UTC");
        assert_eq!(clock_ms("2026-03-10T12:30:05.25Z"), "12:30:05.250");
        assert_eq!(clock_ms("2026-03-10T12:30:05Z"), "12:30:05.000");
        assert_eq!(day("<script>"), "<script>");
    }
}
