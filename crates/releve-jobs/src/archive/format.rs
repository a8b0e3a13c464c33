//! What is in an archive? One object per day, in blocks that are read one at a time.
//!
//! ```text
//! object   magic, then blocks, then the end
//! magic    "RELEVE-REPORTS 1\n"
//! block    packed length (4 bytes), plain length (4 bytes), so many bytes packed as an LZ4 block
//! plain    records, each: head length (4 bytes), body length (4 bytes), head, body
//! head     JSON of the row: its key, times, digest, catalog version, status, and who held how much
//! body     as stored: one byte of codec, then the exact signed strings; no names, no labels
//! end      two lengths of zero, then the number of records (8 bytes)
//! ```
//!
//! All integers are unsigned and little-endian. The SHA-256 of the whole object stands in `report_archives`.

use releve_store::{archives::StoredReport, reports::ReportKey};
use releve_types::{NodeId, TenantId, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

pub const MAGIC: &[u8] = b"RELEVE-REPORTS 1\n";
/// The two lengths before a block.
pub const BLOCK_HEAD_BYTES: usize = 8;
/// The most that one block unpacks to: read back, a length past it is a broken archive and no reason to allocate.
pub const BLOCK_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Packs reports as one block.
pub fn block(reports: &[StoredReport]) -> Vec<u8> {
    let mut plain = Vec::new();
    for report in reports {
        let head = head_to_json(report).to_string();
        plain.extend(length(head.len()));
        plain.extend(length(report.body.len()));
        plain.extend(head.as_bytes());
        plain.extend(&report.body);
    }
    let packed = lz4_flex::block::compress(&plain);
    let mut block = Vec::with_capacity(BLOCK_HEAD_BYTES + packed.len());
    block.extend(length(packed.len()));
    block.extend(length(plain.len()));
    block.extend(packed);
    block
}

/// What ends an archive of so many records.
pub fn end(records: u64) -> Vec<u8> {
    let mut end = vec![0; BLOCK_HEAD_BYTES];
    end.extend(records.to_le_bytes());
    end
}

/// The packed and the plain length of a block; both zero at the end.
pub fn block_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let (packed, rest) = take_length(bytes)?;
    let (plain, _) = take_length(rest)?;
    (packed <= BLOCK_BYTES_MAX && plain <= BLOCK_BYTES_MAX).then_some((packed, plain))
}

/// Unpacks a block's records.
pub fn reports(day: i64, packed: &[u8], plain_len: usize) -> Result<Vec<StoredReport>, String> {
    let plain = lz4_flex::block::decompress(packed, plain_len).map_err(|e| format!("a block does not unpack: {e}"))?;
    if plain.len() != plain_len {
        return Err(format!("a block unpacks to {} bytes and says {plain_len}", plain.len()));
    }
    let mut rest = plain.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let cut = || "a record is cut off".to_owned();
        let (head_len, after) = take_length(rest).ok_or_else(cut)?;
        let (body_len, after) = take_length(after).ok_or_else(cut)?;
        let (head, after) = after.split_at_checked(head_len).ok_or_else(cut)?;
        let (body, after) = after.split_at_checked(body_len).ok_or_else(cut)?;
        let head: Value = serde_json::from_slice(head).map_err(|e| format!("a record's head: {e}"))?;
        let report = head_from_json(day, &head, body.to_vec());
        found.push(report.ok_or_else(|| format!("a record's head lacks a field: {head}"))?);
        rest = after;
    }
    Ok(found)
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*length)).ok()?, rest))
}

fn head_to_json(report: &StoredReport) -> Value {
    let tenants: Vec<String> = report.tenants.iter().map(TenantId::to_string).collect();
    json!({
        "node": report.key.node.to_string(),
        "window_start_ms": report.key.window_start.as_millis(),
        "window_end_ms": report.window_end.as_millis(),
        "seq": report.key.seq,
        "run": report.key.run.to_string(),
        "head_sha256": hex::encode(report.head_sha256),
        "catalog_version": report.catalog_version,
        "received_at_ms": report.received_at.as_millis(),
        "agent": report.agent,
        "status": report.status,
        "tenants": tenants,
        "held_ms": report.held_ms,
    })
}

fn head_from_json(day: i64, head: &Value, body: Vec<u8>) -> Option<StoredReport> {
    let instant = |name: &str| head[name].as_i64().map(Timestamp::from_millis);
    let text = |name: &str| head[name].as_str().map(str::to_owned);
    let tenants = head["tenants"].as_array()?.iter().map(|t| t.as_str()?.parse::<TenantId>().ok());
    Some(StoredReport {
        key: ReportKey {
            day,
            node: head["node"].as_str()?.parse::<NodeId>().ok()?,
            window_start: instant("window_start_ms")?,
            seq: head["seq"].as_i64()?,
            run: Uuid::try_parse(head["run"].as_str()?).ok()?,
        },
        window_end: instant("window_end_ms")?,
        head_sha256: hex::decode(head["head_sha256"].as_str()?).ok()?.try_into().ok()?,
        catalog_version: head["catalog_version"].as_i64()?,
        received_at: instant("received_at_ms")?,
        agent: text("agent")?,
        status: text("status")?,
        tenants: tenants.collect::<Option<_>>()?,
        held_ms: head["held_ms"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seq: i64) -> StoredReport {
        StoredReport {
            key: ReportKey {
                day: 18_402,
                node: NodeId::from_uuid(Uuid::from_u128(7)),
                window_start: Timestamp::from_millis(1_589_932_800_000),
                seq,
                run: Uuid::from_u128(9),
            },
            window_end: Timestamp::from_millis(1_589_932_860_000),
            head_sha256: [3; 32],
            catalog_version: 4,
            received_at: Timestamp::from_millis(1_589_932_861_234),
            agent: "releve-agent/0.1 \"é\"".to_owned(),
            status: "counted".to_owned(),
            tenants: vec![TenantId::from_uuid(Uuid::from_u128(5))],
            held_ms: vec![-1, i64::MAX],
            body: vec![1, 0, 255, 10],
        }
    }

    #[test]
    fn a_block_gives_back_what_went_in() {
        let went_in: Vec<StoredReport> = (1..=3).map(report).collect();
        let block = block(&went_in);
        let (packed, plain) = block_head(&block).unwrap();
        assert_eq!(packed + BLOCK_HEAD_BYTES, block.len());
        assert_eq!(reports(18_402, &block[BLOCK_HEAD_BYTES..], plain), Ok(went_in));
    }

    #[test]
    fn a_broken_block_is_refused_and_names_why() {
        let block = block(&[report(1)]);
        let (_, plain) = block_head(&block).unwrap();
        assert!(reports(1, &block[BLOCK_HEAD_BYTES..block.len() - 1], plain).is_err());
        assert!(reports(1, &block[BLOCK_HEAD_BYTES..], plain + 1).is_err());
        assert_eq!(block_head(&[255; 8]), None, "a length past the limit is not believed");
        assert_eq!(block_head(&end(3)), Some((0, 0)));
    }
}
