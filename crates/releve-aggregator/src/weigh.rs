//! What would quarantined reports come to, if they were counted? For a person who has to decide; writes nothing.

use std::collections::BTreeMap;

use releve_metering::{Screened, roll_up};
use releve_store::quarantine::{self, Source};
use releve_types::{Hour, Sku, TenantId, Timestamp, ids::QuarantineId};

use crate::{
    judge::{self, Judged, Message},
    redrive::REDRIVE_LEN_MAX,
    take::{Aggregator, TakeError},
};

/// The held time in waiting reports. Whether the database would count it (a node's time only once, a device in
/// one place) is not asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Weight {
    /// Reports that today's catalog can make sense of.
    pub weighed: usize,
    /// Reports that it still can't: their time, where it is known, has no SKU.
    pub unweighed: usize,
    /// Held milliseconds.
    pub held_ms: BTreeMap<(TenantId, Sku, Hour), i64>,
}

/// Adds what a report holds. None if it shows what has no SKU.
pub(crate) fn weigh(screened: &Screened, held_ms: &mut BTreeMap<(TenantId, Sku, Hour), i64>) -> Option<()> {
    let deltas = roll_up([screened], |_, _| 1).ok()?;
    for (key, used) in &deltas.usage_hours {
        let sku = deltas.skus.get(key.sku)?;
        *held_ms.entry((key.tenant, sku.clone(), key.hour)).or_default() += used.ms;
    }
    Some(())
}

impl Aggregator {
    /// Judges waiting reports by today's catalog, and sums what the believable ones hold.
    pub async fn weigh(&self, ids: &[QuarantineId], now: Timestamp) -> Result<Weight, TakeError> {
        let mut weight = Weight::default();
        for chunk in ids.chunks(REDRIVE_LEN_MAX) {
            let mut tx = self.db.begin_app().await?;
            let entries = quarantine::waiting(&mut tx, chunk).await?;
            tx.commit().await?;
            let catalog = self.catalog().await?;
            let messages: Vec<Message> =
                entries.into_iter().map(|e| Message { body: e.body, source: Source::Amqp }).collect();
            for judged in judge::judge(&messages, &catalog, &self.settings, now) {
                let weighed =
                    matches!(judged, Judged::Good(screened, _) if weigh(&screened, &mut weight.held_ms).is_some());
                *if weighed { &mut weight.weighed } else { &mut weight.unweighed } += 1;
            }
        }
        Ok(weight)
    }
}
