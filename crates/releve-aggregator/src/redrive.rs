//! What becomes of quarantined messages that are judged again, after a rule, a node or a key was mended?

use std::sync::Arc;

use releve_store::quarantine::{self, Source};
use releve_types::{Timestamp, ids::QuarantineId};

use crate::{
    amend::{Change, Instead},
    count::{self, CountError, Redrive, Reused},
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
            done.extend(self.judge_again(chunk, None, now).await?.0);
        }
        Ok(done)
    }

    /// One transaction's worth of it; with `instead`, what is in their way makes room.
    pub(crate) async fn judge_again(
        &self,
        ids: &[QuarantineId],
        instead: Option<Instead<'_>>,
        now: Timestamp,
    ) -> Result<(Vec<(QuarantineId, Fate)>, Change), TakeError> {
        let mut tx = self.db.begin_app().await?;
        let mut entries = quarantine::waiting(&mut tx, ids).await?;
        tx.commit().await?;
        let mut reused = Reused::default();
        while !entries.is_empty() {
            let catalog = self.catalog().await?;
            let ids: Vec<QuarantineId> = entries.iter().map(|e| e.id).collect();
            // Nobody is there to be told: what can't be decoded waits on, with its reason.
            let message = |e: &quarantine::Waiting| Message { body: e.body.clone(), source: Source::Amqp };
            let messages: Arc<Vec<Message>> = Arc::new(entries.iter().map(message).collect());
            let judged = judge::judge(&messages, &catalog, &self.settings, now);
            let split = Split::of(&messages, judged, &catalog, &reused);
            self.make_days(&split, now).await?;
            let redrive = Redrive { ids: &ids, instead };
            match count::count(self, &catalog, &messages, &split, Some(redrive), now).await {
                Ok(counted) => {
                    let fates = split.fates(&counted.fates);
                    return Ok((ids.into_iter().zip(fates).collect(), counted.change));
                }
                Err(CountError::CatalogMoved) => self.forget_catalog(catalog.version),
                Err(CountError::KeyReused(more)) => reused.extend(more),
                Err(CountError::Taken(taken)) => {
                    entries.retain(|e| !taken.contains(&e.id));
                    reused = Reused::default();
                }
                Err(CountError::Store(error)) => return Err(error.into()),
            }
        }
        Ok((Vec::new(), Change::default()))
    }
}
