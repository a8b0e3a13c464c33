//! Which tables of what is stored can be taken away as they are? Invoices, their lines, payments, and the hours of usage.

use std::collections::BTreeMap;

use releve_billing::Issued;
use releve_types::{AccountId, AllocationId, Hour, InvoiceId, Sku, TenantId, Unit, Zone};

use crate::{
    month::{Document, Month, Paid, Settled},
    table::{Cell, Column, ColumnType, Row, Schema},
};

const MONEY: ColumnType = ColumnType::Decimal(2);
/// Decimals of a price per base quantity.
const PRICE: ColumnType = ColumnType::Decimal(9);

pub const INVOICES: Schema = Schema {
    name: "invoices",
    columns: &[
        Column::new("number", ColumnType::Text),
        Column::new("kind", ColumnType::Text),
        Column::new("account_id", ColumnType::Text),
        Column::new("account", ColumnType::Text),
        Column::new("period_start", ColumnType::Timestamp),
        Column::new("period_end", ColumnType::Timestamp),
        Column::new("issued_on", ColumnType::Date),
        Column::new("due_on", ColumnType::Date),
        Column::new("currency", ColumnType::Text),
        Column::new("total", MONEY),
        Column::new("vat", MONEY),
        Column::new("payable", MONEY),
        Column::new("prepaid", MONEY),
        Column::new("due", MONEY),
        Column::new("corrects", ColumnType::Text).nullable(),
        Column::new("purchase_order", ColumnType::Text).nullable(),
    ],
};

pub const LINES: Schema = Schema {
    name: "invoice_lines",
    columns: &[
        Column::new("number", ColumnType::Text),
        Column::new("line", ColumnType::Integer),
        Column::new("account_id", ColumnType::Text),
        Column::new("tenant_id", ColumnType::Text).nullable(),
        Column::new("project", ColumnType::Text).nullable(),
        Column::new("sku", ColumnType::Text),
        Column::new("kind", ColumnType::Text),
        Column::new("description", ColumnType::Text),
        Column::new("taken_back", ColumnType::Boolean),
        Column::new("from", ColumnType::Timestamp),
        Column::new("to", ColumnType::Timestamp),
        Column::new("unit", ColumnType::Text),
        Column::new("metered", ColumnType::Integer),
        Column::new("billed", ColumnType::Integer),
        Column::new("energy_mj", ColumnType::Integer),
        Column::new("tier", ColumnType::Integer),
        Column::new("unit_price", PRICE),
        Column::new("base_quantity", ColumnType::Integer),
        Column::new("discount", MONEY),
        Column::new("amount", MONEY),
        Column::new("currency", ColumnType::Text),
        Column::new("vat_ground", ColumnType::Text),
        Column::new("vat_rate", MONEY),
    ],
};

pub const PAYMENTS: Schema = Schema {
    name: "payments",
    columns: &[
        Column::new("payment_id", ColumnType::Text),
        Column::new("paid_on", ColumnType::Date),
        Column::new("recorded_on", ColumnType::Date),
        Column::new("payer", ColumnType::Text).nullable(),
        Column::new("reference", ColumnType::Text),
        Column::new("currency", ColumnType::Text),
        Column::new("amount", MONEY),
        Column::new("settled_on", ColumnType::Date).nullable(),
        Column::new("account_id", ColumnType::Text).nullable(),
        Column::new("number", ColumnType::Text).nullable(),
        Column::new("settled", MONEY).nullable(),
    ],
};

pub const USAGE_HOURS: Schema = Schema {
    name: "usage_hours",
    columns: &[
        Column::new("hour", ColumnType::Timestamp),
        Column::new("account_id", ColumnType::Text),
        Column::new("tenant_id", ColumnType::Text),
        Column::new("project", ColumnType::Text).nullable(),
        Column::new("sku", ColumnType::Text),
        Column::new("unit", ColumnType::Text),
        Column::new("book", ColumnType::Integer),
        Column::new("quantity", ColumnType::Integer),
        Column::new("energy_mj", ColumnType::Integer),
    ],
};

pub const ALLOCATION_HOURS: Schema = Schema {
    name: "allocation_hours",
    columns: &[
        Column::new("hour", ColumnType::Timestamp),
        Column::new("account_id", ColumnType::Text),
        Column::new("tenant_id", ColumnType::Text),
        Column::new("project", ColumnType::Text).nullable(),
        Column::new("allocation_id", ColumnType::Text),
        Column::new("device_id", ColumnType::Text),
        Column::new("sku", ColumnType::Text),
        Column::new("book", ColumnType::Integer),
        Column::new("held_ms", ColumnType::Integer),
        Column::new("taken_back_ms", ColumnType::Integer),
        Column::new("energy_mj", ColumnType::Integer),
    ],
};

/// An invoice.
pub fn invoice(issued: &Issued, account: &str, zone: &Zone) -> Row {
    let (content, taxes, advances, stamp) = (issued.content(), issued.taxes(), issued.advances(), issued.stamp());
    let corrects: Vec<String> = content.corrects.iter().map(|c| c.number.to_string()).collect();
    vec![
        Cell::text(stamp.number.to_string()),
        Cell::text(content.kind().name()),
        Cell::text(content.account.to_string()),
        Cell::text(account),
        Cell::Timestamp(content.period.start()),
        Cell::Timestamp(content.period.end()),
        date(zone, stamp.issued_at),
        date(zone, stamp.due_at),
        Cell::text(content.currency.code()),
        content.total.into(),
        taxes.tax.into(),
        taxes.payable.into(),
        advances.paid.into(),
        advances.due.into(),
        Cell::text_or_null(corrects.join(" ")),
        Cell::or_null(content.purchase_order.as_ref(), |order| Cell::text(&*order.number)),
    ]
}

/// Its lines.
pub fn lines(issued: &Issued) -> Vec<Row> {
    let content = issued.content();
    let number = issued.stamp().number.to_string();
    let row = |(line, vat): (&releve_billing::Line, &releve_billing::tax::Vat)| {
        let charge = &line.charge;
        let discount = charge.discount.map_or_else(|| releve_types::Money::zero(content.currency), |off| off.amount);
        vec![
            Cell::text(&*number),
            Cell::Integer(i64::from(line.line)),
            Cell::text(content.account.to_string()),
            Cell::or_null(charge.tenant, |tenant| Cell::text(tenant.to_string())),
            Cell::text_or_null(&*charge.project),
            Cell::text(charge.sku.to_string()),
            Cell::text(charge.kind.name()),
            Cell::text(&*line.description),
            Cell::Boolean(line.taken_back),
            Cell::Timestamp(charge.stretch.start()),
            Cell::Timestamp(charge.stretch.end()),
            Cell::text(charge.unit.name()),
            Cell::Integer(charge.metered),
            Cell::Integer(charge.billed),
            Cell::Integer(charge.energy_mj),
            Cell::Integer(i64::from(charge.tier)),
            Cell::Decimal(charge.unit_price.normalize()),
            Cell::Integer(charge.base_quantity),
            discount.into(),
            charge.amount.into(),
            Cell::text(content.currency.code()),
            Cell::text(vat.ground.name()),
            Cell::Decimal(vat.rate.percent()),
        ]
    };
    content.lines.iter().zip(&issued.taxes().lines).map(row).collect()
}

/// The payments that were recorded in the month, each once for every document that it was set against, whenever that was.
pub fn payments(month: &Month) -> Vec<Row> {
    let (documents, mut rows) = (month.by_id(), Vec::new());
    for paid in month.payments.iter().filter(|paid| month.is_in(paid.recorded_at)) {
        let mut against = month.settlements.iter().filter(|settled| settled.payment == paid.id).peekable();
        if against.peek().is_none() {
            rows.push(payment(month, &documents, paid, None));
        }
        rows.extend(against.map(|settled| payment(month, &documents, paid, Some(settled))));
    }
    rows
}

fn payment(month: &Month, documents: &BTreeMap<InvoiceId, &Document>, paid: &Paid, settled: Option<&Settled>) -> Row {
    let document = settled.and_then(|settled| documents.get(&settled.invoice));
    vec![
        Cell::text(paid.id.to_string()),
        Cell::Date(paid.paid_on),
        Cell::Date(month.date(paid.recorded_at)),
        Cell::text_or_null(&*paid.payer),
        Cell::text(&*paid.reference),
        Cell::text(paid.amount.currency().code()),
        paid.amount.into(),
        Cell::or_null(settled, |settled| Cell::Date(month.date(settled.settled_at))),
        Cell::or_null(settled, |settled| Cell::text(settled.account.to_string())),
        Cell::or_null(document, |document| Cell::text(document.number.to_string())),
        Cell::or_null(settled, |settled| settled.amount.into()),
    ]
}

fn date(zone: &Zone, at: releve_types::Timestamp) -> Cell {
    let day = zone.date(at).parse();
    Cell::Date(day.unwrap_or_else(|_| releve_types::Day::from_index(at.day())))
}

/// A tenant's hour, of one project and SKU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageHour {
    pub hour: Hour,
    pub account: AccountId,
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    pub unit: Unit,
    pub book: i32,
    /// In base units; a later book may take away.
    pub quantity: i64,
    pub energy_mj: i64,
}

impl UsageHour {
    pub fn row(&self) -> Row {
        vec![
            Cell::Timestamp(self.hour.start()),
            Cell::text(self.account.to_string()),
            Cell::text(self.tenant.to_string()),
            Cell::text_or_null(&*self.project),
            Cell::text(self.sku.to_string()),
            Cell::text(self.unit.name()),
            Cell::Integer(i64::from(self.book)),
            Cell::Integer(self.quantity),
            Cell::Integer(self.energy_mj),
        ]
    }
}

/// What an allocation held of a device in an hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocationHour {
    pub hour: Hour,
    pub account: AccountId,
    pub tenant: TenantId,
    pub project: String,
    pub allocation: AllocationId,
    pub device: String,
    pub sku: Sku,
    pub book: i32,
    pub held_ms: i64,
    pub taken_back_ms: i64,
    pub energy_mj: i64,
}

impl AllocationHour {
    pub fn row(&self) -> Row {
        vec![
            Cell::Timestamp(self.hour.start()),
            Cell::text(self.account.to_string()),
            Cell::text(self.tenant.to_string()),
            Cell::text_or_null(&*self.project),
            Cell::text(self.allocation.to_string()),
            Cell::text(&*self.device),
            Cell::text(self.sku.to_string()),
            Cell::Integer(i64::from(self.book)),
            Cell::Integer(self.held_ms),
            Cell::Integer(self.taken_back_ms),
            Cell::Integer(self.energy_mj),
        ]
    }
}
