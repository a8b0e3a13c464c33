//! Reports to test with: fixed key, fixed salts, so that bytes can be compared.

use ed25519_dalek::SigningKey;
use releve_types::{DeviceId, NodeId, Ranges, TenantKey, Timestamp, Unit, sku::Share};
use releve_wire::{
    AllocDetails, Basis, Clock, Device, DeviceState, EndReason, Holder, Reading, SealedMessage, Section, Segment,
    Unsealed, Window, seal, sha256,
};
use uuid::Uuid;

pub const KEYID: &str = "node-key-1";
pub const WINDOW_MS: i64 = 60_000;

pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn public_key() -> [u8; 32] {
    signing_key().verifying_key().to_bytes()
}

/// Salts that count up: never do this where guessing matters.
pub fn counting_salt() -> impl FnMut() -> [u8; 16] {
    let mut next = 0u8;
    move || {
        next += 1;
        [next; 16]
    }
}

pub fn sealed(report: &Unsealed) -> SealedMessage {
    seal(report, KEYID, &signing_key(), &mut counting_salt())
}

pub fn gpu(n: u128) -> DeviceId {
    DeviceId::Gpu(Uuid::from_u128(0xa000_0000_0000_4000_8000_0000_0000_0000 + n))
}

pub fn slice(n: u128) -> DeviceId {
    DeviceId::Mig(Uuid::from_u128(0xb000_0000_0000_5000_8000_0000_0000_0000 + n))
}

pub fn whole_gpu(n: u128) -> Device {
    Device {
        gpu: gpu(n),
        parent: None,
        model: "NVIDIA H100 80GB HBM3".into(),
        profile: None,
        state: DeviceState::Ok,
        energy_mj: Some(39_000_000),
    }
}

pub fn mig_slice(n: u128, parent: u128) -> Device {
    Device {
        gpu: slice(n),
        parent: Some(gpu(parent)),
        profile: Some("3g.40gb".into()),
        energy_mj: None,
        ..whole_gpu(0)
    }
}

pub fn held(gpu: DeviceId, alloc: &str, start_ms: i64, end_ms: i64) -> Segment {
    Segment {
        gpu,
        alloc: alloc.into(),
        project: None,
        spot: false,
        share: Share::WHOLE,
        start_ms,
        end_ms,
        basis: Basis::Observed,
        energy_mj: None,
        end_reason: None,
    }
}

pub fn section(key: &str, segments: Vec<Segment>) -> Section {
    Section { tenant_key: TenantKey::new(key).expect("a key"), segments, allocs: Vec::new() }
}

/// A whole minute in which nothing was held.
pub fn idle() -> Unsealed {
    let start = Timestamp::from_millis(1_769_904_000_000);
    Unsealed {
        node: NodeId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
        run: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ff),
        seq: 1,
        window: Window { start, end: start.plus_millis(WINDOW_MS) },
        covered: Ranges::one(0, WINDOW_MS),
        clock: Clock { synced: true, max_err_us: 120, step_ms: None },
        devices: (1..=4).map(whole_gpu).collect(),
        agent: "releve-agent 0.1.0".into(),
        prev: None,
        sections: Vec::new(),
    }
}

/// Four GPUs, each held by another tenant for the whole minute: the usual message.
pub fn four_tenants() -> Unsealed {
    let sections = (1..=4).map(|n| Section {
        tenant_key: TenantKey::new(&format!("k8s:prod/team-{n}")).expect("a key"),
        segments: vec![Segment {
            project: Some("training".into()),
            energy_mj: Some(39_000_000),
            ..held(gpu(n), &format!("5c7f2f6e-90b1-4b52-9d6e-00000000000{n}"), 0, WINDOW_MS)
        }],
        allocs: vec![AllocDetails {
            alloc: format!("5c7f2f6e-90b1-4b52-9d6e-00000000000{n}"),
            name: Some(format!("trainer-{n}")),
            user: Some("ada".into()),
            labels: vec![("app".into(), "llm".into()), ("stage".into(), String::new())],
        }],
    });
    Unsealed { sections: sections.collect(), ..idle() }
}

/// GPU 1 whole, GPU 2 cut into slices, GPU 3 time-sliced between two tenants, GPU 4 lost after 12 s; an outage of
/// the agent in between.
pub fn mig_and_time_slicing() -> Unsealed {
    let mut devices: Vec<Device> = (1..=4).map(whole_gpu).collect();
    devices.extend([mig_slice(1, 2), mig_slice(2, 2)]);
    devices[3] = Device { state: DeviceState::Lost, energy_mj: None, ..whole_gpu(4) };
    let third = |num| Share { num, den: 4 };
    Unsealed {
        seq: 4_211,
        covered: Ranges::from_unsorted([(0, 20_000), (35_500, WINDOW_MS)]),
        clock: Clock { synced: false, max_err_us: 2_000_000, step_ms: Some(-750) },
        devices,
        prev: Some(sha256(b"the head before")),
        sections: vec![
            section(
                "slurm:jz/abc",
                vec![
                    Segment { project: Some("génome".into()), ..held(gpu(1), "4711", 0, 20_000) },
                    Segment { basis: Basis::Inferred, ..held(gpu(1), "4711", 35_500, WINDOW_MS) },
                    Segment { spot: true, ..held(slice(1), "4712", 0, 20_000) },
                    Segment { end_reason: Some(EndReason::DeviceLost), ..held(gpu(4), "4713", 0, 12_000) },
                ],
            ),
            section(
                "static:lab",
                vec![
                    Segment { share: third(3), ..held(gpu(3), "notebook", 0, 20_000) },
                    Segment { energy_mj: Some(0), ..held(slice(2), "notebook", 0, 20_000) },
                ],
            ),
            section("k8s:prod/team-a", vec![Segment { share: third(1), ..held(gpu(3), "pod-1", 1, 20_000) }]),
        ],
        ..idle()
    }
}

/// An hour of 256 GiB.
pub fn reading() -> Reading {
    let from = idle().window.start;
    Reading {
        source: "storage-exporter".into(),
        id: "vol-17/2026-02-01T00".into(),
        meter: "storage".into(),
        holder: Holder::Tenant("ten_01900000000070008000000000000002".into()),
        project: None,
        quantity: 921_600,
        unit: Unit::GibSecond,
        from,
        to: from.plus_millis(3_600_000),
        region: "eu-west".into(),
        labels: vec![("class".into(), "ssd".into())],
    }
}
