//! What was added up before? Sums of a tenant's usage over days and hours, each under the version of its hours: as long as nothing was
//! counted there, they stand, and only the hours that changed are read again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use releve_jobs::rolling::pieces_of;
use releve_store::{
    StoreError,
    usage_views::{self, After, Breakdown, Buckets, UsageSum},
};
use releve_types::{Hour, Period, TenantId};

use crate::{AppState, auth::TenantScope, error::Problem};

/// Sums that one program keeps, all pieces together; beyond them, those that were used longest ago go. Some 40 MiB.
pub const SUMS_LEN_MAX: usize = 100_000;
/// Sums of a piece that are kept; what has more parts is added up page by page.
pub const PIECE_LEN_MAX: i64 = 20_000;

/// Added up pieces.
#[derive(Debug, Default)]
pub(crate) struct Pieces(Mutex<Shelf>);

type Key = (TenantId, Breakdown, Hour, Hour);

#[derive(Debug, Default)]
struct Shelf {
    pieces: HashMap<Key, Piece>,
    /// How often anything was looked for.
    looks: u64,
}

#[derive(Clone, Debug)]
struct Piece {
    version: i64,
    sums: Arc<[UsageSum]>,
    looked_for: u64,
}

/// What is asked for.
pub(crate) struct Wanted<'a> {
    pub buckets: &'a Buckets,
    pub breakdown: &'a Breakdown,
    pub after: Option<&'a After>,
    pub len_max: usize,
    /// Of the hours, read before anything else is: what changes in between is read again next time, and never missed.
    pub versions: BTreeMap<Hour, i64>,
}

impl Pieces {
    /// Sums in the order of bucket, part and SKU, after a row. None: that is more than is kept, or not only usage decides it.
    pub async fn sums(
        &self,
        app: &AppState,
        scope: &TenantScope,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Vec<UsageSum>>, Problem> {
        let Wanted { buckets, breakdown, after, len_max, ref versions } = *wanted;
        // Labels are written anew, and erased.
        if matches!(breakdown, Breakdown::Label(_)) {
            return Ok(None);
        }
        let newest = versions.last_key_value().map_or(buckets.end, |(hour, _)| *hour);
        let ends = buckets.starts.iter().skip(1).chain([&buckets.end]);
        let mut rows: Vec<UsageSum> = Vec::new();
        for (start, end) in buckets.starts.iter().zip(ends) {
            if after.is_some_and(|after| *start < after.bucket) {
                continue;
            }
            let bucket = Period::of_hours(*start, *end).map_err(|error| Problem::internal(&error))?;
            let Some(pieces) = self.of_bucket(app, scope, wanted, &pieces_of(bucket, newest)).await? else {
                return Ok(None);
            };
            let is_next = |key: &(String, String)| {
                after.is_none_or(|after| after.bucket < *start || (&after.part, &after.sku) < (&key.0, &key.1))
            };
            let joined = joined(*start, &pieces)?.into_iter().filter(|(key, _)| is_next(key));
            rows.extend(joined.map(|(_, sum)| sum).take(len_max - rows.len()));
            if rows.len() >= len_max {
                break;
            }
        }
        Ok(Some(rows))
    }

    /// The sums of a bucket's pieces, kept or read. None: there are too many.
    async fn of_bucket(
        &self,
        app: &AppState,
        scope: &TenantScope,
        Wanted { breakdown, versions, .. }: &Wanted<'_>,
        pieces: &[Period],
    ) -> Result<Option<Vec<Arc<[UsageSum]>>>, Problem> {
        let key = |piece: &Period| (scope.id(), (*breakdown).clone(), piece.first_hour(), piece.end_hour());
        let version = |piece: &Period| versions.range(piece.first_hour()..piece.end_hour()).map(|(_, v)| v).sum();
        let kept: Vec<_> = pieces.iter().map(|piece| self.look_for(&key(piece), version(piece))).collect();
        let missing: Vec<Period> = pieces.iter().zip(&kept).filter(|(_, k)| k.is_none()).map(|(p, _)| *p).collect();
        let mut sums: Vec<Arc<[UsageSum]>> = kept.into_iter().flatten().collect();
        if missing.is_empty() {
            return Ok(Some(sums));
        }
        let mut tx = scope.begin(app).await?;
        for run in missing.chunk_by(|a, b| a.end_hour() == b.first_hour()) {
            let Some(last) = run.last() else { continue };
            let starts = run.iter().map(|piece| piece.first_hour()).collect();
            let read = Buckets { starts, end: last.end_hour() };
            let len_max = PIECE_LEN_MAX * i64::try_from(run.len()).unwrap_or(1);
            let rows = usage_views::usage(&mut tx, scope.id(), &read, breakdown, None, len_max).await?;
            if i64::try_from(rows.len()).is_ok_and(|len| len >= len_max) {
                return Ok(None);
            }
            for piece in run {
                let of_piece = rows.iter().filter(|row| row.bucket == piece.first_hour());
                let of_piece: Arc<[UsageSum]> = of_piece.cloned().collect();
                self.keep(key(piece), version(piece), of_piece.clone());
                sums.push(of_piece);
            }
        }
        tx.commit().await?;
        Ok(Some(sums))
    }

    fn look_for(&self, key: &Key, version: i64) -> Option<Arc<[UsageSum]>> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.looks += 1;
        let looks = shelf.looks;
        let piece = shelf.pieces.get_mut(key).filter(|piece| piece.version == version)?;
        piece.looked_for = looks;
        Some(piece.sums.clone())
    }

    fn keep(&self, key: Key, version: i64, sums: Arc<[UsageSum]>) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let looked_for = shelf.looks;
        shelf.pieces.insert(key, Piece { version, sums, looked_for });
        // An empty piece takes a place too.
        let len = |piece: &Piece| piece.sums.len() + 1;
        let mut in_all: usize = shelf.pieces.values().map(len).sum();
        if in_all > SUMS_LEN_MAX {
            let mut oldest: Vec<(u64, Key)> = shelf.pieces.iter().map(|(key, p)| (p.looked_for, key.clone())).collect();
            oldest.sort_unstable_by_key(|(looked_for, _)| *looked_for);
            for (_, key) in oldest {
                if in_all <= SUMS_LEN_MAX / 2 {
                    break;
                }
                in_all -= shelf.pieces.remove(&key).as_ref().map_or(0, len);
            }
        }
    }
}

/// One bucket's sums, by part and SKU.
fn joined(bucket: Hour, pieces: &[Arc<[UsageSum]>]) -> Result<BTreeMap<(String, String), UsageSum>, Problem> {
    let mut parts: BTreeMap<(String, String), UsageSum> = BTreeMap::new();
    for sum in pieces.iter().flat_map(|piece| piece.iter()) {
        let nothing = || UsageSum { bucket, quantity: 0, energy_mj: 0, ..sum.clone() };
        let part = parts.entry((sum.part.clone(), sum.sku.to_string())).or_insert_with(nothing);
        let (quantity, energy_mj) =
            (part.quantity.checked_add(sum.quantity), part.energy_mj.checked_add(sum.energy_mj));
        (part.quantity, part.energy_mj) = quantity.zip(energy_mj).ok_or_else(|| too_large(sum))?;
    }
    Ok(parts)
}

fn too_large(sum: &UsageSum) -> StoreError {
    StoreError::inconsistent("usage_hours", "ms", format!("the sum of {} passes 64 bits", sum.sku))
}
