//! What does a node send? Registered over the API, it seals reports as an agent does.

use axum::{body::Body, http::Request};
use ed25519_dalek::SigningKey;
use releve_types::{DeviceId, NodeId, Ranges, TenantKey, Timestamp, sku::Share};
use releve_wire::{Basis, Clock, Device, DeviceState, Section, Segment, Unsealed, Window, seal};
use serde_json::json;

use crate::world::{Answer, World};

pub const GPU: &str = "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52";
pub const ONE: &str = "application/cloudevents+json";
pub const BATCH: &str = "application/cloudevents-batch+json";

pub struct Node {
    pub id: NodeId,
    pub key: SigningKey,
}

impl Node {
    pub async fn registered(world: &World, name: &str) -> Self {
        let (id, key) = (NodeId::fresh(world.now()), SigningKey::from_bytes(&[7; 32]));
        let public_key = hex::encode(key.verifying_key().to_bytes());
        let body = json!({
            "name": name, "id": id.to_string(), "region": "eu-west", "rack": "r1", "from": "2026-03-01T00:00:00Z",
            "key": { "keyid": "k1", "public_key": public_key },
        });
        world.post("/v1/nodes", body).await.expect(201);
        Self { id, key }
    }

    /// A minute in which one allocation held the one GPU throughout.
    pub fn report(&self, start: &str, seq: u64, tenant_key: &str) -> Vec<u8> {
        self.report_of(start, seq, &[(tenant_key, "job-1", 0..60_000)])
    }

    /// A minute in which allocations of these names and tenant keys held the one GPU from and to these milliseconds.
    pub fn report_of(&self, start: &str, seq: u64, holds: &[(&str, &str, std::ops::Range<i64>)]) -> Vec<u8> {
        let start: Timestamp = start.parse().expect("an instant");
        let gpu: DeviceId = GPU.parse().expect("a device");
        let device = Device {
            gpu,
            parent: None,
            model: "NVIDIA H100 80GB HBM3".to_owned(),
            profile: None,
            state: DeviceState::Ok,
            energy_mj: None,
        };
        let section = |(key, alloc, held): &(&str, &str, std::ops::Range<i64>)| Section {
            tenant_key: TenantKey::new(key).expect("a tenant key"),
            segments: vec![Segment {
                gpu,
                alloc: (*alloc).to_owned(),
                project: Some("p1".to_owned()),
                spot: false,
                share: Share::WHOLE,
                start_ms: held.start,
                end_ms: held.end,
                basis: Basis::Observed,
                energy_mj: None,
                end_reason: None,
            }],
            allocs: Vec::new(),
        };
        let report = Unsealed {
            node: self.id,
            run: uuid::Uuid::from_u128(1),
            seq,
            window: Window { start, end: start.plus_millis(60_000) },
            covered: Ranges::one(0, 60_000),
            clock: Clock { synced: true, max_err_us: 100, step_ms: None },
            devices: vec![device],
            agent: "releve-agent/0.1.0".to_owned(),
            prev: None,
            sections: holds.iter().map(section).collect(),
        };
        seal(&report, "k1", &self.key, &mut || [3; 16]).bytes
    }
}

pub async fn send(world: &World, path: &str, key: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let request =
        Request::post(path).header("authorization", format!("Bearer {key}")).header("content-type", content_type);
    world.send(request.body(Body::from(body)).expect("a request")).await
}
