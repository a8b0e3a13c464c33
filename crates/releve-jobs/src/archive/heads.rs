//! On which archived reports does a period's usage rest? Asked when a period is billed after days of it have left
//! the database.

use std::collections::{BTreeMap, BTreeSet};

use releve_outbound::Storage;
use releve_store::{Db, archives, billing_usage};
use releve_types::{AccountId, Period};

use super::read_archive;
use crate::JobError;

/// The heads of the counted reports of each account, in days that have left the database. Empty, and quick, if
/// none has.
pub async fn heads_by_account(
    db: &Db,
    storage: Option<&Storage>,
    period: Period,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Vec<[u8; 32]>>, JobError> {
    let mut tx = db.begin_app().await?;
    let last = period.end().plus_millis(-1).day();
    let archives = archives::of_days(&mut tx, period.start().day(), last).await?;
    let mut heads: BTreeMap<AccountId, Vec<[u8; 32]>> = BTreeMap::new();
    if archives.iter().all(|archive| !archive.detached) {
        return Ok(heads);
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
    Ok(heads)
}
