//! Are the bytes of version 1 the same for ever? Both directions, against files that never change once released.

use ed25519_dalek::{Signer, SigningKey};
use releve_types::TenantKey;
use releve_wire::{
    Evidence, Holder, Reading, Unsealed, decode_reading, encode_reading, limits::MESSAGE_BYTES_MAX, open, sha256,
    verify_disclosed,
};
use serde_json::Value;

use crate::{
    round_trip::unsealed,
    sample::{KEYID, four_tenants, idle, mig_and_time_slicing, public_key, reading, sealed},
};

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../golden/v1/", $name))
    };
}

fn check_report(report: &Unsealed, golden: &str) {
    assert_eq!(std::str::from_utf8(&sealed(report).bytes), Ok(golden));
    let read = open(golden.as_bytes(), MESSAGE_BYTES_MAX).and_then(|sealed| sealed.verify(&public_key()));
    assert_eq!(&unsealed(read.expect("a golden report")), report);
}

#[test]
fn reports() {
    check_report(&idle(), golden!("idle.json"));
    check_report(&four_tenants(), golden!("four_tenants.json"));
    check_report(&mig_and_time_slicing(), golden!("mig_and_time_slicing.json"));
}

#[test]
fn readings() {
    let by_key = Reading {
        holder: Holder::Key(TenantKey::new("k8s:prod/team-a").expect("a key")),
        project: Some("inference".into()),
        labels: Vec::new(),
        ..reading()
    };
    for (reading, golden) in [(reading(), golden!("reading.json")), (by_key, golden!("reading_by_key.json"))] {
        assert_eq!(std::str::from_utf8(&encode_reading(&reading)), Ok(golden));
        assert_eq!(decode_reading(golden.as_bytes()), Ok(reading));
    }
}

#[test]
fn evidence() {
    let report = open(&sealed(&four_tenants()).bytes, MESSAGE_BYTES_MAX).and_then(|s| s.verify(&public_key()));
    let evidence = report.expect("its own signature").evidence;
    let golden = golden!("evidence.json");
    assert_eq!(std::str::from_utf8(&evidence.to_bytes()), Ok(golden));
    let kept = Evidence::from_bytes(golden.as_bytes()).expect("evidence");
    assert_eq!(kept, evidence);
    assert!(kept.verify(&public_key()).is_ok());
}

/// The vectors were made with another implementation of Ed25519 (Python's `cryptography`).
#[test]
fn signatures() {
    let vectors: Value = serde_json::from_str(golden!("signing.json")).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let bytes = |value: &Value| const_hex::decode(text(value)).expect("hexadecimal");
    let key = SigningKey::from_bytes(&bytes(&vectors["secret_key"]).try_into().expect("32 bytes"));
    assert_eq!(key.verifying_key().to_bytes().to_vec(), bytes(&vectors["public_key"]));
    let signed = vectors["signed"].as_array().expect("an array");
    for vector in signed {
        let head = text(&vector["head"]);
        assert_eq!(key.sign(head.as_bytes()).to_bytes().to_vec(), bytes(&vector["sig"]));
        assert_eq!(sha256(head.as_bytes()).to_string(), text(&vector["head_sha256"]));
    }
    let refused = vectors["refused"].as_array().expect("an array");
    assert_eq!((signed.len(), refused.len()), (3, 6), "none was left out");
    for vector in refused {
        let head = text(&vector["head"]);
        let sig = bytes(&vector["sig"]).try_into().expect("64 bytes");
        let key = bytes(&vector["public_key"]).try_into().expect("32 bytes");
        let fate = verify_disclosed(&head, KEYID, &sig, "", &key).expect_err("no valid signature");
        assert_eq!(fate.code.as_str(), text(&vector["code"]), "{}", vector["why"]);
    }
}
