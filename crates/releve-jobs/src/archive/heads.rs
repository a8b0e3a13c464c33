//! On which archived reports does a period's usage rest? Asked when a period is billed after days of it have left
//! the database.

use std::collections::{BTreeMap, BTreeSet};

use releve_outbound::Storage;
use releve_store::{Db, archives, billing_usage};
use releve_types::{AccountId, Period};

use super::read_archive;
use crate::JobError;

/// What the archive says of a period.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Archived {
    /// The days that have left the database.
    pub days: BTreeSet<i64>,
    /// The heads of the counted reports in them, by account.
    pub heads: BTreeMap<AccountId, Vec<[u8; 32]>>,
}

/// Reads the counted reports of the period's days that have left the database. Quick if none has.
pub async fn heads_by_account(
    db: &Db,
    storage: Option<&Storage>,
    period: Period,
    accounts: &[AccountId],
) -> Result<Archived, JobError> {
    let mut tx = db.begin_app().await?;
    let last = period.end().plus_millis(-1).day();
    let archives = archives::of_days(&mut tx, period.start().day(), last).await?;
    let days: BTreeSet<i64> = archives.iter().filter(|archive| archive.detached).map(|archive| archive.day).collect();
    let mut heads: BTreeMap<AccountId, Vec<[u8; 32]>> = BTreeMap::new();
    if days.is_empty() {
        return Ok(Archived::default());
    }
    let tenants = billing_usage::tenants_of(&mut tx, accounts).await?;
    tx.commit().await?;
    for archive in archives.iter().filter(|archive| archive.detached) {
        let missing = || JobError::Archive {
            location: archive.location.clone(),
            detail: "its day has left the database, and no object storage is configured to read it from".to_owned(),
        };
        let mut reader = read_archive(storage.ok_or_else(missing)?, archive).await?;
        while let Some(block) = reader.next_block().await? {
            let counted =
                |r: &releve_store::archives::StoredReport| r.status == "counted" && period.contains(r.key.window_start);
            for report in block.into_iter().filter(counted) {
                let of: BTreeSet<AccountId> = report.tenants.iter().filter_map(|t| tenants.get(t).copied()).collect();
                for account in of {
                    heads.entry(account).or_default().push(report.head_sha256);
                }
            }
        }
    }
    Ok(Archived { days, heads })
}
