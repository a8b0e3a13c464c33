//! What becomes of quarantined messages that are judged again, after a rule, a node or a key was mended?

use std::{collections::HashSet, sync::Arc};

use releve_store::quarantine::{self, Source};
use releve_types::{Timestamp, ids::QuarantineId};

use crate::{
    count::{self, CountError},
    judge::{self, Message},
    take::{Aggregator, Fate, Split, TakeError},
};

/// How many entries are judged again in one transaction.
pub const REDRIVE_LEN_MAX: usize = 200;

impl Aggregator {
    /// Judges waiting reports again; each entry is resolved in the transaction of its new fate. Entries that
    /// no longer wait, or that somebody else is deciding, are left out of the answer.
    pub async fn redrive(&self, ids: &[QuarantineId], now: Timestamp) -> Result<Vec<(QuarantineId, Fate)>, TakeError> {
        let mut done = Vec::new();
        for chunk in ids.chunks(REDRIVE_LEN_MAX) {
            done.extend(self.redrive_chunk(chunk, now).await?);
        }
        Ok(done)
    }

    async fn redrive_chunk(
        &self,
        ids: &[QuarantineId],
        now: Timestamp,
    ) -> Result<Vec<(QuarantineId, Fate)>, TakeError> {
        let mut tx = self.db.begin_app().await?;
        let mut entries = quarantine::waiting(&mut tx, ids).await?;
        tx.commit().await?;
        let mut banned = HashSet::new();
        while !entries.is_empty() {
            let catalog = self.catalog().await?;
            let ids: Vec<QuarantineId> = entries.iter().map(|e| e.id).collect();
            // Nobody is there to be told: what can't be decoded waits on, with its reason.
            let message = |e: &quarantine::Waiting| Message { body: e.body.clone(), source: Source::Amqp };
            let messages: Arc<Vec<Message>> = Arc::new(entries.iter().map(message).collect());
            let judged = judge::judge(&messages, &catalog, &self.settings, now);
            let split = Split::of(&messages, judged, &catalog, &banned);
            self.make_days(&split, now).await?;
            match count::count(self, &catalog, &messages, &split, Some(&ids), now).await {
                Ok(counted) => return Ok(ids.into_iter().zip(split.fates(&counted.fates)).collect()),
                Err(CountError::CatalogMoved) => self.forget_catalog(),
                Err(CountError::KeyReused(reused)) => banned.extend(reused),
                Err(CountError::Taken(taken)) => {
                    entries.retain(|e| !taken.contains(&e.id));
                    banned.clear();
                }
                Err(CountError::Store(error)) => return Err(error.into()),
            }
        }
        Ok(Vec::new())
    }
}
