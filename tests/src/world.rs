//! A small cloud to test against: an issuer, accounts with a tenant each, nodes with keys, rules and a price.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use releve_billing::payment::Dunning;
use releve_billing::tax::{DatedRate, RateClass, Scheme};
use releve_billing::{Model, Price, Rounding, UnitPrice};
use releve_store::{
    Db, catalog, customers, nodes,
    nodes::{NodeKey, NodeState, ServiceState},
    prices, rules,
};
use releve_types::{
    AccountId, Currency, DeviceId, Hour, NodeId, Ranges, Sku, TenantId, TenantKey, Timestamp, Unit, Zone,
    ids::{IssuerId, KeyRuleId, PriceBookId, PriceId},
    sku::Share,
};
use releve_wire::{Basis, Clock, Device, DeviceState, Section, Segment, Window, seal::Unsealed, sha256};
use uuid::Uuid;

/// The model that the world's devices show.
pub const MODEL: &str = "NVIDIA H100 80GB HBM3";
pub const REGION: &str = "eu-west";
pub const KEYID: &str = "k1";

/// What one hour of a whole standard device costs in the world's price book, in its currency.
pub const HOUR_PRICE: &str = "2.50";

#[derive(Debug)]
pub struct World {
    pub issuer: IssuerId,
    pub book: PriceBookId,
    pub tenants: Vec<Holder>,
    pub nodes: Vec<Machine>,
}

#[derive(Clone, Debug)]
pub struct Holder {
    pub tenant: TenantId,
    pub account: AccountId,
    pub name: String,
    pub key: TenantKey,
}

/// A node as its agent knows it.
#[derive(Clone, Debug)]
pub struct Machine {
    pub id: NodeId,
    pub key: SigningKey,
    pub gpus: Vec<DeviceId>,
    pub run: Uuid,
}

/// One hold of a device in a window.
#[derive(Clone, Debug)]
pub struct Hold {
    pub key: TenantKey,
    pub gpu: usize,
    pub alloc: String,
    pub start_ms: i64,
    pub end_ms: i64,
}

impl Hold {
    pub fn new(key: &TenantKey, gpu: usize, alloc: &str, start_ms: i64, end_ms: i64) -> Self {
        Self { key: key.clone(), gpu, alloc: alloc.to_owned(), start_ms, end_ms }
    }
}

/// The SKU that a hold of a whole device of this world sells.
pub fn sku() -> Sku {
    Sku::gpu(MODEL, None, Share::WHOLE, false, REGION).expect("the world's SKU")
}

/// A node with deterministic id, key and devices, whether registered or not.
pub fn machine(n: u32, gpus: usize) -> Machine {
    let seed = sha256(format!("machine {n}").as_bytes()).0;
    let gpu = |i: usize| {
        let digest = sha256(format!("gpu {n}/{i}").as_bytes()).0;
        DeviceId::Gpu(Uuid::from_slice(&digest[..16]).expect("16 bytes"))
    };
    Machine {
        id: NodeId::from_uuid(Uuid::from_slice(&seed[16..]).expect("16 bytes")),
        key: SigningKey::from_bytes(&seed),
        gpus: (0..gpus).map(gpu).collect(),
        run: Uuid::from_u128(u128::from(n) + 1),
    }
}

impl Machine {
    /// The sealed report of a fully covered window.
    pub fn report(&self, start: Timestamp, window_ms: i64, holds: &[Hold]) -> Vec<u8> {
        self.report_covering(start, window_ms, Ranges::one(0, window_ms), holds)
    }

    pub fn report_covering(&self, start: Timestamp, window_ms: i64, covered: Ranges, holds: &[Hold]) -> Vec<u8> {
        self.seal(&self.unsealed(start, window_ms, covered, holds))
    }

    /// Salts come from the content, so that the same report is the same bytes.
    pub fn seal(&self, report: &Unsealed) -> Vec<u8> {
        let mut n = 0_u64;
        let mut salt = || {
            n += 1;
            let digest = sha256(format!("{} {} {n}", report.node, report.seq).as_bytes()).0;
            let mut salt = [0; 16];
            salt.copy_from_slice(&digest[..16]);
            salt
        };
        releve_wire::seal::seal(report, KEYID, &self.key, &mut salt).bytes
    }

    pub fn unsealed(&self, start: Timestamp, window_ms: i64, covered: Ranges, holds: &[Hold]) -> Unsealed {
        let mut sections: BTreeMap<&TenantKey, Vec<Segment>> = BTreeMap::new();
        for hold in holds {
            sections.entry(&hold.key).or_default().push(Segment {
                gpu: self.gpus[hold.gpu],
                alloc: hold.alloc.clone(),
                project: None,
                spot: false,
                share: Share::WHOLE,
                start_ms: hold.start_ms,
                end_ms: hold.end_ms,
                basis: Basis::Observed,
                energy_mj: Some(1_000),
                end_reason: None,
            });
        }
        let device = |gpu: &DeviceId| Device {
            gpu: *gpu,
            parent: None,
            model: MODEL.to_owned(),
            profile: None,
            state: DeviceState::Ok,
            energy_mj: Some(2_000),
        };
        let section =
            |(key, segments): (&TenantKey, _)| Section { tenant_key: key.clone(), segments, allocs: Vec::new() };
        Unsealed {
            node: self.id,
            run: self.run,
            seq: u64::try_from(start.as_millis() / 1_000).expect("after 1970"),
            window: Window { start, end: start.plus_millis(window_ms) },
            covered,
            clock: Clock { synced: true, max_err_us: 100, step_ms: None },
            devices: self.gpus.iter().map(device).collect(),
            agent: "releve-test/1".to_owned(),
            prev: None,
            sections: sections.into_iter().map(section).collect(),
        }
    }
}

impl World {
    /// Registers everything from `since` on: `nodes` machines of `gpus` devices, `tenants` tenants with the keys
    /// `static:t0`, `static:t1`, …, and a per-unit price for the world's SKU.
    pub async fn create(db: &Db, zone: &str, nodes: u32, gpus: usize, tenants: u32, since: Timestamp) -> Self {
        let mut tx = db.begin_app().await.expect("a transaction");
        let from = since.hour();
        let (issuer, book) = (IssuerId::fresh(since), PriceBookId::fresh(since));
        let party = |name: &str| customers::Party {
            name: name.to_owned(),
            address: "1 rue du Relevé".to_owned(),
            country: "FR".to_owned(),
            ..customers::Party::default()
        };
        let row = customers::Issuer {
            vat_on_prepayment: false,
            id: issuer,
            party: customers::Party {
                vat_id: "FR83404833048".to_owned(),
                legal_id: "404833048".to_owned(),
                ..party("Test Cloud")
            },
            zone: Zone::new(zone).expect("a zone"),
            series: "T".to_owned(),
            due_days: 30,
            dunning: Dunning::default(),
            terms: customers::IssuerTerms { vat_scheme: Some(Scheme::Registered), ..Default::default() },
            created_at: since,
        };
        assert!(customers::insert_issuer(&mut tx, &row).await.expect("an issuer"));
        let rate = DatedRate {
            country: "FR".to_owned(),
            class: RateClass::Standard,
            from: Hour::from_index(0),
            rate: "20".parse().expect("a rate"),
        };
        let rate = customers::NewVatRate { issuer, rate, created_at: since, created_by: "test".to_owned() };
        assert!(customers::insert_vat_rate(&mut tx, &rate).await.expect("a rate"));
        let record =
            prices::BookRecord { id: book, name: "list".to_owned(), currency: Currency::Eur, created_at: since };
        assert!(prices::insert_book(&mut tx, &record).await.expect("a price book"));
        let mut world = Self { issuer, book, tenants: Vec::new(), nodes: Vec::new() };
        world.price(&mut tx, &sku(), HOUR_PRICE, from, since).await;
        let version = catalog::bump(&mut tx).await.expect("a version");
        for n in 0..tenants {
            let holder = world.add_tenant(&mut tx, &party, n, from, version, since).await;
            world.tenants.push(holder);
        }
        for n in 0..nodes {
            let machine = machine(n, gpus);
            register(&mut tx, &machine, &format!("node{n}"), from, version, since).await;
            world.nodes.push(machine);
        }
        tx.commit().await.expect("the world is made");
        world
    }

    async fn add_tenant(
        &self,
        tx: &mut releve_store::Tx,
        party: &impl Fn(&str) -> customers::Party,
        n: u32,
        from: Hour,
        version: i64,
        since: Timestamp,
    ) -> Holder {
        let name = format!("t{n}");
        let (tenant, account) = (TenantId::fresh(since), AccountId::fresh(since));
        let key = TenantKey::new(&format!("static:{name}")).expect("a key");
        let row = customers::Account {
            id: account,
            issuer: self.issuer,
            party: party(&name),
            customer_kind: None,
            buyer_reference: String::new(),
            buyer_reference_required: false,
            language: releve_types::Language::English,
            purchase_order_required: false,
            invoice_ceiling: None,
            correction_min: None,
            back_billing_months: None,
            currency: Currency::Eur,
            created_at: since,
        };
        assert!(customers::insert_account(tx, &row).await.expect("an account"));
        let row = customers::Tenant { id: tenant, account, name: name.clone(), created_at: since };
        assert!(customers::insert_tenant(tx, &row).await.expect("a tenant"));
        let term = prices::TermRecord {
            id: releve_types::ids::fresh_uuid(since),
            account,
            book: self.book,
            from,
            created_at: since,
            created_by: "test".to_owned(),
        };
        prices::insert_term(tx, &term).await.expect("a contract");
        map(tx, &key, Some(tenant), from, version, since).await;
        Holder { tenant, account, name, key }
    }

    /// Adds a price per hour to the world's book.
    pub async fn price(&self, tx: &mut releve_store::Tx, sku: &Sku, price: &str, from: Hour, now: Timestamp) {
        let number = prices::ensure_sku(tx, sku, Unit::GpuMs, now).await.expect("a SKU").expect("in its unit");
        let price = UnitPrice::new(price.parse().expect("a decimal")).expect("a printable price");
        let price = Price::new(
            PriceId::fresh(now),
            sku.clone(),
            Unit::GpuMs,
            from.start(),
            Model::PerUnit { price },
            Rounding::Exact,
        )
        .expect("a price");
        let record = prices::PriceRecord { book: self.book, price, created_at: now, created_by: "test".to_owned() };
        prices::insert_price(tx, &record, number).await.expect("a new price");
    }
}

/// Registers a node with the world's key id, in service from `from` on.
pub async fn register(
    tx: &mut releve_store::Tx,
    machine: &Machine,
    name: &str,
    from: Hour,
    version: i64,
    now: Timestamp,
) {
    register_with(tx, machine, name, KEYID, from, version, now).await;
}

pub async fn register_with(
    tx: &mut releve_store::Tx,
    machine: &Machine,
    name: &str,
    keyid: &str,
    from: Hour,
    version: i64,
    now: Timestamp,
) {
    let node = nodes::Node { id: machine.id, name: name.to_owned(), created_at: now };
    assert!(nodes::insert(tx, &node, version).await.expect("a node"));
    set_state(tx, machine.id, ServiceState::InService, from, version, now).await;
    let public_key = machine.key.verifying_key().to_bytes();
    let key = NodeKey { keyid: keyid.to_owned(), from: from.start(), public_key, valid: true };
    nodes::append_key(tx, machine.id, &key, version, now).await.expect("a key");
}

pub async fn set_state(
    tx: &mut releve_store::Tx,
    node: NodeId,
    state: ServiceState,
    from: Hour,
    version: i64,
    now: Timestamp,
) {
    let state = NodeState { from, state, region: REGION.to_owned(), site: "par1".to_owned(), rack: "r1".to_owned() };
    nodes::append_state(tx, node, &state, version, now).await.expect("a state");
}

/// Maps a key to a tenant, or to nobody, from an hour on.
pub async fn map(
    tx: &mut releve_store::Tx,
    key: &TenantKey,
    tenant: Option<TenantId>,
    from: Hour,
    version: i64,
    now: Timestamp,
) {
    let rule = rules::KeyRule {
        id: KeyRuleId::fresh(now),
        key: key.clone(),
        from,
        tenant,
        created_at: now,
        created_by: "test".to_owned(),
    };
    rules::append(tx, &rule, version).await.expect("a rule");
}
