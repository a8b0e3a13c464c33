//! What was decided of these bytes before? A person's rejection stands on redelivery; what waited and is counted now
//! waits no longer.

use std::collections::{BTreeMap, HashMap};

use releve_store::{
    StoreError, Tx,
    quarantine::{self, NewEntry, Standing},
};
use releve_types::{Timestamp, ids::QuarantineId};
use releve_wire::{Digest, sha256};

use crate::{judge::Message, take::Fate};

/// What stands of a batch's bytes, held until the transaction ends.
#[derive(Debug, Default)]
pub(crate) struct Stands(HashMap<Digest, Standing>);

impl Stands {
    pub async fn read(tx: &mut Tx, digests: &[Digest]) -> Result<Self, StoreError> {
        if digests.is_empty() {
            return Ok(Self::default());
        }
        let found = quarantine::standing(tx, digests).await?;
        Ok(Self(found.into_iter().map(|standing| (standing.sha256, standing)).collect()))
    }

    /// The verdict that a person gave on these bytes.
    pub fn rejected(&self, digest: &Digest) -> Option<&Standing> {
        self.0.get(digest).filter(|standing| standing.rejected)
    }

    /// Ends the waiting of bytes that were delivered again and have their fate now.
    pub async fn settle<'a>(
        &self,
        tx: &mut Tx,
        settled: impl Iterator<Item = (&'a Digest, Settled)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut ended: BTreeMap<QuarantineId, Settled> = BTreeMap::new();
        for (digest, settled) in settled {
            if let Some(standing) = self.0.get(digest).filter(|standing| !standing.rejected) {
                let first = ended.entry(standing.id).or_insert(settled);
                *first = settled.min(*first);
            }
        }
        for (id, settled) in ended {
            quarantine::resolve(tx, id, settled.status(), "delivered again", now).await?;
        }
        Ok(())
    }
}

/// How waiting ends without a person. Of one batch with the same bytes twice, the first one was counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Settled {
    Counted,
    Duplicate,
}

impl Settled {
    pub const fn of(fate: &Fate) -> Option<Self> {
        match fate {
            Fate::Counted => Some(Self::Counted),
            Fate::Duplicate | Fate::LateKnown => Some(Self::Duplicate),
            Fate::Quarantined { .. } | Fate::Refused(_) => None,
        }
    }

    const fn status(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Writes each re-driven entry's new fate in the transaction that decides it: resolved, or what is known of it anew.
pub(crate) async fn resolve(
    tx: &mut Tx,
    ids: &[QuarantineId],
    messages: &[Message],
    fates: &[Fate],
    entries: &[NewEntry],
    now: Timestamp,
) -> Result<(), StoreError> {
    let of_bytes: HashMap<Digest, &NewEntry> = entries.iter().map(|entry| (entry.sha256, entry)).collect();
    for ((id, message), fate) in ids.iter().zip(messages).zip(fates) {
        if let Some(settled) = Settled::of(fate) {
            quarantine::resolve(tx, *id, settled.status(), "re-driven", now).await?;
        } else if let Some(entry) = of_bytes.get(&sha256(&message.body)) {
            quarantine::restate(tx, *id, entry, now).await?;
        }
    }
    Ok(())
}

/// The fate of bytes that a person rejected: the one they had.
pub(crate) fn again(standing: &Standing) -> Fate {
    let Standing { reason, field, detail, .. } = standing;
    Fate::Quarantined { reason: *reason, field: field.clone(), detail: detail.clone() }
}
