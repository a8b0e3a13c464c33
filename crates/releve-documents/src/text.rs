//! How is a value spelled for a reader?

use releve_types::{
    Unit,
    time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE, MILLIS_PER_SECOND},
};

/// Millijoules in a watt-hour.
const MJ_PER_WH: i128 = 3_600_000;

/// Kilowatt-hours with three decimals, half away from zero. For reading: the exact integer stands beside it in the JSON.
pub(crate) fn kwh(energy_mj: i64) -> String {
    let wh = (i128::from(energy_mj).abs() + MJ_PER_WH / 2) / MJ_PER_WH;
    let sign = if energy_mj < 0 && wh > 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", wh / 1000, wh % 1000)
}

/// Hours, minutes and seconds: `744:00:00`, `0:00:00.250`; what is taken back has its sign in front.
pub(crate) fn clock(ms: i64) -> String {
    let of = |millis: i64| millis.unsigned_abs();
    let (sign, ms) = (if ms < 0 { "\u{2212}" } else { "" }, ms.unsigned_abs());
    let (hours, minutes) = (ms / of(MILLIS_PER_HOUR), ms / of(MILLIS_PER_MINUTE) % 60);
    let (seconds, rest) = (ms / of(MILLIS_PER_SECOND) % 60, ms % of(MILLIS_PER_SECOND));
    let clock = format!("{sign}{}:{minutes:02}:{seconds:02}", grouped(&hours.to_string()));
    if rest == 0 { clock } else { format!("{clock}.{rest:03}") }
}

/// Digits before the point in groups of three, parted by a narrow space that does not break.
pub(crate) fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("\u{2212}", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A count of base units, as long as it is short enough to read: GPU time by the clock, all else as a number.
pub(crate) fn measured(unit: Unit, base_units: i64) -> String {
    if unit == Unit::GpuMs { clock(base_units) } else { grouped(&base_units.to_string()) }
}

/// Text as HTML text or as a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A control character has no place in HTML; what it hid is shown.
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c if turns(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Marks that turn the direction of writing could make an amount read as another.
pub(crate) const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_for_reading() {
        assert_eq!(grouped("1234567.891"), "1\u{202f}234\u{202f}567.891");
        assert_eq!(grouped("-100"), "\u{2212}100");
        assert_eq!(grouped("1000"), "1\u{202f}000");
        assert_eq!([clock(0), clock(250), clock(2_678_400_000)], ["0:00:00", "0:00:00.250", "744:00:00"]);
        assert_eq!([clock(-250), clock(-11_304_592_653)], ["\u{2212}0:00:00.250", "\u{2212}3\u{202f}140:09:52.653"]);
        assert_eq!([kwh(0), kwh(1_799_999), kwh(1_800_000)], ["0.000", "0.000", "0.001"]);
        assert_eq!(kwh(i64::MAX), "2562047788.015");
        assert_eq!([kwh(-4_442_400_000), kwh(-3_600_000), kwh(-1)], ["-1.234", "-0.001", "0.000"]);
        assert_eq!([clock(-5_400_000), clock(-1_800_250)], ["\u{2212}1:30:00", "\u{2212}0:30:00.250"]);
    }

    #[test]
    fn nothing_escapes() {
        assert_eq!(escaped("<b a='\"'>&\u{7}\u{202e}é"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\u{fffd}é");
    }
}
