//! How are values spelled on the page? As everywhere, with the language's sign for decimals and order of a day.

use releve_billing::Line;
use releve_types::{Money, Period, Unit, Zone};
use rust_decimal::Decimal;

use super::Told;
use crate::{
    Coverage,
    text::{grouped, measured},
    words::{day, decimal},
};

impl Told<'_> {
    pub(super) fn money(&self, money: Money) -> String {
        format!("{}\u{a0}{}", self.amount(money), money.currency())
    }

    pub(super) fn amount(&self, money: Money) -> String {
        self.number(&money.amount().to_string())
    }

    pub(super) fn number(&self, digits: &str) -> String {
        decimal(self.parties.language, grouped(digits))
    }

    pub(super) fn day(&self, iso: &str) -> String {
        day(self.parties.language, iso)
    }

    pub(super) fn whose(&self, line: &Line) -> String {
        self.parties.whose(line.charge.tenant)
    }

    /// A quantity to read, and below it as it is billed.
    pub(super) fn quantity(&self, unit: Unit, base_units: i64, printed: Decimal) -> (String, String) {
        let printed = self.number(&printed.to_string());
        match unit {
            Unit::GpuMs => (decimal(self.parties.language, measured(unit, base_units)), format!("{printed} s")),
            unit => (printed, unit.printed().0.to_owned()),
        }
    }

    /// Whole local days as days, the last one included; anything else to the minute, half-open.
    pub(super) fn stretch(&self, stretch: Period, zone: &Zone) -> String {
        let (start, end) = (zone.local_time(stretch.start()), zone.local_time(stretch.end()));
        let to = self.words.to;
        if start.ends_with(" 00:00") && end.ends_with(" 00:00") {
            let (first, last) = (zone.date(stretch.start()), zone.date(stretch.end().plus_millis(-1)));
            return format!("{} {to} {}", self.day(&first), self.day(&last));
        }
        format!("{} {to} {}", self.day(&start), self.day(&end))
    }

    pub(super) fn covered(&self, coverage: &Coverage) -> String {
        let time = |ms| decimal(self.parties.language, measured(Unit::GpuMs, ms));
        let said = self.words.coverage.replacen("{}", &time(coverage.reported_ms), 1);
        let said = said.replacen("{}", &time(coverage.expected_ms), 1);
        if coverage.accepted_ms == 0 {
            return said;
        }
        format!("{said} {}", self.words.gaps_accepted.replace("{}", &time(coverage.accepted_ms)))
    }
}
