//! Which names and labels were already told? They decide no money, so they wait where a report is full.

use std::collections::BTreeMap;

use releve_types::TenantKey;
use releve_wire::{AllocDetails, limits};

use super::{Observed, bound::details_bytes};
use crate::sight::{Hold, text_problem};

/// How many allocations' details may wait; beyond it, those of allocations that have ended are forgotten.
const WAITING_LEN_MAX: usize = 4_096;

type Key = (TenantKey, String);

/// What was told, and what waits for room.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DetailsBook {
    pub(super) told: BTreeMap<Key, AllocDetails>,
    pub(super) waiting: BTreeMap<Key, AllocDetails>,
}

impl DetailsBook {
    /// Takes in what is new or changed.
    pub fn see(&mut self, holds: &[Hold]) {
        let mut held = BTreeMap::new();
        for hold in holds {
            let key = (hold.tenant_key.clone(), hold.alloc.clone());
            held.insert(key, hold.details.as_ref().map(printable));
        }
        self.told.retain(|key, _| held.contains_key(key));
        if self.waiting.len() > WAITING_LEN_MAX {
            self.waiting.retain(|key, _| held.contains_key(key));
        }
        for (key, details) in held {
            if let Some(details) = details.filter(|details| self.told.get(&key) != Some(details)) {
                self.waiting.insert(key, details);
            }
        }
    }

    /// Puts what waits into the sections that are there anyway, as far as there is room. `bytes` is what the
    /// report takes already.
    pub fn fill(&mut self, observed: &mut Observed, mut bytes: usize, bytes_max: usize) {
        for section in &mut observed.sections {
            let due = |(key, _): &(&Key, &AllocDetails)| key.0 == section.tenant_key;
            let due: Vec<Key> = self.waiting.iter().filter(due).map(|(key, _)| key.clone()).collect();
            for key in due {
                let Some(details) = self.waiting.remove(&key) else { continue };
                bytes += details_bytes(&details);
                if bytes > bytes_max {
                    self.waiting.insert(key, details);
                    return;
                }
                section.allocs.push(details.clone());
                self.told.insert(key, details);
            }
        }
    }
}

/// Without what the wire would refuse: a report is not lost for a label.
fn printable(details: &AllocDetails) -> AllocDetails {
    let fits = |text: &String| text_problem(text).is_none();
    let label = |(key, value): &(String, String)| {
        let short = key.len() <= limits::LABEL_BYTES_MAX && value.len() <= limits::LABEL_BYTES_MAX;
        short && fits(key) && fits(value)
    };
    AllocDetails {
        alloc: details.alloc.clone(),
        name: details.name.clone().filter(fits),
        user: details.user.clone().filter(fits),
        labels: details.labels.iter().filter(|l| label(l)).take(limits::LABELS_LEN_MAX).cloned().collect(),
    }
}
