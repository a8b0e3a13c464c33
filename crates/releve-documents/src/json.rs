//! What does an invoice look like to a program? One JSON object whose fields keep their order.
//!
//! Money and prices are strings, so that no reader turns them into binary floats; quantities are integers in base
//! units, with the printed quantity beside them as a string. A new field may appear at any time; none changes its
//! meaning within `format`.

use releve_billing::{Issued, Line, UnitPrice};
use releve_types::money::Currency;
use serde::Serialize;

use crate::{Coverage, Parties, Party, TAX_NOTE, text::kwh};

const FORMAT: &str = "releve-invoice/1";

#[derive(Serialize)]
struct Document {
    format: &'static str,
    id: String,
    number: String,
    issue_date: String,
    issued_at: String,
    due_date: String,
    due_at: String,
    issuer: PartyView,
    account: PartyView,
    period: PeriodView,
    book: i32,
    currency: &'static str,
    total: String,
    note: &'static str,
    lines: Vec<LineView>,
    energy_mj: i64,
    energy_kwh: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageView>,
    digest: DigestView,
}

#[derive(Serialize)]
struct PartyView {
    id: String,
    name: String,
    address: String,
    country: String,
    vat_id: String,
}

#[derive(Serialize)]
struct PeriodView {
    start: String,
    end: String,
    zone: String,
}

#[derive(Serialize)]
struct LineView {
    line: i32,
    description: String,
    tenant: String,
    tenant_name: String,
    project: String,
    sku: String,
    price: String,
    tier: u32,
    start: String,
    end: String,
    unit: &'static str,
    metered: i64,
    billed: i64,
    quantity: String,
    quantity_unit: &'static str,
    unit_price: String,
    base_quantity: i64,
    price_per: &'static str,
    amount: String,
    energy_mj: i64,
    energy_kwh: String,
}

#[derive(Serialize)]
struct CoverageView {
    expected_ms: i64,
    reported_ms: i64,
    accepted_gap_ms: i64,
}

#[derive(Serialize)]
struct DigestView {
    algorithm: &'static str,
    over: &'static str,
    value: String,
}

/// The invoice as JSON, indented, ended by a line feed. The same arguments give the same bytes.
pub fn invoice_json(invoice: &Issued, parties: &Parties, coverage: Option<&Coverage>) -> String {
    let (content, stamp) = (invoice.content(), invoice.stamp());
    let energy_mj = content.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.charge.energy_mj));
    let document = Document {
        format: FORMAT,
        id: stamp.id.to_string(),
        number: stamp.number.to_string(),
        issue_date: parties.zone.date(stamp.issued_at),
        issued_at: stamp.issued_at.to_string(),
        due_date: parties.zone.date(stamp.due_at),
        due_at: stamp.due_at.to_string(),
        issuer: party(content.issuer.to_string(), &parties.issuer),
        account: party(content.account.to_string(), &parties.account),
        period: PeriodView {
            start: content.period.start().to_string(),
            end: content.period.end().to_string(),
            zone: parties.zone.name().to_owned(),
        },
        book: content.book,
        currency: Currency::code(content.currency),
        total: content.total.amount().to_string(),
        note: TAX_NOTE,
        lines: content.lines.iter().map(|line| line_view(line, parties)).collect(),
        energy_mj,
        energy_kwh: kwh(energy_mj),
        coverage: coverage.map(|c| CoverageView {
            expected_ms: c.expected_ms,
            reported_ms: c.reported_ms,
            accepted_gap_ms: c.accepted_ms,
        }),
        digest: DigestView { algorithm: "sha-256", over: "releve-basis/1", value: hex::encode(stamp.digest) },
    };
    let mut out = serde_json::to_string_pretty(&document).expect("texts and integers have a JSON form");
    out.push('\n');
    out
}

fn party(id: String, party: &Party) -> PartyView {
    let Party { name, address, country, vat_id } = party.clone();
    PartyView { id, name, address, country, vat_id }
}

fn line_view(line: &Line, parties: &Parties) -> LineView {
    let c = &line.charge;
    LineView {
        line: line.line,
        description: line.description.clone(),
        tenant: c.tenant.to_string(),
        tenant_name: parties.tenant(c.tenant),
        project: c.project.clone(),
        sku: c.sku.to_string(),
        price: c.price_id.to_string(),
        tier: c.tier + 1,
        start: c.stretch.start().to_string(),
        end: c.stretch.end().to_string(),
        unit: c.unit.name(),
        metered: c.metered,
        billed: c.billed,
        quantity: c.quantity().to_string(),
        quantity_unit: c.unit.printed().0,
        unit_price: UnitPrice::new(c.unit_price).map_or_else(|_| c.unit_price.to_string(), |p| p.to_string()),
        base_quantity: c.base_quantity,
        price_per: c.unit.base_quantity().0,
        amount: c.amount.amount().to_string(),
        energy_mj: c.energy_mj,
        energy_kwh: kwh(c.energy_mj),
    }
}
