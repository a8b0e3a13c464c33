//! Who must be there before a plan can be played? Its seller, customers, rules, prices and nodes.
//!
//! What is there already is left as it is, so a second replay finds the same tenants under the same names.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use releve_billing::{
    AgreedTerms, Agreement, Model, Price, Rounding, Scope, check_new_agreement, check_new_price,
    credits::PRIORITY_DEFAULT,
    payment::Dunning,
    tax::{BuyerKind, DatedRate},
};
use releve_jobs::{
    credits::{Asked, Source, open},
    payments::{PaidFor, Received, record},
};
use releve_sim::{Node, Plan, Stretch};
use releve_store::{
    Db,
    agreements::{self, AgreementRecord},
    audit_log::{self, Change},
    catalog, contracts, credits,
    customers::{self, Account, Issuer, IssuerTerms, NewVatRate, Party, Tenant},
    nodes::{self, NodeKey, NodeState, ServiceState},
    payments,
    prices::{self, BookRecord, PriceRecord, TermRecord},
    rules::{self, KeyRule},
};
use releve_types::{
    AccountId, Currency, Day, Hour, Language, Money, Sku, TenantId, TenantKey, Timestamp, Unit, Zone,
    ids::{AgreementId, IssuerId, KeyRuleId, PriceBookId, PriceId, fresh_uuid},
};
use sqlx::PgConnection;

/// The people and prices of a plan.
#[derive(Debug)]
pub struct Cast {
    pub actor: &'static str,
    pub issuer: Party,
    pub terms: IssuerTerms,
    /// Whether advances get deposit invoices.
    pub vat_on_prepayment: bool,
    pub vat_rates: Vec<DatedRate>,
    pub series: &'static str,
    pub currency: Currency,
    pub players: Vec<Player>,
    pub prices: Vec<(Sku, Unit, Model, Rounding)>,
    pub agreed: Vec<Agreed>,
    pub credits: Vec<Credited>,
}

/// What one customer agreed to beside the prices, from an instant on.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// By the name of its account.
    pub with: String,
    pub description: String,
    pub from: Timestamp,
    pub terms: AgreedTerms,
}

/// What one customer may draw on, from an instant on.
#[derive(Clone, Debug)]
pub struct Credited {
    /// By the name of its account.
    pub with: String,
    pub description: String,
    pub amount: Money,
    pub from: Timestamp,
    /// When it was paid; none: it is granted.
    pub paid_on: Option<Day>,
}

/// A tenant with an account of the same name.
#[derive(Clone, Debug)]
pub struct Player {
    pub key: TenantKey,
    pub party: Party,
    pub kind: Option<BuyerKind>,
    /// Of its documents.
    pub language: Language,
}

/// A tenant that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    pub name: String,
    pub key: TenantKey,
    pub tenant: TenantId,
    pub account: AccountId,
}

/// The cast, on stage.
#[derive(Clone, Debug)]
pub struct Stage {
    pub issuer: Issuer,
    pub members: Vec<Member>,
}

impl Stage {
    pub fn names(&self) -> BTreeMap<TenantId, &str> {
        self.members.iter().map(|m| (m.tenant, m.name.as_str())).collect()
    }
}

/// From when prices, rules and contracts hold: for any month that a trace may be of.
const FROM: Hour = Hour::from_index(0);

/// Puts the cast and the plan's nodes into the catalog, in one transaction.
pub async fn install(db: &Db, cast: &Cast, plan: &Plan, within: Stretch, now: Timestamp) -> anyhow::Result<Stage> {
    let mut tx = db.begin_app().await?;
    let version = catalog::bump(&mut tx).await?;
    let issuer = issuer(&mut tx, cast, now).await?;
    let book = book(&mut tx, cast, now).await?;
    let mut members = Vec::new();
    for player in &cast.players {
        let (name, key) = (&player.party.name, &player.key);
        let account = account(&mut tx, cast, &issuer, player, now).await?;
        if prices::terms(&mut tx, account).await?.is_empty() {
            let (id, created_by) = (fresh_uuid(now), cast.actor.to_owned());
            let term = TermRecord { id, account, book, from: FROM, created_at: now, created_by };
            prices::insert_term(&mut tx, &term).await?;
        }
        let tenant = tenant(&mut tx, account, name, now).await?;
        map_key(&mut tx, cast, key, tenant, version, now).await?;
        agree(&mut tx, cast, name, account, now).await?;
        credit(&mut tx, cast, name, account, now).await?;
        members.push(Member { name: name.clone(), key: key.clone(), tenant, account });
    }
    for node in &plan.nodes {
        if let Some(service) = node.service.clip(within) {
            put_node(&mut tx, node, service, version, now).await?;
        }
    }
    let (actor, subject) = (cast.actor.to_owned(), issuer.id.to_string());
    let change = Change { actor, action: "catalog.simulated", subject, before: None, after: None };
    audit_log::add(&mut tx, &change, now).await?;
    tx.commit().await?;
    Ok(Stage { issuer, members })
}

async fn issuer(conn: &mut PgConnection, cast: &Cast, now: Timestamp) -> anyhow::Result<Issuer> {
    let wanted = Issuer {
        vat_on_prepayment: cast.vat_on_prepayment,
        id: IssuerId::fresh(now),
        party: cast.issuer.clone(),
        zone: Zone::utc(),
        series: cast.series.to_owned(),
        due_days: 30,
        dunning: Dunning::default(),
        terms: cast.terms.clone(),
        created_at: now,
    };
    customers::insert_issuer(conn, &wanted).await?;
    let found = customers::issuers(conn).await?.into_iter().find(|i| i.party.name == wanted.party.name);
    let found = found.context("the issuer was just inserted")?;
    for rate in &cast.vat_rates {
        let (issuer, rate, created_by) = (found.id, rate.clone(), cast.actor.to_owned());
        customers::insert_vat_rate(conn, &NewVatRate { issuer, rate, created_at: now, created_by }).await?;
    }
    Ok(found)
}

async fn book(conn: &mut PgConnection, cast: &Cast, now: Timestamp) -> anyhow::Result<PriceBookId> {
    let name = format!("{} list prices", cast.issuer.name);
    let id = PriceBookId::fresh(now);
    prices::insert_book(conn, &BookRecord { id, name: name.clone(), currency: cast.currency, created_at: now }).await?;
    let found =
        prices::books(conn).await?.into_iter().find(|b| b.name == name).context("the book was just inserted")?;
    for (sku, unit, model, rounding) in &cast.prices {
        if !prices::prices(conn, found.id, Some(sku), None, 1).await?.is_empty() {
            continue;
        }
        let number = prices::ensure_sku(conn, sku, *unit, now).await?;
        let number = number.with_context(|| format!("{sku} is known in another unit than {unit}"))?;
        let price = Price::new(PriceId::fresh(now), sku.clone(), *unit, FROM.start(), model.clone(), *rounding)?;
        let loaded = prices::load_book(conn, found.id).await?.context("the book was just found")?;
        check_new_price(&loaded, &price, now)?;
        let (book, created_by) = (found.id, cast.actor.to_owned());
        prices::insert_price(conn, &PriceRecord { book, price, created_at: now, created_by }, number).await?;
    }
    Ok(found.id)
}

async fn account(
    conn: &mut PgConnection,
    cast: &Cast,
    issuer: &Issuer,
    player: &Player,
    now: Timestamp,
) -> anyhow::Result<AccountId> {
    let name = &player.party.name;
    let wanted = Account {
        id: AccountId::fresh(now),
        issuer: issuer.id,
        party: player.party.clone(),
        customer_kind: player.kind,
        buyer_reference: String::new(),
        buyer_reference_required: false,
        invoice_ceiling: None,
        correction_min: None,
        back_billing_months: None,
        language: player.language,
        purchase_order_required: false,
        currency: cast.currency,
        created_at: now,
    };
    customers::insert_account(conn, &wanted).await?;
    let found = customers::account_named(conn, name).await?.context("the account was just inserted")?;
    ensure!(found.issuer == issuer.id, "there is an account '{name}' of another issuer; use another database");
    Ok(found.id)
}

async fn tenant(conn: &mut PgConnection, account: AccountId, name: &str, now: Timestamp) -> anyhow::Result<TenantId> {
    let tenant = Tenant { id: TenantId::fresh(now), account, name: name.to_owned(), created_at: now };
    customers::insert_tenant(conn, &tenant).await?;
    let found = customers::tenant_named(conn, name).await?.context("the tenant was just inserted")?;
    ensure!(found.account == account, "there is a tenant '{name}' of another account; use another database");
    Ok(found.id)
}

async fn map_key(
    conn: &mut PgConnection,
    cast: &Cast,
    key: &TenantKey,
    tenant: TenantId,
    version: i64,
    now: Timestamp,
) -> anyhow::Result<()> {
    if let Some(rule) = rules::rule_at(conn, key, FROM.start()).await? {
        ensure!(rule.tenant == Some(tenant), "the tenant key {key} is mapped to another tenant; use another database");
        return Ok(());
    }
    let (id, created_by) = (KeyRuleId::fresh(now), cast.actor.to_owned());
    let rule = KeyRule { id, key: key.clone(), from: FROM, tenant: Some(tenant), created_at: now, created_by };
    Ok(rules::append(conn, &rule, version).await?)
}

/// Agrees to what this customer has not agreed to yet.
async fn agree(
    conn: &mut PgConnection,
    cast: &Cast,
    name: &str,
    account: AccountId,
    now: Timestamp,
) -> anyhow::Result<()> {
    let known = agreements::of(conn, &[account]).await?.remove(&account).unwrap_or_default();
    for agreed in cast.agreed.iter().filter(|agreed| agreed.with == name) {
        if known.iter().any(|record| record.agreement.description() == agreed.description) {
            continue;
        }
        let (id, description) = (AgreementId::fresh(now), agreed.description.clone());
        let agreement = Agreement::new(id, description, agreed.from, None, agreed.terms.clone())?;
        let contract = contracts::of_account(conn, account).await?.context("the account was just inserted")?;
        check_new_agreement(&contract, &agreement)?;
        let created_by = cast.actor.to_owned();
        agreements::insert(conn, &AgreementRecord { account, agreement, created_at: now, created_by }).await?;
    }
    Ok(())
}

/// Opens the credits that this customer has not yet.
async fn credit(
    conn: &mut PgConnection,
    cast: &Cast,
    name: &str,
    account: AccountId,
    now: Timestamp,
) -> anyhow::Result<()> {
    let account = customers::account(conn, account).await?.context("the account was just inserted")?;
    let issuer = customers::issuer(conn, account.issuer).await?.context("the issuer was just inserted")?;
    let known = credits::of(conn, account.id).await?;
    for credited in cast.credits.iter().filter(|credited| credited.with == name) {
        if known.iter().any(|record| record.credit.description() == credited.description) {
            continue;
        }
        let source = match credited.paid_on {
            None => Source::Grant(Scope::All),
            Some(paid_on) => {
                let received = Received {
                    amount: credited.amount,
                    paid_on,
                    source: payments::Source::Api,
                    reference: format!("{}: {name}", credited.description),
                    end_to_end_id: String::new(),
                    payer: name.to_owned(),
                    remittance: credited.description.clone(),
                    paid_for: PaidFor::Text,
                };
                Source::Payment(Box::new(record(conn, &issuer, received, cast.actor, now).await?.0))
            }
        };
        let asked = Asked {
            description: credited.description.clone(),
            source,
            amount: Some(credited.amount),
            priority: PRIORITY_DEFAULT,
            from: credited.from,
            expires: None,
        };
        open(conn, &account, asked, cast.actor, now).await?;
    }
    Ok(())
}

async fn put_node(
    conn: &mut PgConnection,
    node: &Node,
    service: Stretch,
    version: i64,
    now: Timestamp,
) -> anyhow::Result<()> {
    nodes::insert(conn, &nodes::Node { id: node.id, name: node.name.clone(), created_at: now }, version).await?;
    let known = nodes::node(conn, node.id).await?;
    ensure!(known.is_some_and(|n| n.name == node.name), "there is another node '{}'; use another database", node.name);
    if !nodes::keys(conn, node.id).await?.iter().any(|k| k.keyid == node.keyid) {
        let public_key = node.key.verifying_key().to_bytes();
        let key = NodeKey { keyid: node.keyid.clone(), from: FROM.start(), public_key, valid: true };
        nodes::append_key(conn, node.id, &key, version, now).await?;
    }
    let states = nodes::states(conn, node.id).await?;
    for (from, state) in new_states(&states, service) {
        let (region, site, rack) = (node.region.clone(), node.site.clone(), node.rack.clone());
        nodes::append_state(conn, node.id, &NodeState { from, state, region, site, rack }, version, now).await?;
    }
    Ok(())
}

/// What must be written so that a node serves in a stretch, and is in the state it was in after it: retired, if
/// nobody had heard of it.
fn new_states(known: &[NodeState], service: Stretch) -> Vec<(Hour, ServiceState)> {
    let (start, end) = (service.start.hour(), service.end.hour());
    let at = |hour: Hour| known.iter().rev().find(|s| s.from <= hour).map(|s| s.state);
    let mut new = Vec::new();
    if at(start) != Some(ServiceState::InService) {
        new.push((start, ServiceState::InService));
    }
    let inside = known.iter().filter(|s| start < s.from && s.from < end && s.state != ServiceState::InService);
    new.extend(inside.map(|s| (s.from, ServiceState::InService)));
    let after = at(end).unwrap_or(ServiceState::Retired);
    let stands = known.iter().any(|s| s.from == end);
    if !stands && (after != ServiceState::InService) {
        new.push((end, after));
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(from: i64, state: ServiceState) -> NodeState {
        NodeState { from: Hour::from_index(from), state, region: "r".into(), site: String::new(), rack: String::new() }
    }

    /// The state in each hour of 0..10 once the new ones are written.
    fn after(known: &[NodeState], from: i64, to: i64) -> String {
        let service = Stretch::new(Hour::from_index(from).start(), Hour::from_index(to).start());
        let mut rows: BTreeMap<Hour, ServiceState> = known.iter().map(|s| (s.from, s.state)).collect();
        rows.extend(new_states(known, service));
        (0..10)
            .map(|h| match rows.range(..=Hour::from_index(h)).next_back().map(|(_, s)| *s) {
                Some(ServiceState::InService) => 's',
                Some(ServiceState::Maintenance) => 'm',
                Some(ServiceState::Retired) => 'r',
                None => '.',
            })
            .collect()
    }

    #[test]
    fn a_node_serves_while_it_is_played_and_no_longer() {
        use ServiceState::{InService, Maintenance, Retired};
        assert_eq!(after(&[], 2, 5), "..sssrrrrr");
        let once = [state(2, InService), state(5, Retired)];
        assert_eq!(after(&once, 2, 5), "..sssrrrrr");
        assert_eq!(after(&once, 0, 8), "ssssssssrr");
        assert_eq!(after(&once, 3, 4), "..sssrrrrr");
        assert_eq!(after(&once, 6, 8), "..sssrssrr");
        let live = [state(4, Maintenance), state(7, InService)];
        assert_eq!(after(&live, 1, 4), ".sssmmmsss");
        assert_eq!(after(&live, 1, 9), ".sssssssss");
    }
}
