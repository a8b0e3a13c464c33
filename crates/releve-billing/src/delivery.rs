//! What became of a document that was handed over? Derived from what its platform, or its customer, told.

use releve_types::Timestamp;

/// What is told of a document, in the words that France's platforms must use (AFNOR XP Z12-012, life cycle).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// The platform took it: 200, déposée.
    Submitted,
    /// The platform found it wrong, and the customer never got it: 213, rejetée.
    Rejected,
    /// The customer won't have it: 210, refusée.
    Refused,
    /// The money came in: 212, encaissée.
    Cashed,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Submitted, Self::Rejected, Self::Refused, Self::Cashed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Cashed => "cashed",
        }
    }

    /// Its number among the statuses of the life cycle.
    pub const fn code(self) -> u16 {
        match self {
            Self::Submitted => 200,
            Self::Rejected => 213,
            Self::Refused => 210,
            Self::Cashed => 212,
        }
    }
}

/// Where an issued document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Here.
    Waiting,
    HandedOver,
    Told(Status),
}

impl Delivery {
    /// The latest word counts, by when it happened; of two at one instant, the later in the life cycle. A document of which
    /// something was told has left, whoever carried it.
    pub fn of(handed_over: bool, told: impl IntoIterator<Item = (Timestamp, Status)>) -> Self {
        match told.into_iter().max() {
            Some((_, status)) => Self::Told(status),
            None if handed_over => Self::HandedOver,
            None => Self::Waiting,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::HandedOver => "handed_over",
            Self::Told(status) => status.name(),
        }
    }

    /// The customer does not owe by it as it stands: nobody is reminded, and a person has to look.
    pub const fn is_disputed(self) -> bool {
        matches!(self, Self::Told(Status::Rejected | Status::Refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_word_counts() {
        let at = Timestamp::from_millis;
        let of = |told: &[(i64, Status)]| Delivery::of(true, told.iter().map(|(ms, status)| (at(*ms), *status))).name();
        assert_eq!(Delivery::of(false, []).name(), "waiting");
        assert_eq!(of(&[]), "handed_over");
        assert_eq!(of(&[(1, Status::Submitted)]), "submitted");
        assert_eq!(of(&[(5, Status::Rejected), (1, Status::Submitted)]), "rejected", "whatever came first");
        assert_eq!(of(&[(5, Status::Rejected), (9, Status::Submitted)]), "submitted", "it was mended");
        assert_eq!(of(&[(5, Status::Submitted), (5, Status::Refused)]), "refused");
        assert_eq!(Delivery::of(false, [(at(1), Status::Submitted)]).name(), "submitted");
        let disputed = Status::ALL.map(|status| Delivery::Told(status).is_disputed());
        assert_eq!(disputed, [false, true, true, false]);
    }
}
