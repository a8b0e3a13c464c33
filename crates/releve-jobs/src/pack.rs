//! What goes into an invoice's evidence pack? The documents and the basis as they were kept, and of the reports that it rests on
//! what the account may see.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use releve_billing::{Recorded, Reports};
use releve_store::{
    Db, Tx,
    billing_reports::{self, UsedReport},
    billing_usage, documents, invoices, nodes, reports, rules,
    rules::KeyRule,
};
use releve_types::{AccountId, InvoiceId, NodeId, TenantId, TenantKey, Timestamp};
use releve_verify::{Disclosed, Fleet, KeyOfNode, NodeFacts, Pack, Place, RuleOfKey};
use releve_wire::Evidence;
use serde_json::Value;

use crate::{
    JobError,
    documents::{BASIS, JSON},
};

/// The most reports that a pack holds: of a month that rests on more, the pack says so and holds none.
pub const PACK_REPORTS_MAX: usize = 50_000;

/// Makes the pack of an issued invoice, the same bytes each time unless reports have left the database meanwhile. None if it has
/// no documents yet, or was issued before what invoices rest on was kept.
pub async fn pack(db: &Db, invoice: InvoiceId) -> Result<Option<Vec<u8>>, JobError> {
    let mut tx = db.begin_app().await?;
    let Some(head) = invoices::head(&mut tx, invoice).await? else { return Ok(None) };
    let Some(stamp) = &head.stamp else { return Ok(None) };
    let kept = |of| (head.account, of);
    let (json, basis) = (find(&mut tx, kept(invoice), JSON).await?, find(&mut tx, kept(invoice), BASIS).await?);
    let (Some(json), Some(basis)) = (json, basis) else { return Ok(None) };
    let mut before = Vec::with_capacity(head.corrects.len());
    for corrected in &head.corrects {
        let Some(json) = find(&mut tx, kept(corrected.id), JSON).await? else { return Ok(None) };
        before.push(json);
    }
    let broken = |detail: String| JobError::Basis { invoice, detail };
    let basis = String::from_utf8(basis).map_err(|error| broken(error.to_string()))?;
    let recorded = Recorded::read(&basis).map_err(|error| broken(error.to_string()))?;
    let reports = disclosed(&mut tx, head.account, &recorded, stamp.issued_at).await?;
    tx.commit().await?;
    let pack = Pack { invoice: json, basis, before, reports };
    pack.to_bytes().map(Some).map_err(|error| broken(error.to_string()))
}

async fn find(
    tx: &mut Tx,
    (account, invoice): (AccountId, InvoiceId),
    media_type: &str,
) -> Result<Option<Vec<u8>>, JobError> {
    Ok(documents::find(tx, account, invoice, media_type).await?.map(|document| document.body))
}

/// The reports that the digest names, with what of them is the account's. None where they are not all in the database.
async fn disclosed(
    tx: &mut Tx,
    account: AccountId,
    recorded: &Recorded,
    issued_at: Timestamp,
) -> Result<Option<(Fleet, Vec<Disclosed>)>, JobError> {
    let (period, count) = (recorded.subject.period, recorded.reports.count);
    if count == 0 || usize::try_from(count).is_ok_and(|count| count > PACK_REPORTS_MAX) {
        return Ok(None);
    }
    let len_max = i64::try_from(PACK_REPORTS_MAX).unwrap_or(i64::MAX);
    let found = billing_reports::used_reports(tx, account, period, len_max).await?;
    // As they stand now; or, if some came or went since, as they stood when it was issued.
    let now = |report: &UsedReport| report.taken_back_at.is_none();
    let then = |report: &UsedReport| {
        report.received_at <= issued_at && report.taken_back_at.is_none_or(|taken_back| taken_back > issued_at)
    };
    let named = |stood: &dyn Fn(&UsedReport) -> bool| {
        let heads = found.iter().filter(|report| stood(report)).map(|report| report.head_sha256);
        Reports::of(heads) == recorded.reports
    };
    let stood: &dyn Fn(&UsedReport) -> bool = if named(&now) { &now } else { &then };
    if !named(stood) {
        return Ok(None);
    }
    let found: Vec<&UsedReport> = found.iter().filter(|report| stood(report)).collect();
    let tenants: BTreeMap<TenantId, AccountId> = billing_usage::tenants_of(tx, &[account]).await?;
    let own: Vec<TenantId> = tenants.into_keys().collect();
    let rules = rules::of_tenants(tx, &own, issued_at).await?;
    let nodes: BTreeSet<NodeId> = found.iter().map(|report| report.node).collect();
    let fleet = fleet(tx, nodes, rules, &own).await?;
    let mut reports = Vec::with_capacity(found.len());
    for report in found {
        reports.push(part(&reports::unpack(&report.body)?, &fleet));
    }
    Ok(Some((fleet, reports)))
}

/// A report with the sections alone that the fleet's rules call the reader's own.
pub(crate) fn part(evidence: &Evidence, fleet: &Fleet) -> Disclosed {
    let (head, sections) = (serde_json::from_str::<Value>(&evidence.head).unwrap_or_default(), &evidence.segments);
    let start = head["window_start"].as_str().and_then(|start| start.parse::<Timestamp>().ok());
    let is_own = |segments: &&String| {
        let section = serde_json::from_str::<Value>(segments).unwrap_or_default();
        let key = section["tenant_key"].as_str().and_then(|key| TenantKey::new(key).ok());
        key.zip(start).is_some_and(|(key, start)| fleet.tenant_at(&key, start).is_some())
    };
    Disclosed {
        keyid: evidence.keyid.clone(),
        sig: STANDARD.encode(evidence.signature),
        head: evidence.head.clone(),
        segments: sections.iter().filter(is_own).cloned().collect(),
    }
}

/// What no report says itself. Whose a key is when it is not the account's is nobody's business.
pub(crate) async fn fleet(
    tx: &mut Tx,
    nodes: BTreeSet<NodeId>,
    rules: Vec<KeyRule>,
    own: &[TenantId],
) -> Result<Fleet, JobError> {
    let mut facts = Vec::with_capacity(nodes.len());
    for node in nodes {
        let key = |key: nodes::NodeKey| KeyOfNode {
            keyid: key.keyid,
            from: key.from,
            public_key: hex::encode(key.public_key),
            valid: key.valid,
        };
        let place = |state: nodes::NodeState| Place { from: state.from, region: state.region };
        facts.push(NodeFacts {
            node,
            keys: nodes::keys(tx, node).await?.into_iter().map(key).collect(),
            places: nodes::states(tx, node).await?.into_iter().map(place).collect(),
        });
    }
    let rule = |rule: KeyRule| RuleOfKey {
        key: rule.key,
        from: rule.from,
        tenant: rule.tenant.filter(|tenant| own.contains(tenant)),
    };
    Ok(Fleet { nodes: facts, rules: rules.into_iter().map(rule).collect() })
}
