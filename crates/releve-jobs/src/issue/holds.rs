//! Whose invoices wait for a person, and why? Gaps, suspense and quarantine, each only for whom it touches.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::{Hold, HoldKind};
use releve_store::{
    StoreError, Tx,
    gaps::{self, Gap},
    held_back::{self, Quarantined, Suspense},
};
use releve_types::{AccountId, Period, TenantId, Unit};

/// Holds listed on one parked invoice; the rest is summed into one more.
pub const HOLDS_LISTED_MAX: usize = 50;

/// Everything that holds back a period, by account.
pub async fn read(tx: &mut Tx, period: Period) -> Result<BTreeMap<AccountId, Vec<Hold>>, StoreError> {
    let gaps = gaps::gaps(tx, period).await?;
    let suspense = held_back::suspense(tx, period).await?;
    let quarantined = held_back::quarantined(tx, period).await?;
    let mut tenants: BTreeSet<TenantId> = gaps.iter().flat_map(|g| &g.concerned).map(|c| c.tenant).collect();
    tenants.extend(suspense.iter().map(|s| s.tenant));
    tenants.extend(quarantined.iter().map(|q| q.tenant));
    let concerned = held_back::accounts_concerned(tx, &tenants, period).await?;
    Ok(by_account(&gaps, &suspense, &quarantined, &Concerned(concerned)))
}

/// What each account may have held of time that is missing from the reports, and that a person decided to bill around.
pub async fn missing(tx: &mut Tx, period: Period) -> Result<BTreeMap<AccountId, i64>, StoreError> {
    let gaps = gaps::accepted(tx, period).await?;
    let tenants = gaps.iter().flat_map(|g| &g.concerned).map(|c| c.tenant).collect();
    let concerned = Concerned(held_back::accounts_concerned(tx, &tenants, period).await?);
    let mut missing: BTreeMap<AccountId, i64> = BTreeMap::new();
    for part in gaps.iter().flat_map(|gap| &gap.concerned) {
        for account in concerned.by(part.tenant) {
            let sum = missing.entry(account).or_insert(0);
            *sum = sum.saturating_add(part.gpu_ms);
        }
    }
    Ok(missing)
}

struct Concerned(BTreeMap<TenantId, BTreeSet<AccountId>>);

impl Concerned {
    fn by(&self, tenant: TenantId) -> impl Iterator<Item = AccountId> + '_ {
        self.0.get(&tenant).into_iter().flatten().copied()
    }
}

fn by_account(
    gaps: &[Gap],
    suspense: &[Suspense],
    quarantined: &[Quarantined],
    concerned: &Concerned,
) -> BTreeMap<AccountId, Vec<Hold>> {
    let mut holds: BTreeMap<AccountId, Vec<Hold>> = BTreeMap::new();
    for gap in gaps {
        let mut exposed: BTreeMap<AccountId, i64> = BTreeMap::new();
        for part in &gap.concerned {
            for account in concerned.by(part.tenant) {
                let sum = exposed.entry(account).or_insert(0);
                *sum = sum.saturating_add(part.gpu_ms);
            }
        }
        for (account, gpu_ms) in exposed {
            holds.entry(account).or_default().push(of_gap(gap, gpu_ms));
        }
    }
    for part in suspense {
        for account in concerned.by(part.tenant) {
            holds.entry(account).or_default().push(of_suspense(part));
        }
    }
    for part in quarantined {
        for account in concerned.by(part.tenant) {
            holds.entry(account).or_default().push(of_quarantine(part));
        }
    }
    holds.into_iter().map(|(account, holds)| (account, shortened(holds))).collect()
}

fn of_gap(gap: &Gap, gpu_ms: i64) -> Hold {
    Hold {
        kind: HoldKind::Gap,
        detail: format!(
            "node {} reported nothing from {} to {}; held as just before or after, that is {gpu_ms} GPU-ms",
            gap.name, gap.from, gap.to
        ),
        to_do: format!(
            "let the agent of {} send what is in its spool, or accept the gap from {} to {} to bill without it",
            gap.name, gap.from, gap.to
        ),
        gpu_ms: Some(gpu_ms),
    }
}

fn of_suspense(part: &Suspense) -> Hold {
    let key = &part.tenant_key;
    let gpu_ms = (part.unit == Unit::GpuMs).then_some(part.quantity);
    Hold {
        kind: HoldKind::Suspense,
        detail: format!(
            "{} {} used under the tenant key {key} belong to nobody; this account had a rule for that key",
            part.quantity, part.unit
        ),
        to_do: format!("add a rule for {key} that reaches back to the usage, then re-attribute it"),
        gpu_ms,
    }
}

fn of_quarantine(part: &Quarantined) -> Hold {
    let Quarantined { reason, entries, gpu_ms, from, to, .. } = part;
    Hold {
        kind: HoldKind::Quarantine,
        detail: format!("{entries} messages of {from} to {to} wait in quarantine for {reason}: {gpu_ms} GPU-ms"),
        to_do: format!("count, map or reject the quarantine entries with the reason {reason}"),
        gpu_ms: Some(*gpu_ms),
    }
}

fn shortened(mut holds: Vec<Hold>) -> Vec<Hold> {
    if holds.len() <= HOLDS_LISTED_MAX {
        return holds;
    }
    let rest = holds.split_off(HOLDS_LISTED_MAX - 1);
    let gpu_ms = rest.iter().filter_map(|h| h.gpu_ms).fold(0_i64, i64::saturating_add);
    let kind = rest.first().map_or(HoldKind::Gap, |h| h.kind);
    holds.push(Hold {
        kind,
        detail: format!("and {} more reasons, {gpu_ms} GPU-ms in all", rest.len()),
        to_do: "settle those above; what is left is listed when the invoice is made again".to_owned(),
        gpu_ms: Some(gpu_ms),
    });
    holds
}
