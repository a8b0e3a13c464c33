//! Which days must stay? Those of a period that is not settled for everybody, and those that say whom a gap concerns:
//! without them a hold would be let go, or fall on whoever held the node next.

use std::collections::BTreeSet;

use releve_store::{StoreError, Tx, customers, gaps, held_back, runs};
use releve_types::{Period, TenantId, Timestamp, Zone, time::MILLIS_PER_DAY};

/// The first day that can't be archived yet; none if all may be. `oldest` is the first day of reports in the database.
pub async fn kept_from(tx: &mut Tx, oldest: i64, now: Timestamp) -> Result<Option<i64>, StoreError> {
    // The day before too: a gap at the period's start is told by the last window before it.
    let mut kept = runs::first_unsettled(tx, now).await?.map(|start| start.day() - 1);
    if kept.is_some_and(|day| day <= oldest) {
        // Nothing can go, so there is nothing that gaps could keep.
        return Ok(kept);
    }
    let mut seen = BTreeSet::new();
    for issuer in customers::issuers(tx).await? {
        // Issuers of one zone have the same months, and gaps are looked at once for all of them.
        if seen.insert(issuer.zone.name().to_owned()) {
            let told = gap_told_on(tx, &issuer.zone, oldest, now).await?;
            kept = kept.into_iter().chain(told).min();
        }
    }
    Ok(kept)
}

/// The earliest day of reports that say whom a gap concerns who is not billed for its month, from the oldest stored
/// month to the running one.
async fn gap_told_on(tx: &mut Tx, zone: &Zone, oldest: i64, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let mut told: Option<i64> = None;
    let mut period = zone.period_of(Timestamp::from_millis(oldest * MILLIS_PER_DAY));
    while period.start() < now {
        // What is to come of the running month is no gap.
        let end = period.end_hour().min(now.hour());
        let Ok(past) = Period::of_hours(period.first_hour(), end) else { break };
        let found = gaps::gaps(tx, past).await?;
        let tenants: BTreeSet<TenantId> = found.iter().flat_map(|gap| &gap.concerned).map(|c| c.tenant).collect();
        let accounts = held_back::accounts_concerned(tx, &tenants, period).await?;
        let billed = runs::issued_to(tx, &accounts.values().flatten().copied().collect(), period).await?;
        let waits = |tenant: &TenantId| {
            accounts.get(tenant).is_some_and(|of| of.iter().any(|account| !billed.contains(account)))
        };
        let holding = found.iter().filter(|gap| gap.concerned.iter().any(|c| waits(&c.tenant)));
        told = told.into_iter().chain(holding.filter_map(|gap| gap.told_on)).min();
        period = zone.period_of(period.end());
    }
    Ok(told)
}
