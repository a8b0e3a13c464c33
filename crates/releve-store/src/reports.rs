//! What did a node say? The stored reports: bytes that verify, and who held how much in them.

use releve_metering::{Exposure, Screened};
use releve_types::{NodeId, Timestamp};
use releve_wire::{Digest, Evidence, Report};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::{
    nodes::NodeKey,
    pool::StoreError,
    sql_time::{day_to_sql, from_sql, to_sql},
};

/// First byte of a stored body: how the rest is packed.
const CODEC_LZ4: u8 = 1;

/// Packs what verifies. Compressed here, so that the database does not try again.
pub fn pack(evidence: &Evidence) -> Vec<u8> {
    let mut body = vec![CODEC_LZ4];
    body.extend_from_slice(&lz4_flex::compress_prepend_size(&evidence.to_bytes()));
    body
}

/// The largest evidence that is unpacked, in bytes: the wire's ceiling.
const EVIDENCE_BYTES_MAX: usize = releve_wire::limits::MESSAGE_BYTES_CEILING;

pub fn unpack(body: &[u8]) -> Result<Evidence, StoreError> {
    let broken = |detail: &str| StoreError::inconsistent("reports", "body", detail);
    let (&codec, packed) = body.split_first().ok_or_else(|| broken("empty"))?;
    if codec != CODEC_LZ4 {
        return Err(broken("unknown codec"));
    }
    let size = packed.first_chunk::<4>().map(|n| u32::from_le_bytes(*n)).and_then(|n| usize::try_from(n).ok());
    if size.is_none_or(|n| n > EVIDENCE_BYTES_MAX) {
        return Err(broken("its unpacked size passes the limit"));
    }
    let bytes = lz4_flex::decompress_size_prepended(packed).map_err(|e| broken(&e.to_string()))?;
    Evidence::from_bytes(&bytes).map_err(|e| broken(&e.to_string()))
}

/// A stored report as it was believed when it came: any key that its node had under that name will do, revoked or not.
pub fn believed(body: &[u8], keys: &[NodeKey]) -> Result<Report, StoreError> {
    let evidence = unpack(body)?;
    let of_name = keys.iter().filter(|key| key.keyid == evidence.keyid);
    let report = of_name.filter_map(|key| evidence.clone().verify(&key.public_key).ok()).next();
    report.ok_or_else(|| StoreError::inconsistent("reports", "body", "verifies under none of its node's keys"))
}

/// What identifies a report of a node, apart from its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReportKey {
    pub day: i64,
    pub node: NodeId,
    pub window_start: Timestamp,
    pub seq: i64,
    pub run: Uuid,
}

impl ReportKey {
    pub fn of(screened: &Screened) -> Self {
        let head = &screened.report.head;
        Self {
            day: screened.day(),
            node: head.node,
            window_start: head.window.start,
            seq: i64::try_from(head.seq).unwrap_or(i64::MAX),
            run: head.run,
        }
    }
}

/// Which of these keys are stored, with the digest of their head. In the order asked.
pub async fn digests(conn: &mut PgConnection, keys: &[ReportKey]) -> Result<Vec<Option<Digest>>, StoreError> {
    let (days, nodes, starts, seqs, runs) = columns(keys);
    let rows = sqlx::query!(
        r#"
        select asked.ord as "ord!", r.head_sha256 as "head_sha256?"
        from unnest($1::date[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::uuid[])
             with ordinality as asked(day, node_id, window_start, seq, run, ord)
        left join reports r on r.day = asked.day and r.node_id = asked.node_id
             and r.window_start = asked.window_start and r.seq = asked.seq and r.run = asked.run
        order by asked.ord
        "#,
        &days,
        &nodes,
        &starts,
        &seqs,
        &runs
    )
    .fetch_all(conn)
    .await?;
    let digest = |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Digest);
    Ok(rows.into_iter().map(|r| r.head_sha256.and_then(digest)).collect())
}

/// The columns of keys, as statements take them.
pub(crate) type Columns = (Vec<Date>, Vec<Uuid>, Vec<OffsetDateTime>, Vec<i64>, Vec<Uuid>);

pub(crate) fn columns(keys: &[ReportKey]) -> Columns {
    let mut columns = Columns::default();
    for key in keys {
        columns.0.push(day_to_sql(key.day));
        columns.1.push(key.node.uuid());
        columns.2.push(to_sql(key.window_start));
        columns.3.push(key.seq);
        columns.4.push(key.run);
    }
    columns
}

/// The packed bodies of a node's reports whose windows begin in a stretch, by time, and before them those of the last
/// window before it, if that day or the day before has one. Archived days have none here. Served by the primary key:
/// days are named one by one.
pub async fn bodies_of_node(
    conn: &mut PgConnection,
    node: NodeId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let days: Vec<Date> = (from.day() - 1..=to.day()).map(day_to_sql).collect();
    let bodies = sqlx::query_scalar!(
        r#"
        select body from reports
        where day = any($1) and node_id = $2 and window_start < $4
          and window_start >= coalesce((select max(window_start) from reports
                                        where day = any($1) and node_id = $2 and window_start < $3), $3)
        order by window_start, seq, run
        "#,
        &days,
        node.uuid(),
        to_sql(from),
        to_sql(to)
    )
    .fetch_all(conn)
    .await?;
    Ok(bodies)
}

/// A report to store: counted, or known to be late.
#[derive(Debug)]
pub struct NewReport<'a> {
    pub screened: &'a Screened,
    pub body: Vec<u8>,
}

/// Stores counted reports; returns for each whether it was new. One that shares its key with a stored one is
/// left out: its time was covered by nothing, or its ranges would have been refused.
pub async fn insert(
    conn: &mut PgConnection,
    reports: &[NewReport<'_>],
    catalog_version: i64,
    received_at: Timestamp,
) -> Result<Vec<ReportKey>, StoreError> {
    let keys: Vec<ReportKey> = reports.iter().map(|r| ReportKey::of(r.screened)).collect();
    let (days, nodes, starts, seqs, runs) = columns(&keys);
    let ends: Vec<OffsetDateTime> = reports.iter().map(|r| to_sql(r.screened.report.head.window.end)).collect();
    let heads: Vec<Vec<u8>> = reports.iter().map(|r| r.screened.report.head_sha256.0.to_vec()).collect();
    let agents: Vec<&str> = reports.iter().map(|r| r.screened.report.head.agent.as_str()).collect();
    let (tenants, held): (Vec<String>, Vec<String>) =
        reports.iter().map(|r| exposure_arrays(&r.screened.exposure())).unzip();
    let bodies: Vec<&[u8]> = reports.iter().map(|r| r.body.as_slice()).collect();
    let rows = sqlx::query!(
        r#"
        insert into reports (day, node_id, window_start, seq, run, window_end, head_sha256, catalog_version,
                             received_at, agent, status, tenants, held_ms, body)
        select day, node_id, window_start, seq, run, window_end, head_sha256, $12, $13, agent, 'counted',
               tenants::uuid[], held_ms::bigint[], body
        from unnest($1::date[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::uuid[], $6::timestamptz[],
                    $7::bytea[], $8::text[], $9::text[], $10::text[], $11::bytea[])
             as said(day, node_id, window_start, seq, run, window_end, head_sha256, agent, tenants, held_ms, body)
        on conflict do nothing
        returning day, node_id, window_start, seq, run
        "#,
        &days,
        &nodes,
        &starts,
        &seqs,
        &runs,
        &ends,
        &heads,
        &agents as _,
        &tenants,
        &held,
        &bodies as _,
        catalog_version,
        to_sql(received_at)
    )
    .fetch_all(conn)
    .await?;
    let key = |day, node, start, seq, run| ReportKey {
        day: crate::sql_time::day_from_sql(day),
        node: NodeId::from_uuid(node),
        window_start: from_sql(start),
        seq,
        run,
    };
    Ok(rows.into_iter().map(|r| key(r.day, r.node_id, r.window_start, r.seq, r.run)).collect())
}

/// PostgreSQL has no array of arrays of differing lengths: each row's arrays travel as text.
pub(crate) fn exposure_arrays(exposure: &Exposure) -> (String, String) {
    let tenants: Vec<String> = exposure.tenants.iter().map(|t| t.uuid().to_string()).collect();
    let held: Vec<String> = exposure.held_ms.iter().map(i64::to_string).collect();
    (format!("{{{}}}", tenants.join(",")), format!("{{{}}}", held.join(",")))
}
