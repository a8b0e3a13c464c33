//! What was added up before? Sums of a tenant's usage over days and hours, each under the version of its hours: as long as nothing was
//! counted there, they stand, and only the hours that changed are read again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use releve_jobs::rolling::pieces_of;
use releve_store::{
    StoreError, TenantTx,
    usage_views::{self, After, Breakdown, Buckets, UsageSum},
};
use releve_types::{Hour, Period, TenantId};

use crate::{AppState, auth::TenantScope, error::Problem};

/// Sums that one program keeps, all pieces together; beyond them, those that were used longest ago go. Some 40 MiB.
pub const SUMS_LEN_MAX: usize = 100_000;
/// Sums of a piece that are kept; what has more parts is added up page by page.
pub const PIECE_LEN_MAX: usize = 20_000;
/// Sums that one statement reads, of pieces that are missing side by side: half of what is kept.
pub const READ_LEN_MAX: i64 = 50_000;

/// Added up pieces.
#[derive(Debug, Default)]
pub(crate) struct Pieces(Mutex<Shelf>);

type Key = (TenantId, Breakdown, Hour, Hour);

#[derive(Debug, Default)]
struct Shelf {
    pieces: HashMap<Key, Piece>,
    /// Of all pieces.
    len: usize,
    /// How often anything was looked for.
    looks: u64,
}

#[derive(Debug)]
struct Piece {
    version: i64,
    rows: Arc<[Row]>,
    looked_for: u64,
}

impl Piece {
    /// An empty one takes a place too.
    fn len(&self) -> usize {
        self.rows.len() + 1
    }
}

/// A sum, and its SKU as text: rows are in the order of part and SKU.
#[derive(Debug)]
struct Row {
    sku: String,
    sum: UsageSum,
}

impl Row {
    fn key(&self) -> (&str, &str) {
        (&self.sum.part, &self.sku)
    }
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
        let mut reading = None;
        let newest = versions.last_key_value().map_or(buckets.end, |(hour, _)| *hour);
        let ends = buckets.starts.iter().skip(1).chain([&buckets.end]);
        let mut rows: Vec<UsageSum> = Vec::new();
        for (start, end) in buckets.starts.iter().zip(ends) {
            if after.is_some_and(|after| *start < after.bucket) {
                continue;
            }
            let bucket = Period::of_hours(*start, *end).map_err(|error| Problem::internal(&error))?;
            let Some(pieces) = self.of_bucket(app, scope, wanted, &pieces_of(bucket, newest), &mut reading).await?
            else {
                return Ok(None);
            };
            let after = after.filter(|after| after.bucket == *start).map(|after| (&*after.part, &*after.sku));
            let of_bucket = joined(&pieces)?;
            let is_next = of_bucket.iter().filter(|(row, _)| after.is_none_or(|after| after < row.key()));
            rows.extend(is_next.take(len_max - rows.len()).map(|(row, sums)| UsageSum {
                bucket: *start,
                quantity: sums.0,
                energy_mj: sums.1,
                ..row.sum.clone()
            }));
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
        reading: &mut Option<TenantTx>,
    ) -> Result<Option<Vec<Arc<[Row]>>>, Problem> {
        let key = |piece: &Period| (scope.id(), (*breakdown).clone(), piece.first_hour(), piece.end_hour());
        let version = |piece: &Period| versions.range(piece.first_hour()..piece.end_hour()).map(|(_, v)| v).sum();
        let kept: Vec<_> = pieces.iter().map(|piece| self.look_for(&key(piece), version(piece))).collect();
        let missing: Vec<Period> = pieces.iter().zip(&kept).filter(|(_, k)| k.is_none()).map(|(p, _)| *p).collect();
        let mut found: Vec<Arc<[Row]>> = kept.into_iter().flatten().collect();
        if missing.is_empty() {
            return Ok(Some(found));
        }
        let tx = match reading {
            Some(tx) => tx,
            None => reading.insert(scope.begin(app).await?),
        };
        for run in missing.chunk_by(|a, b| a.end_hour() == b.first_hour()) {
            let Some(last) = run.last() else { continue };
            let starts = run.iter().map(|piece| piece.first_hour()).collect();
            let read = Buckets { starts, end: last.end_hour() };
            let sums = usage_views::usage(tx, scope.id(), &read, breakdown, None, READ_LEN_MAX).await?;
            if i64::try_from(sums.len()).is_ok_and(|len| len >= READ_LEN_MAX) {
                return Ok(None);
            }
            let mut by_piece: BTreeMap<Hour, Vec<Row>> = BTreeMap::new();
            for sum in sums {
                by_piece.entry(sum.bucket).or_default().push(Row { sku: sum.sku.to_string(), sum });
            }
            if by_piece.values().any(|rows| rows.len() > PIECE_LEN_MAX) {
                return Ok(None);
            }
            for piece in run {
                let mut rows = by_piece.remove(&piece.first_hour()).unwrap_or_default();
                // The database has an order of its own for names.
                rows.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
                let rows: Arc<[Row]> = rows.into();
                self.keep(key(piece), version(piece), rows.clone());
                found.push(rows);
            }
        }
        Ok(Some(found))
    }

    fn look_for(&self, key: &Key, version: i64) -> Option<Arc<[Row]>> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.looks += 1;
        let looks = shelf.looks;
        let piece = shelf.pieces.get_mut(key).filter(|piece| piece.version == version)?;
        piece.looked_for = looks;
        Some(piece.rows.clone())
    }

    fn keep(&self, key: Key, version: i64, rows: Arc<[Row]>) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let piece = Piece { version, rows, looked_for: shelf.looks };
        shelf.len += piece.len();
        let replaced = shelf.pieces.insert(key, piece);
        shelf.len -= replaced.map_or(0, |piece| piece.len());
        if shelf.len > SUMS_LEN_MAX {
            let mut oldest: Vec<(u64, Key)> = shelf.pieces.iter().map(|(key, p)| (p.looked_for, key.clone())).collect();
            oldest.sort_unstable_by_key(|(looked_for, _)| *looked_for);
            for (_, key) in oldest {
                if shelf.len <= SUMS_LEN_MAX / 2 {
                    break;
                }
                shelf.len -= shelf.pieces.remove(&key).map_or(0, |piece| piece.len());
            }
        }
    }
}

/// A row, with the quantity and the energy of all pieces.
type Joined<'a> = (&'a Row, (i64, i64));

/// The rows of pieces as one.
fn joined(pieces: &[Arc<[Row]>]) -> Result<Vec<Joined<'_>>, StoreError> {
    let of = |row: &Row| (row.sum.quantity, row.sum.energy_mj);
    if let [piece] = pieces {
        return Ok(piece.iter().map(|row| (row, of(row))).collect());
    }
    let mut joined: BTreeMap<_, Joined<'_>> = BTreeMap::new();
    for row in pieces.iter().flat_map(|piece| piece.iter()) {
        let (_, sums) = joined.entry(row.key()).or_insert((row, (0, 0)));
        let added = sums.0.checked_add(of(row).0).zip(sums.1.checked_add(of(row).1));
        *sums = added.ok_or_else(|| too_large(&row.sum))?;
    }
    Ok(joined.into_values().collect())
}

fn too_large(sum: &UsageSum) -> StoreError {
    StoreError::inconsistent("usage_hours", "ms", format!("the sum of {} passes 64 bits", sum.sku))
}
