//! When is a customer reminded? At levels, each so many calendar days after an invoice was due.

use releve_types::{Timestamp, Zone};

/// Levels of reminders at most.
pub const DUNNING_LEVELS_MAX: usize = 5;
/// Days after it was due at which the last level comes at most.
pub const DUNNING_DAYS_MAX: u16 = 365;

/// After how many days each level is reached. None: nobody is reminded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dunning(Vec<u16>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "up to {DUNNING_LEVELS_MAX} numbers of days after the due date, each above the one before it, 1 to {DUNNING_DAYS_MAX}"
)]
pub struct DunningError;

impl Dunning {
    pub fn new(days: Vec<u16>) -> Result<Self, DunningError> {
        let rises = days.is_sorted_by(|a, b| a < b);
        let known = days.iter().all(|day| (1..=DUNNING_DAYS_MAX).contains(day));
        if rises && known && days.len() <= DUNNING_LEVELS_MAX { Ok(Self(days)) } else { Err(DunningError) }
    }

    pub fn days(&self) -> &[u16] {
        &self.0
    }

    /// The level that is reached of an invoice that is still open, from 1 on; none before the first.
    pub fn level(&self, zone: &Zone, due_at: Timestamp, now: Timestamp) -> Option<usize> {
        let reached = self.0.iter().take_while(|days| now > zone.end_of_day_after(due_at, **days)).count();
        (reached > 0).then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_reached_when_its_day_is_over() {
        let paris = Zone::new("Europe/Paris").expect("a zone");
        let dunning = Dunning::new(vec![7, 14, 30]).expect("rising");
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        // Due by the end of 20 March, Paris; the clocks change on the 29th.
        let due_at = paris.end_of_day_after(at("2026-02-18T10:00:00Z"), 30);
        for (now, level) in [
            ("2026-03-20T23:00:00Z", None),
            ("2026-03-27T22:59:59Z", None),
            ("2026-03-27T23:00:01Z", Some(1)),
            ("2026-04-03T21:59:59Z", Some(1)),
            ("2026-04-03T22:00:01Z", Some(2)),
            ("2027-01-01T00:00:00Z", Some(3)),
        ] {
            assert_eq!(dunning.level(&paris, due_at, at(now)), level, "{now}");
        }
        assert_eq!(Dunning::default().level(&paris, due_at, at("2027-01-01T00:00:00Z")), None);
    }

    #[test]
    fn levels_rise() {
        assert!(Dunning::new(vec![]).is_ok());
        for bad in [vec![0], vec![7, 7], vec![14, 7], vec![366], vec![1, 2, 3, 4, 5, 6]] {
            assert_eq!(Dunning::new(bad), Err(DunningError));
        }
    }
}
