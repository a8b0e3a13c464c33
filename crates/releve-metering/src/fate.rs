//! Why was a report understood but not believed? A closed list: it is the quarantine's index.

use std::fmt;

/// The reason for which a report or reading waits for a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// Nobody registered this node.
    UnknownNode,
    /// The key is unknown, not yet valid or revoked at the window's end.
    UnknownKey,
    /// The node was not in service or in maintenance in this window.
    NotInService,
    /// The window ends further in the future than clocks drift.
    FutureWindow,
    /// The window's day was archived and its time was not counted before.
    BelowFloor,
    /// Some of this time was already reported with other content.
    Overlap,
    /// The GPU sits in another node at that time.
    DeviceElsewhere,
    /// One device's shares pass 1, or a parent is held beside its slice.
    Contradiction,
    /// More energy than any device could have drawn.
    ImplausibleEnergy,
    /// A held device's model or profile, or the node's region, can be no part of a SKU: it has no price.
    NoSku,
    /// Signed, and from a newer agent than this server understands.
    NewerVersion,
    /// Could not be decoded; on the broker nobody can be told, so its bytes wait here.
    Malformed,
    /// The signature does not fit; on the broker nobody can be told.
    BadSignature,
    /// The database refused it alone, for a reason that is about its content.
    Unstorable,
    /// A reading's (source, id) was used before with other content.
    ReadingConflict,
}

impl Reason {
    pub const ALL: [Self; 15] = [
        Self::UnknownNode,
        Self::UnknownKey,
        Self::NotInService,
        Self::FutureWindow,
        Self::BelowFloor,
        Self::Overlap,
        Self::DeviceElsewhere,
        Self::Contradiction,
        Self::ImplausibleEnergy,
        Self::NoSku,
        Self::NewerVersion,
        Self::Malformed,
        Self::BadSignature,
        Self::Unstorable,
        Self::ReadingConflict,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownNode => "unknown_node",
            Self::UnknownKey => "unknown_key",
            Self::NotInService => "not_in_service",
            Self::FutureWindow => "future_window",
            Self::BelowFloor => "below_floor",
            Self::Overlap => "overlap",
            Self::DeviceElsewhere => "device_elsewhere",
            Self::Contradiction => "contradiction",
            Self::ImplausibleEnergy => "implausible_energy",
            Self::NoSku => "no_sku",
            Self::NewerVersion => "newer_version",
            Self::Malformed => "malformed",
            Self::BadSignature => "bad_signature",
            Self::Unstorable => "unstorable",
            Self::ReadingConflict => "reading_conflict",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == text)
    }

    /// What a person can do about it, in a sentence.
    pub const fn to_do(self) -> &'static str {
        match self {
            Self::UnknownNode => "Register the node and its key, then re-drive.",
            Self::UnknownKey => {
                "Register the key with a start before the window, then re-drive; or reject if it was revoked for cause."
            }
            Self::NotInService => "Correct the node's service range, then re-drive; or reject.",
            Self::FutureWindow => "Mend the node's clock; re-drive once the window has passed.",
            Self::BelowFloor => "Bring the day's archive back and re-drive, or reject.",
            Self::Overlap => "Compare both reports: reject this one, or amend the counted one.",
            Self::DeviceElsewhere => {
                "Record the device's move if it moved, then re-drive; otherwise find out which node is the copy."
            }
            Self::Contradiction => "Mend the agent's source of allocations; reject.",
            Self::ImplausibleEnergy => "Mend the energy counter; reject, or have the agent report without it.",
            Self::NoSku => "Correct the node's region, or the agent's name for the device; then re-drive, or reject.",
            Self::NewerVersion => "Upgrade the server, then re-drive.",
            Self::Malformed => "Find the sender and mend it; reject.",
            Self::BadSignature => "Find the sender: a wrong key or a forgery; reject.",
            Self::Unstorable => "Look at the server's log for the error, then re-drive.",
            Self::ReadingConflict => {
                "Ask the source which one is right; reject, or send a correcting reading under a new id."
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
