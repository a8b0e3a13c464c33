//! What is left after a crash? Every record before the tear, and where the chain stood.

use std::{collections::VecDeque, path::Path};

use uuid::Uuid;

use super::{
    Chain, Finding, Place, Spool, SpoolError, Waiting, disk,
    record::{Found, SEGMENT_HEADER_BYTES, decode, decode_header, is_record},
};

/// One segment file, read to its end.
struct Scanned {
    chain: Option<Chain>,
    waiting: Vec<Waiting>,
    /// How far it can be read.
    len: u64,
    end: End,
}

enum End {
    Whole,
    Torn(u64),
    Damaged(u64),
}

pub fn open(dir: &Path, bytes_max: u64, fresh_run: Uuid, due_ms: u64) -> Result<(Spool, Vec<Finding>), SpoolError> {
    disk::make_dir(dir)?;
    let (mut segments, mut waiting, mut findings) = (VecDeque::new(), VecDeque::new(), Vec::new());
    let numbers = disk::segment_numbers(dir)?;
    let mut chain = None;
    for number in &numbers {
        let path = disk::segment_path(dir, *number);
        let scanned = scan(*number, &disk::read(&path)?, due_ms);
        chain = scanned.chain;
        match scanned.end {
            End::Whole => {}
            // Only the last file was written to; the end of another can't have been torn by a crash.
            End::Torn(bytes) if Some(number) == numbers.last() && chain.is_some() => {
                disk::cut(&path, scanned.len)?;
                findings.push(Finding::Torn { segment: path, bytes });
            }
            End::Torn(bytes) | End::Damaged(bytes) => {
                let kept = disk::keep_damaged(dir, &path)?;
                findings.push(Finding::Damaged { kept, bytes });
                chain = None;
            }
        }
        segments.push_back((*number, scanned.len));
        waiting.extend(scanned.waiting);
    }
    let cursor = disk::read_cursor(dir).unwrap_or(Place { segment: 0, offset: 0 });
    waiting.retain(|w| w.place >= cursor);
    let tail = match (chain, segments.back()) {
        (Some(_), Some((number, len))) => {
            let end = Place { segment: *number, offset: *len };
            // A cursor beyond the end would hide what is written next.
            if cursor > end {
                disk::write_cursor(dir, end, true)?;
            }
            disk::open_tail(&disk::segment_path(dir, *number))?
        }
        _ => {
            let fresh = Chain::fresh(fresh_run);
            let last = segments.back().map_or(0, |(number, _)| *number).max(cursor.segment);
            let (tail, len) = disk::create_segment(dir, last + 1, &fresh)?;
            segments.push_back((last + 1, len));
            if !findings.is_empty() {
                findings.push(Finding::NewRun { run: fresh_run });
            }
            chain = Some(fresh);
            tail
        }
    };
    let refused_bytes = disk::bytes_in(&dir.join("refused"));
    let chain = chain.unwrap_or(Chain::fresh(fresh_run));
    let dir = dir.to_owned();
    let mut spool = Spool { dir, bytes_max, chain, segments, tail, waiting, refused_bytes, poisoned: false };
    spool.drop_delivered()?;
    Ok((spool, findings))
}

fn scan(segment: u64, bytes: &[u8], due_ms: u64) -> Scanned {
    let length = |usize_bytes: usize| u64::try_from(usize_bytes).unwrap_or(u64::MAX);
    let mut scanned = Scanned { chain: decode_header(bytes), waiting: Vec::new(), len: 0, end: End::Whole };
    let Some(mut chain) = scanned.chain else {
        return Scanned { end: End::Damaged(length(bytes.len())), ..scanned };
    };
    let mut at = SEGMENT_HEADER_BYTES;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        scanned.len = length(at);
        scanned.end = match decode(rest) {
            Found::Record { record, bytes } if record.seq == chain.next_seq => {
                let place = Place { segment, offset: length(at) };
                scanned.waiting.push(Waiting { place, bytes, seq: record.seq, due_ms });
                chain = chain.after(record.seq, record.head_sha256, record.covered_until);
                at += bytes;
                continue;
            }
            Found::End => End::Whole,
            // Nothing is written behind a tear: a whole record further on means that a length was damaged.
            Found::Torn if (1..rest.len()).any(|at| is_record(&rest[at..])) => End::Damaged(length(rest.len())),
            Found::Torn => End::Torn(length(rest.len())),
            Found::Record { .. } | Found::Damaged => End::Damaged(length(rest.len())),
        };
        scanned.chain = Some(chain);
        return scanned;
    }
}
