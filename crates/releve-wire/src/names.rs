//! Which ids follow from content alone? Two programs that see the same thing give it the same id.

use releve_types::{AllocationId, NodeId, TenantId, TenantKey, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::report::Digest;

pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The id of an allocation: its tenant key and the name that the node knows it by.
pub fn allocation_id(key: &TenantKey, alloc: &str) -> AllocationId {
    AllocationId::from_uuid(derived(&[b"releve.allocation.v1", key.as_str().as_bytes(), alloc.as_bytes()]))
}

/// The reserved tenant that holds what an unmapped key used, until a rule names its owner.
pub fn suspense_tenant_id(key: &TenantKey) -> TenantId {
    TenantId::from_uuid(derived(&[b"releve.suspense.v1", key.as_str().as_bytes()]))
}

/// The CloudEvents id of a report: the same however often it is sent.
pub(crate) fn message_id(node: NodeId, run: Uuid, seq: u64, window_start: Timestamp) -> String {
    let (node, start) = (node.uuid(), window_start.as_millis().to_be_bytes());
    let parts: [&[u8]; 5] = [b"releve.report.v1", node.as_bytes(), run.as_bytes(), &seq.to_be_bytes(), &start];
    const_hex::encode(first_16(&parts))
}

/// A version 8 UUID of the parts, each behind its length, so that no two lists of parts run together.
fn derived(parts: &[&[u8]]) -> Uuid {
    Uuid::new_v8(first_16(parts))
}

fn first_16(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        let len = u64::try_from(part.len()).expect("a length fits 64 bits");
        hash.update(len.to_be_bytes());
        hash.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_fixed_for_ever() {
        let key = TenantKey::new("k8s:prod/team-a").expect("a key");
        assert_eq!(allocation_id(&key, "pod-1").to_string(), "alo_f2af32114bd787ddb6e8e9324892e527");
        assert_eq!(suspense_tenant_id(&key).to_string(), "ten_f7ddc95b78ef8e2c9320de7b59124aaa");
        assert_eq!(allocation_id(&key, "pod-1").uuid().get_version_num(), 8);
    }

    #[test]
    fn parts_do_not_run_together() {
        let (a, b) = (TenantKey::new("static:ab").expect("a key"), TenantKey::new("static:a").expect("a key"));
        assert_ne!(allocation_id(&a, "c"), allocation_id(&b, "bc"));
        assert_ne!(allocation_id(&a, "").uuid(), suspense_tenant_id(&a).uuid());
    }
}
