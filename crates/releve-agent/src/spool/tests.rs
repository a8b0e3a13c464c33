//! Crashes at every byte, damage, limits.

use std::{fs, path::Path};

use proptest::prelude::*;
use releve_types::Timestamp;
use releve_wire::{Digest, sha256};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

const BYTES_MAX: u64 = 64 * 1024 * 1024;
const RUN: Uuid = Uuid::from_u128(1);
const OTHER_RUN: Uuid = Uuid::from_u128(2);

fn record(seq: u64, body: &[u8]) -> Record {
    let covered_until = Timestamp::from_millis(i64::try_from(seq).unwrap() * 60_000);
    Record { seq, head_sha256: sha256(body), covered_until, id: format!("id-{seq}"), body: body.to_vec() }
}

fn opened(dir: &Path) -> (Spool, Vec<Finding>) {
    Spool::open(dir, BYTES_MAX, OTHER_RUN, 0).unwrap()
}

fn filled(dir: &Path, bodies: &[Vec<u8>]) -> Spool {
    let (mut spool, findings) = Spool::open(dir, BYTES_MAX, RUN, 0).unwrap();
    assert_eq!(findings, []);
    for (seq, body) in (1..).zip(bodies) {
        spool.append(&record(seq, body), 0).unwrap();
    }
    spool
}

fn seqs(spool: &Spool) -> Vec<u64> {
    spool.oldest(usize::MAX, 0).unwrap().iter().map(|r| r.seq).collect()
}

#[test]
fn what_was_appended_is_there_after_a_restart_and_the_chain_goes_on() {
    let dir = TempDir::new().unwrap();
    let spool = filled(dir.path(), &[b"one".to_vec(), b"two".to_vec()]);
    let before = spool.chain();
    drop(spool);
    let (mut spool, findings) = opened(dir.path());
    assert_eq!(findings, []);
    assert_eq!(spool.chain(), before);
    assert_eq!((before.run, before.next_seq, before.prev), (RUN, 3, Some(sha256(b"two"))));
    assert_eq!(spool.oldest(9, 0).unwrap(), [record(1, b"one"), record(2, b"two")]);
    assert!(matches!(spool.append(&record(7, b"x"), 0), Err(SpoolError::OutOfOrder { seq: 7, expected: 3 })));
    spool.append(&record(3, b"three"), 0).unwrap();
    spool.delivered(2).unwrap();
    drop(spool);
    assert_eq!(seqs(&opened(dir.path()).0), [3], "what was delivered is not sent again");
}

#[test]
fn the_chain_outlives_its_delivered_reports() {
    let dir = TempDir::new().unwrap();
    let body = vec![7; 600_000];
    let mut spool = filled(dir.path(), &[body.clone(), body.clone(), body.clone(), body.clone(), body]);
    assert_eq!(spool.segments.len(), 3);
    spool.delivered(5).unwrap();
    assert_eq!(spool.segments.len(), 1, "all but the last segment are gone");
    let chain = spool.chain();
    drop(spool);
    let (spool, _) = opened(dir.path());
    assert_eq!((spool.chain(), spool.len()), (chain, 0));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "one segment and the cursor");
}

#[test]
fn a_file_cut_at_any_byte_keeps_every_whole_record_before_the_cut() {
    let dir = TempDir::new().unwrap();
    let bodies = [b"first".to_vec(), vec![0; 40], b"third one".to_vec()];
    drop(filled(dir.path(), &bodies));
    let path = disk::segment_path(dir.path(), 1);
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> = bodies
        .iter()
        .zip(1u64..)
        .scan(record::SEGMENT_HEADER_BYTES, |end, (body, seq)| {
            *end += record::encode(&record(seq, body)).unwrap().len();
            Some(*end)
        })
        .collect();
    assert_eq!(ends.last(), Some(&whole.len()));
    for cut in 0..=whole.len() {
        let dir = TempDir::new().unwrap();
        fs::write(disk::segment_path(dir.path(), 1), &whole[..cut]).unwrap();
        let (mut spool, findings) = opened(dir.path());
        let intact = ends.iter().filter(|end| **end <= cut).count();
        let expected: Vec<u64> = (1..).take(intact).collect();
        assert_eq!(seqs(&spool), expected, "cut at {cut}");
        if cut < record::SEGMENT_HEADER_BYTES {
            assert_eq!(spool.chain().run, OTHER_RUN, "a header is written whole or not at all: this is damage");
        } else {
            let torn = ends.iter().chain([&record::SEGMENT_HEADER_BYTES]).all(|end| *end != cut);
            assert_eq!(findings.len(), usize::from(torn), "a torn record is said, cut at {cut}");
            assert_eq!(spool.chain().run, RUN);
        }
        let next = spool.chain().next_seq;
        spool.append(&record(next, b"after"), 0).unwrap();
        drop(spool);
        let (spool, findings) = opened(dir.path());
        assert_eq!(spool.oldest(9, 0).unwrap().last(), Some(&record(next, b"after")), "cut at {cut}");
        assert!(cut < record::SEGMENT_HEADER_BYTES || findings.is_empty(), "the tear is mended, cut at {cut}");
    }
}

#[test]
fn a_tail_of_zeros_is_a_tear() {
    let dir = TempDir::new().unwrap();
    drop(filled(dir.path(), &[b"one".to_vec()]));
    let path = disk::segment_path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 100]);
    fs::write(&path, &bytes).unwrap();
    let (spool, findings) = opened(dir.path());
    assert_eq!(findings, [Finding::Torn { segment: path, bytes: 100 }]);
    assert_eq!(seqs(&spool), [1]);
}

#[test]
fn a_full_spool_refuses_and_keeps_what_it_has() {
    let dir = TempDir::new().unwrap();
    let (mut spool, _) = Spool::open(dir.path(), 10_000, RUN, 0).unwrap();
    let body = vec![1; 3_000];
    for seq in 1..=3 {
        spool.append(&record(seq, &body), 0).unwrap();
    }
    assert!(matches!(spool.append(&record(4, &body), 0), Err(SpoolError::Full { bytes_max: 10_000, .. })));
    assert!(!spool.has_room(3_000));
    assert_eq!(seqs(&spool), [1, 2, 3]);
    assert_eq!(spool.chain().next_seq, 4, "the number was not used");
}

#[test]
fn a_refused_report_lies_beside_its_answer() {
    let dir = TempDir::new().unwrap();
    let mut spool = filled(dir.path(), &[b"bad".to_vec(), b"good".to_vec()]);
    let bytes = spool.bytes();
    spool.refused(&record(1, b"bad"), "422 no").unwrap();
    assert_eq!(seqs(&spool), [2]);
    assert_eq!(spool.bytes(), bytes + 9, "refused reports take room");
    let refused = dir.path().join("refused");
    assert_eq!(fs::read(refused.join("00000000000000000001-id-1.json")).unwrap(), b"bad");
    assert_eq!(fs::read(refused.join("00000000000000000001-id-1.answer")).unwrap(), b"422 no");
    fs::remove_dir_all(refused).unwrap();
    assert!(!spool.has_room(BYTES_MAX - bytes + 1));
    assert_eq!(spool.bytes(), bytes, "looked at again when room is short");
}

#[test]
fn an_old_cursor_hides_nothing_new() {
    let dir = TempDir::new().unwrap();
    disk::write_cursor(dir.path(), Place { segment: 5, offset: 999_999 }, true).unwrap();
    let (mut spool, _) = opened(dir.path());
    spool.append(&record(1, b"new"), 0).unwrap();
    drop(spool);
    assert_eq!(seqs(&opened(dir.path()).0), [1]);

    let dir = TempDir::new().unwrap();
    drop(filled(dir.path(), &[]));
    disk::write_cursor(dir.path(), Place { segment: 1, offset: 999_999 }, true).unwrap();
    let (mut spool, _) = opened(dir.path());
    spool.append(&record(1, b"new"), 0).unwrap();
    drop(spool);
    assert_eq!(seqs(&opened(dir.path()).0), [1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_changed_byte_is_found_and_a_copy_kept(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 2..6),
        place in any::<prop::sample::Index>(),
        flip in 1u8..=255,
    ) {
        let dir = TempDir::new().unwrap();
        drop(filled(dir.path(), &bodies));
        let path = disk::segment_path(dir.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, &bytes).unwrap();
        let (spool, findings) = opened(dir.path());
        let expected: Vec<Record> = (1..).zip(&bodies).map(|(seq, body)| record(seq, body)).collect();
        let found = spool.oldest(99, 0).unwrap();
        prop_assert!(expected.starts_with(&found), "only what was written, from the first on");
        prop_assert!(found.len() < bodies.len());
        prop_assert!(!findings.is_empty(), "and it is said");
        let torn = matches!(findings[0], Finding::Torn { .. });
        prop_assert!(!torn || found.len() + 1 == bodies.len(), "only the last record can be torn");
        if matches!(findings[0], Finding::Damaged { .. }) {
            prop_assert_eq!(spool.chain(), Chain::fresh(OTHER_RUN), "numbers that may be out are not used again");
            prop_assert!(dir.path().join("damaged").join("0000000001.seg").exists());
        }
    }

    #[test]
    fn appending_delivering_and_restarting_lose_and_repeat_nothing(steps in proptest::collection::vec(0u8..4, 1..60)) {
        let dir = TempDir::new().unwrap();
        let mut spool = filled(dir.path(), &[]);
        let (mut sent, mut written) = (0u64, 0u64);
        for step in steps {
            match step {
                0 | 1 => {
                    written += 1;
                    spool.append(&record(written, &vec![1; 300_000]), 0).unwrap();
                }
                2 => {
                    let count = spool.len().min(2);
                    spool.delivered(count).unwrap();
                    sent += u64::try_from(count).unwrap();
                }
                _ => {
                    drop(spool);
                    spool = opened(dir.path()).0;
                }
            }
            prop_assert_eq!(seqs(&spool), (sent + 1..=written).collect::<Vec<_>>());
            prop_assert_eq!(spool.chain().next_seq, written + 1);
        }
    }
}

#[test]
fn a_header_goes_there_and_back() {
    let prev = Some(Digest([9; 32]));
    let chain = Chain { run: RUN, next_seq: 77, prev, covered_until: Timestamp::from_millis(-5) };
    assert_eq!(record::decode_header(&record::encode_header(&chain)), Some(chain));
    assert_eq!(record::encode_header(&chain).len(), record::SEGMENT_HEADER_BYTES);
}
