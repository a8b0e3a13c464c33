//! How does a report lie on disk? A segment file is a header and records, each with its length and a CRC.

use releve_types::Timestamp;
use releve_wire::Digest;
use uuid::Uuid;

/// A record's length and CRC.
pub const RECORD_HEADER_BYTES: usize = 8;
pub const SEGMENT_HEADER_BYTES: usize = 77;
pub const EMPTY_SEGMENT_BYTES: u64 = 77;
/// A longer record can't have been written by this program.
pub const RECORD_BYTES_MAX: usize = 2 * 1024 * 1024;
const MAGIC: &[u8; 8] = b"RELVSPL1";
const FIXED_BYTES: usize = 8 + 32 + 8 + 2;

/// Where a run's chain of reports stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain {
    /// New whenever the spool is new.
    pub run: Uuid,
    /// The number of the next report.
    pub next_seq: u64,
    /// The digest of the last report's head; none before the first.
    pub prev: Option<Digest>,
    /// The end of the latest stretch that a report of this spool covers.
    pub covered_until: Timestamp,
}

/// A sealed report, as it is kept until its delivery is confirmed. Its bytes never change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub seq: u64,
    pub head_sha256: Digest,
    pub covered_until: Timestamp,
    pub id: String,
    pub body: Vec<u8>,
}

/// A segment begins with where the chain stood, so that it is known once all records are delivered and gone.
pub fn encode_header(chain: &Chain) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(chain.run.as_bytes());
    out.extend_from_slice(&chain.next_seq.to_le_bytes());
    out.push(u8::from(chain.prev.is_some()));
    out.extend_from_slice(&chain.prev.map_or([0; 32], |d| d.0));
    out.extend_from_slice(&chain.covered_until.as_millis().to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
    out
}

pub fn decode_header(bytes: &[u8]) -> Option<Chain> {
    let (content, crc) = bytes.get(..SEGMENT_HEADER_BYTES)?.split_at_checked(SEGMENT_HEADER_BYTES - 4)?;
    let mut content = Reader(content);
    let whole = crc32fast::hash(content.0).to_le_bytes() == crc && content.take::<8>()? == *MAGIC;
    let run = Uuid::from_bytes(content.take()?);
    let next_seq = u64::from_le_bytes(content.take()?);
    let [has_prev] = content.take()?;
    let prev = Digest(content.take()?);
    let covered_until = Timestamp::from_millis(i64::from_le_bytes(content.take()?));
    whole.then_some(Chain { run, next_seq, prev: (has_prev == 1).then_some(prev), covered_until })
}

/// The record's bytes; none where it is longer than a record may be.
pub fn encode(record: &Record) -> Option<Vec<u8>> {
    let id_len = u16::try_from(record.id.len()).ok()?;
    let len = FIXED_BYTES + record.id.len() + record.body.len();
    let len_field = u32::try_from(len).ok().filter(|_| len <= RECORD_BYTES_MAX)?.to_le_bytes();
    let mut payload = Vec::with_capacity(len);
    payload.extend_from_slice(&record.seq.to_le_bytes());
    payload.extend_from_slice(&record.head_sha256.0);
    payload.extend_from_slice(&record.covered_until.as_millis().to_le_bytes());
    payload.extend_from_slice(&id_len.to_le_bytes());
    payload.extend_from_slice(record.id.as_bytes());
    payload.extend_from_slice(&record.body);
    Some([&len_field, &checksum(len_field, &payload)[..], &payload].concat())
}

/// What lies at a place in a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    Record {
        record: Record,
        bytes: usize,
    },
    /// The end of the segment.
    End,
    /// A record whose writing was cut off: it was never confirmed to anybody, and is dropped.
    Torn,
    /// Bytes that no crash explains.
    Damaged,
}

/// Reads the record at the beginning of what is left of a segment.
pub fn decode(rest: &[u8]) -> Found {
    if rest.is_empty() {
        return Found::End;
    }
    let torn_or = |torn: bool| if torn || rest.iter().all(|b| *b == 0) { Found::Torn } else { Found::Damaged };
    let mut reader = Reader(rest);
    let (Some(len_field), Some(crc)) = (reader.take::<4>(), reader.take::<4>()) else { return Found::Torn };
    let len = usize::try_from(u32::from_le_bytes(len_field)).unwrap_or(usize::MAX);
    if !(FIXED_BYTES..=RECORD_BYTES_MAX).contains(&len) {
        return torn_or(false);
    }
    let Some(payload) = reader.0.get(..len) else { return Found::Torn };
    let reaches_the_end = reader.0.len() == len;
    if checksum(len_field, payload) != crc {
        return torn_or(reaches_the_end);
    }
    match decode_payload(payload) {
        Some(record) => Found::Record { record, bytes: RECORD_HEADER_BYTES + len },
        None => Found::Damaged,
    }
}

/// Does a whole record begin here?
pub fn is_record(rest: &[u8]) -> bool {
    let mut reader = Reader(rest);
    let (Some(len_field), Some(crc)) = (reader.take::<4>(), reader.take::<4>()) else { return false };
    let len = usize::try_from(u32::from_le_bytes(len_field)).unwrap_or(usize::MAX);
    let payload = reader.0.get(..len).filter(|_| (FIXED_BYTES..=RECORD_BYTES_MAX).contains(&len));
    payload.is_some_and(|payload| checksum(len_field, payload) == crc)
}

fn decode_payload(payload: &[u8]) -> Option<Record> {
    let mut reader = Reader(payload);
    let seq = u64::from_le_bytes(reader.take()?);
    let head_sha256 = Digest(reader.take()?);
    let covered_until = Timestamp::from_millis(i64::from_le_bytes(reader.take()?));
    let id_len = usize::from(u16::from_le_bytes(reader.take()?));
    let (id, body) = reader.0.split_at_checked(id_len)?;
    let id = String::from_utf8(id.to_vec()).ok()?;
    Some(Record { seq, head_sha256, covered_until, id, body: body.to_vec() })
}

/// The length is covered too: a wrong one would make the rest of the segment look torn.
fn checksum(len_field: [u8; 4], payload: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len_field);
    hasher.update(payload);
    hasher.finalize().to_le_bytes()
}

/// Takes fixed-size fields off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}
