//! What did a period come to? Its invoices issued, and read back from the database, line by line.

use std::collections::BTreeMap;

use releve_billing::{Charge, ChargeKind, Issued};
use releve_jobs::Order;
use releve_store::{
    Db,
    invoices::{self, InvoiceFilter, InvoiceHead, InvoiceState},
};
use releve_types::{AccountId, Money, Period, TenantId, Timestamp, Unit, ids::IssuerId};
use serde::Serialize;

use crate::{cast::Stage, serve::archive, settings::Settings};

/// Invoices read at once.
const PAGE_LEN: i64 = 500;

/// A period's documents, as they are stored.
#[derive(Debug)]
pub struct Billed {
    pub issued: Vec<Issued>,
    pub parked: Vec<InvoiceHead>,
}

/// An invoice in a command's result.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct InvoiceRow {
    pub number: String,
    /// invoice, deposit, correction or credit_note.
    pub kind: &'static str,
    /// By name.
    pub account: String,
    pub tenant: String,
    /// Without VAT.
    pub total: String,
    /// With VAT.
    pub payable: String,
    pub currency: String,
}

/// Issues what can be issued, renders the documents, and reads back everything that the period has.
pub async fn bill(
    settings: &Settings,
    db: &Db,
    issuer: IssuerId,
    period: Period,
    now: Timestamp,
) -> anyhow::Result<Billed> {
    let archive = archive(settings, settings.data.as_deref())?;
    releve_jobs::issue(db, Order { archive: archive.as_ref(), ..Order::new(issuer, period) }, now).await?;
    releve_jobs::documents::run(db, now).await?;
    read(db, issuer, period).await
}

/// What was billed so far.
pub async fn read(db: &Db, issuer: IssuerId, period: Period) -> anyhow::Result<Billed> {
    let mut tx = db.begin_app().await?;
    let filter = |state| InvoiceFilter {
        issuer: Some(issuer),
        state: Some(state),
        period_start: Some(period.start()),
        ..InvoiceFilter::default()
    };
    let parked = heads(&mut tx, filter(InvoiceState::Parked)).await?;
    let ids: Vec<_> = heads(&mut tx, filter(InvoiceState::Issued)).await?.iter().map(|head| head.id).collect();
    let mut issued = invoices::issued(&mut tx, &ids).await?;
    issued.sort_by_key(|i| (i.stamp().number.year(), i.stamp().number.serial()));
    tx.commit().await?;
    Ok(Billed { issued, parked })
}

async fn heads(tx: &mut releve_store::Tx, filter: InvoiceFilter) -> anyhow::Result<Vec<InvoiceHead>> {
    let mut heads: Vec<InvoiceHead> = Vec::new();
    loop {
        let page = invoices::page(tx, filter, heads.last().map(|head| head.id), PAGE_LEN).await?;
        let last = page.len() < usize::try_from(PAGE_LEN)?;
        heads.extend(page);
        if last {
            return Ok(heads);
        }
    }
}

/// What an issuer's customers were invoiced when they paid in advance, and what was taken back of it.
pub async fn of_advances(db: &Db, issuer: IssuerId) -> anyhow::Result<Vec<Issued>> {
    let mut tx = db.begin_app().await?;
    let filter = InvoiceFilter { issuer: Some(issuer), state: Some(InvoiceState::Issued), ..InvoiceFilter::default() };
    let heads = heads(&mut tx, filter).await?;
    let ids: Vec<_> = heads.iter().filter(|head| head.credit.is_some()).map(|head| head.id).collect();
    let mut issued = invoices::issued(&mut tx, &ids).await?;
    issued.sort_by_key(|i| (i.stamp().number.year(), i.stamp().number.serial()));
    tx.commit().await?;
    Ok(issued)
}

/// Documents as rows of a command's result.
pub fn rows(issued: &[Issued], stage: &Stage) -> Vec<InvoiceRow> {
    let names = stage.names();
    let accounts: BTreeMap<AccountId, &str> = stage.members.iter().map(|m| (m.account, m.name.as_str())).collect();
    let row = |issued: &Issued| {
        let mut tenants: Vec<&str> = Vec::new();
        for tenant in issued.content().lines.iter().filter_map(|line| line.charge.tenant) {
            let name = names.get(&tenant).copied().unwrap_or("?");
            if !tenants.contains(&name) {
                tenants.push(name);
            }
        }
        InvoiceRow {
            number: issued.stamp().number.to_string(),
            kind: issued.content().kind().name(),
            account: accounts.get(&issued.content().account).copied().unwrap_or("?").to_owned(),
            tenant: tenants.join(", "),
            total: issued.content().total.amount().to_string(),
            payable: issued.taxes().payable.amount().to_string(),
            currency: issued.content().currency.code().to_owned(),
        }
    };
    issued.iter().map(row).collect()
}

impl Billed {
    /// Held GPU time on the lines, in milliseconds, by tenant.
    pub fn gpu_ms(&self) -> BTreeMap<TenantId, i64> {
        self.billed_of(|charge| charge.unit == Unit::GpuMs)
    }

    /// Of that, what reservations cover.
    pub fn reserved_gpu_ms(&self) -> BTreeMap<TenantId, i64> {
        self.billed_of(|charge| matches!(charge.kind, ChargeKind::Reserved(_)))
    }

    fn billed_of(&self, asked: impl Fn(&Charge) -> bool) -> BTreeMap<TenantId, i64> {
        let mut sum = BTreeMap::new();
        for charge in self.issued.iter().flat_map(|i| &i.content().lines).map(|line| &line.charge) {
            if let (Some(tenant), true) = (charge.tenant, asked(charge)) {
                *sum.entry(tenant).or_default() += charge.billed;
            }
        }
        sum
    }

    /// What the lines cost, by tenant.
    pub fn amounts(&self) -> anyhow::Result<BTreeMap<TenantId, Money>> {
        let mut sum: BTreeMap<TenantId, Money> = BTreeMap::new();
        for issued in &self.issued {
            for line in &issued.content().lines {
                let Some(tenant) = line.charge.tenant else { continue };
                let so_far = sum.entry(tenant).or_insert_with(|| Money::zero(issued.content().currency));
                *so_far = so_far.checked_add(line.charge.amount)?;
            }
        }
        Ok(sum)
    }

    /// Why invoices are held back, in words, one line a reason.
    pub fn held_back(&self) -> Vec<String> {
        self.parked.iter().flat_map(reasons).collect()
    }
}

/// Why a parked document waits, one line a reason.
pub fn reasons(head: &InvoiceHead) -> Vec<String> {
    let line = |hold: &releve_billing::Hold| {
        format!("{}, {}: {}: {}; {}", head.account, head.total, hold.kind.name(), hold.detail, hold.to_do)
    };
    head.holds.iter().map(line).collect()
}
