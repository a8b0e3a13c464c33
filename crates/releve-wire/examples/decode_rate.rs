//! How many reports a second does one core open and verify? `cargo run --release -p releve-wire --example decode_rate`
//!
//! Four GPUs, four tenants, one segment and one described allocation each: the usual message of a full node.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use releve_types::{DeviceId, NodeId, Ranges, TenantKey, Timestamp, sku::Share};
use releve_wire::{
    AllocDetails, Basis, Clock, Device, DeviceState, Section, Segment, Unsealed, Window, limits::MESSAGE_BYTES_MAX,
    open, seal,
};
use uuid::Uuid;

/// Few in a round and many rounds: the fastest round is then one that nothing else disturbed.
const REPORTS: u64 = 20;
const ROUNDS: u32 = 1_000;

fn main() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public_key = key.verifying_key().to_bytes();
    let mut salt = [0; 16];
    let mut salts = || {
        salt[0] = u8::wrapping_add(salt[0], 1);
        salt
    };
    let messages: Vec<Vec<u8>> =
        (1..=REPORTS).map(|seq| seal(&report(seq), "node-key-1", &key, &mut salts).bytes).collect();
    let bytes: usize = messages.iter().map(Vec::len).sum();
    println!("{REPORTS} reports, {} bytes each on average", bytes / messages.len());

    let both = timed(|| {
        for message in &messages {
            let report = open(message, MESSAGE_BYTES_MAX).and_then(|sealed| sealed.verify(&public_key));
            black_box(report.expect("its own signature"));
        }
    });
    show("open and verify", both);
    show("open alone", timed(|| messages.iter().for_each(|m| drop(black_box(open(m, MESSAGE_BYTES_MAX))))));

    let evidence = open(&messages[0], MESSAGE_BYTES_MAX).and_then(|sealed| sealed.verify(&public_key));
    let evidence = evidence.expect("its own signature").evidence;
    let signature = Signature::from_bytes(&evidence.signature);
    let bare = timed(|| {
        for _ in 0..REPORTS {
            let key = VerifyingKey::from_bytes(&public_key).expect("a key");
            key.verify_strict(evidence.head.as_bytes(), &signature).expect("its own signature");
        }
    });
    show("the signature alone", bare);
}

/// The fastest of all rounds.
fn timed(mut round: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        round();
        start.elapsed()
    });
    rounds.min().unwrap_or_default()
}

fn show(what: &str, round: Duration) {
    let nanos = round.as_nanos() / u128::from(REPORTS);
    println!("{what:<20} {:>8} a second, {nanos} ns each", 1_000_000_000 / nanos.max(1));
}

fn report(seq: u64) -> Unsealed {
    let start = Timestamp::from_millis(1_769_904_000_000);
    let gpu = |n: u128| DeviceId::Gpu(Uuid::from_u128(0xa000_0000_0000_4000_8000_0000_0000_0000 + n));
    let device = |n| Device {
        gpu: gpu(n),
        parent: None,
        model: "NVIDIA GB200".into(),
        profile: None,
        state: DeviceState::Ok,
        energy_mj: Some(60_000_000),
    };
    let section = |n| Section {
        tenant_key: TenantKey::new(&format!("k8s:prod/team-{n}")).expect("a key"),
        segments: vec![Segment {
            gpu: gpu(n),
            alloc: format!("5c7f2f6e-90b1-4b52-9d6e-00000000000{n}"),
            project: Some("training".into()),
            spot: false,
            share: Share::WHOLE,
            start_ms: 0,
            end_ms: 60_000,
            basis: Basis::Observed,
            energy_mj: Some(60_000_000),
            end_reason: None,
        }],
        allocs: vec![AllocDetails {
            alloc: format!("5c7f2f6e-90b1-4b52-9d6e-00000000000{n}"),
            name: Some(format!("trainer-{n}")),
            user: Some("ada".into()),
            labels: vec![("app".into(), "llm".into())],
        }],
    };
    Unsealed {
        node: NodeId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
        run: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ff),
        seq,
        window: Window { start, end: start.plus_millis(60_000) },
        covered: Ranges::one(0, 60_000),
        clock: Clock { synced: true, max_err_us: 120, step_ms: None },
        devices: (1..=4).map(device).collect(),
        agent: "releve-agent 0.1.0".into(),
        prev: None,
        sections: (1..=4).map(section).collect(),
    }
}
