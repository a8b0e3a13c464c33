//! Where does a report wait until somebody has it? On disk, in segment files, oldest first, until it is confirmed.
//!
//! Appending returns after the fsync, and only then may the report be sent. A segment is removed once all its
//! records are delivered, but never the last: it knows where the chain stands.

mod disk;
mod open;
mod record;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use releve_types::Timestamp;
use releve_wire::Digest;
use uuid::Uuid;

pub(crate) use disk::replace;
pub use record::{Chain, Record};

use crate::failpoint;

/// A segment that has grown beyond this is followed by another.
pub const SEGMENT_BYTES: u64 = 1024 * 1024;

/// What opening found that somebody should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The program was killed while it wrote: the record was never sent, and is gone.
    Torn { segment: PathBuf, bytes: u64 },
    /// The disk returned what was never written: reports are lost, a copy of the file is kept.
    Damaged { kept: PathBuf, bytes: u64 },
    /// Where the chain stood is not known any more, so that another one begins.
    NewRun { run: Uuid },
}

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the spool is full: {bytes} of {bytes_max} bytes, refused reports included")]
    Full { bytes: u64, bytes_max: u64 },
    #[error("report {seq} has {bytes} bytes, more than a record may have")]
    TooLong { seq: u64, bytes: usize },
    #[error("report {seq} does not follow: expected {expected}")]
    OutOfOrder { seq: u64, expected: u64 },
    #[error("an earlier write to the spool failed half-way: start the agent again")]
    Poisoned,
}

/// Where a record lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    segment: u64,
    offset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    place: Place,
    bytes: usize,
    seq: u64,
    /// Not to be sent before this moment of the monotonic clock.
    due_ms: u64,
}

/// The reports that are not confirmed yet.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    bytes_max: u64,
    chain: Chain,
    /// Numbers and lengths of the segment files, oldest first; the last is written to.
    segments: VecDeque<(u64, u64)>,
    tail: File,
    waiting: VecDeque<Waiting>,
    refused_bytes: u64,
    poisoned: bool,
}

impl Spool {
    /// Opens what is there, or begins a new run under the id given. What is there is due at `due_ms`.
    pub fn open(dir: &Path, bytes_max: u64, fresh_run: Uuid, due_ms: u64) -> Result<(Self, Vec<Finding>), SpoolError> {
        open::open(dir, bytes_max, fresh_run, due_ms)
    }

    pub const fn chain(&self) -> Chain {
        self.chain
    }

    /// How many reports wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What the spool takes on disk, refused reports included.
    pub fn bytes(&self) -> u64 {
        self.refused_bytes + self.segments.iter().map(|(_, bytes)| bytes).sum::<u64>()
    }

    /// Is there room for this many bytes more? Where there is not, looks for what can go: refused reports that a
    /// person has cleared away, and a last segment of which all is delivered.
    pub fn has_room(&mut self, bytes: u64) -> bool {
        let fits = |spool: &Self| spool.bytes() + bytes <= spool.bytes_max;
        if !fits(self) {
            self.refused_bytes = disk::bytes_in(&self.refused_dir());
            let used = self.segments.back().is_some_and(|(_, len)| *len > record::EMPTY_SEGMENT_BYTES);
            if self.waiting.is_empty() && used && !self.poisoned {
                // Failing here only means that there is no room.
                let _: Result<(), SpoolError> = self.begin_segment();
            }
        }
        fits(self)
    }

    /// Writes a report and waits for the disk. It is to be sent at `due_ms` of the monotonic clock.
    pub fn append(&mut self, record: &Record, due_ms: u64) -> Result<(), SpoolError> {
        if self.poisoned {
            return Err(SpoolError::Poisoned);
        }
        let (seq, expected) = (record.seq, self.chain.next_seq);
        if seq != expected {
            return Err(SpoolError::OutOfOrder { seq, expected });
        }
        let bytes = record.body.len();
        let encoded = record::encode(record).ok_or(SpoolError::TooLong { seq, bytes })?;
        let added = u64::try_from(encoded.len()).unwrap_or(u64::MAX);
        if !self.has_room(added) {
            return Err(SpoolError::Full { bytes: self.bytes(), bytes_max: self.bytes_max });
        }
        if self.segments.back().is_some_and(|(_, len)| *len >= SEGMENT_BYTES) {
            self.begin_segment()?;
        }
        let place = self.write(&encoded)?;
        self.waiting.push_back(Waiting { place, bytes: encoded.len(), seq, due_ms });
        self.chain = self.chain.after(seq, record.head_sha256, record.covered_until);
        Ok(())
    }

    fn write(&mut self, encoded: &[u8]) -> Result<Place, SpoolError> {
        let Some((segment, len)) = self.segments.back_mut() else { return Err(SpoolError::Poisoned) };
        let (place, path) = (Place { segment: *segment, offset: *len }, disk::segment_path(&self.dir, *segment));
        if let Err(source) = self.tail.write_all(encoded) {
            // A full disk is no reason to die: what was written of the record is taken back.
            self.poisoned = self.tail.set_len(place.offset).is_err();
            return Err(SpoolError::Io { doing: "write to", path, source });
        }
        failpoint::hit("agent.spool.before_fsync");
        if let Err(source) = self.tail.sync_data() {
            // After a failed fsync nobody knows what is on the disk: only a new start reads it again.
            self.poisoned = true;
            return Err(SpoolError::Io { doing: "fsync", path, source });
        }
        failpoint::hit("agent.spool.after_fsync");
        *len += u64::try_from(encoded.len()).unwrap_or(u64::MAX);
        Ok(place)
    }

    fn begin_segment(&mut self) -> Result<(), SpoolError> {
        let number = self.segments.back().map_or(1, |(number, _)| number + 1);
        let (tail, len) = disk::create_segment(&self.dir, number, &self.chain)?;
        self.tail = tail;
        self.segments.push_back((number, len));
        self.drop_delivered()
    }

    /// The oldest reports that wait and are due, at most so many.
    pub fn oldest(&self, len_max: usize, now_ms: u64) -> Result<Vec<Record>, SpoolError> {
        let mut found = Vec::new();
        for waiting in self.waiting.iter().take(len_max).take_while(|w| w.due_ms <= now_ms) {
            let path = disk::segment_path(&self.dir, waiting.place.segment);
            let bytes = disk::read_at(&path, waiting.place.offset, waiting.bytes)?;
            match record::decode(&bytes) {
                record::Found::Record { record, .. } => found.push(record),
                _ => {
                    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "a record has changed on disk");
                    return Err(SpoolError::Io { doing: "read", path, source });
                }
            }
        }
        Ok(found)
    }

    /// The oldest `count` reports are confirmed: they are not sent again, and their segments go once empty.
    pub fn delivered(&mut self, count: usize) -> Result<(), SpoolError> {
        self.waiting.drain(..count.min(self.waiting.len()));
        disk::write_cursor(&self.dir, self.cursor(), false)?;
        self.drop_delivered()
    }

    /// The oldest report was refused for good: it is kept beside the answer for a person, and not sent again.
    pub fn refused(&mut self, record: &Record, answer: &str) -> Result<(), SpoolError> {
        self.refused_bytes += disk::write_refused(&self.refused_dir(), record, answer)?;
        self.delivered(1)
    }

    /// Everything before this place was delivered.
    fn cursor(&self) -> Place {
        let end = self
            .segments
            .back()
            .map_or(Place { segment: 0, offset: 0 }, |(n, len)| Place { segment: *n, offset: *len });
        self.waiting.front().map_or(end, |w| w.place)
    }

    fn drop_delivered(&mut self) -> Result<(), SpoolError> {
        let first = self.cursor().segment;
        while self.segments.len() > 1
            && let Some((number, _)) = self.segments.front().copied().filter(|(number, _)| *number < first)
        {
            disk::remove(&disk::segment_path(&self.dir, number))?;
            self.segments.pop_front();
        }
        Ok(())
    }

    fn refused_dir(&self) -> PathBuf {
        self.dir.join("refused")
    }

    /// The number of the oldest report that waits.
    pub fn oldest_seq(&self) -> Option<u64> {
        self.waiting.front().map(|w| w.seq)
    }

    /// When the oldest report that waits is due.
    pub fn oldest_due_ms(&self) -> Option<u64> {
        self.waiting.front().map(|w| w.due_ms)
    }

    /// Did a write fail in a way that only a new start can clear up?
    pub const fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

impl Chain {
    /// A chain without any report.
    pub const fn fresh(run: Uuid) -> Self {
        Self { run, next_seq: 1, prev: None, covered_until: Timestamp::from_millis(0) }
    }

    fn after(self, seq: u64, head: Digest, covered_until: Timestamp) -> Self {
        let covered_until = self.covered_until.max(covered_until);
        Self { run: self.run, next_seq: seq + 1, prev: Some(head), covered_until }
    }
}
