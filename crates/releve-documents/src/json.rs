//! What does an invoice look like to a program? One JSON object whose fields keep their order.
//!
//! Money and prices are strings, so that no reader turns them into binary floats; quantities are integers in base
//! units, with the printed quantity beside them as a string. A new field may appear at any time; none changes its
//! meaning within `format`.

use releve_billing::{
    BASIS_VERSION, Corrected, DEPOSIT_BASIS_VERSION, Drawn, Issued, Line, UnitPrice,
    tax::{Stated, Subtotal, Vat},
};
use releve_types::{Language, money::Currency};
use serde::Serialize;

use crate::{Coverage, Parties, Party, mentions, text::kwh};

const FORMAT: &str = "releve-invoice/1";

#[derive(Serialize)]
struct Document {
    format: &'static str,
    id: String,
    number: String,
    /// `invoice`, `deposit`, `correction` or `credit_note`. A credit note's figures are what is given back, without a sign.
    kind: &'static str,
    /// The documents that this one corrects, the first first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    corrects: Vec<CorrectedView>,
    /// The customer's, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_order: Option<String>,
    issue_date: String,
    issued_at: String,
    due_date: String,
    due_at: String,
    issuer: PartyView,
    account: PartyView,
    period: PeriodView,
    book: i32,
    currency: &'static str,
    /// Without VAT, as the lines' amounts are.
    total: String,
    vat: Vec<VatView>,
    tax: String,
    /// The same in the currency of where it is owed, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_stated: Option<StatedView>,
    /// With VAT.
    payable: String,
    /// What credits that were paid in advance cover of it; of a credit note, what goes back to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advances: Vec<AdvanceView>,
    /// Their sum.
    prepaid: String,
    /// What is payable less that.
    due: String,
    lines: Vec<LineView>,
    energy_mj: i64,
    energy_kwh: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageView>,
    digest: DigestView,
}

#[derive(Serialize)]
struct CorrectedView {
    number: String,
    issue_date: String,
}

#[derive(Serialize)]
struct PartyView {
    id: String,
    name: String,
    address: String,
    postcode: String,
    city: String,
    country: String,
    vat_id: String,
    legal_id: String,
}

/// A part of EN 16931 BT-113.
#[derive(Serialize)]
struct AdvanceView {
    credit: String,
    paid_on: String,
    /// The invoice that it got when it was paid, with its VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit: Option<DepositView>,
    amount: String,
}

#[derive(Serialize)]
struct DepositView {
    number: String,
    issued_at: String,
}

/// EN 16931 BG-23.
#[derive(Serialize)]
struct VatView {
    category: &'static str,
    ground: &'static str,
    rate: String,
    base: String,
    tax: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// EN 16931 BT-6 and BT-111.
#[derive(Serialize)]
struct StatedView {
    currency: &'static str,
    tax: String,
    exchange_rate: RateView,
}

/// 1 `base` = `rate` `quote`.
#[derive(Serialize)]
struct RateView {
    id: String,
    base: &'static str,
    rate: String,
    quote: &'static str,
    day: String,
    source: String,
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
    /// What was billed before, taken off again; what should be billed instead stands beside it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    taken_back: bool,
    /// usage, reserved, unused, overage, recurring, once, goodwill, minimum, credit or deposit.
    kind: &'static str,
    /// Nobody's in particular where the account owes it as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_name: Option<String>,
    project: String,
    sku: String,
    /// Of usage the price book's price, of a credit or a deposit the credit, else the agreement.
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
    price_per: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<DiscountView>,
    /// After the discount.
    amount: String,
    vat_category: &'static str,
    vat_ground: &'static str,
    /// `standard` or `reduced`: which of a country's rates.
    vat_class: &'static str,
    vat_rate: String,
    energy_mj: i64,
    energy_kwh: String,
}

/// EN 16931 BG-27.
#[derive(Serialize)]
struct DiscountView {
    agreement: String,
    percent: String,
    base: String,
    amount: String,
}

#[derive(Serialize)]
struct CoverageView {
    /// What the account may have held of nodes in service that said nothing, and is not billed for; 0: nothing is missing.
    missing_gpu_ms: i64,
}

#[derive(Serialize)]
struct DigestView {
    algorithm: &'static str,
    over: String,
    value: String,
}

/// The invoice as JSON, indented, ended by a line feed. The same arguments give the same bytes.
pub fn invoice_json(invoice: &Issued, parties: &Parties, coverage: Option<&Coverage>) -> String {
    let kind = invoice.content().kind();
    let (content, taxes, stamp) = (&invoice.content().printed(), &invoice.taxes().printed(kind), invoice.stamp());
    let advances = invoice.advances().printed(kind);
    let energy_mj = content.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.charge.energy_mj));
    let document = Document {
        format: FORMAT,
        id: stamp.id.to_string(),
        number: stamp.number.to_string(),
        kind: kind.name(),
        corrects: content.corrects.iter().map(|c| corrected(c, parties)).collect(),
        purchase_order: content.purchase_order.as_ref().map(|order| order.number.clone()),
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
        vat: taxes.subtotals.iter().map(vat_view).collect(),
        tax: taxes.tax.amount().to_string(),
        tax_stated: taxes.stated.as_deref().map(stated),
        payable: taxes.payable.amount().to_string(),
        advances: advances.drawn.iter().map(advance).collect(),
        prepaid: advances.paid.amount().to_string(),
        due: advances.due.amount().to_string(),
        lines: content.lines.iter().zip(&taxes.lines).map(|(line, vat)| line_view(line, *vat, parties)).collect(),
        energy_mj,
        energy_kwh: kwh(energy_mj),
        coverage: coverage.map(|c| CoverageView { missing_gpu_ms: c.missing_gpu_ms }),
        digest: DigestView {
            algorithm: "sha-256",
            over: if content.is_of_deposit() {
                format!("releve-deposit/{DEPOSIT_BASIS_VERSION}")
            } else {
                format!("releve-basis/{BASIS_VERSION}")
            },
            value: hex::encode(stamp.digest),
        },
    };
    let mut out = serde_json::to_string_pretty(&document).expect("texts and integers have a JSON form");
    out.push('\n');
    out
}

fn party(id: String, party: &Party) -> PartyView {
    let Party { name, address, postcode, city, country, vat_id, legal_id, email: _ } = party.clone();
    PartyView { id, name, address, postcode, city, country, vat_id, legal_id }
}

fn corrected(corrected: &Corrected, parties: &Parties) -> CorrectedView {
    CorrectedView { number: corrected.number.to_string(), issue_date: parties.zone.date(corrected.issued_at) }
}

fn advance(drawn: &Drawn) -> AdvanceView {
    AdvanceView {
        credit: drawn.credit.to_string(),
        paid_on: drawn.paid_on.to_string(),
        deposit: drawn.deposit.as_deref().map(|deposit| DepositView {
            number: deposit.number.to_string(),
            issued_at: deposit.issued_at.to_string(),
        }),
        amount: drawn.amount.amount().to_string(),
    }
}

fn stated(stated: &Stated) -> StatedView {
    let rate = &stated.rate;
    StatedView {
        currency: Currency::code(stated.tax.currency()),
        tax: stated.tax.amount().to_string(),
        exchange_rate: RateView {
            id: rate.id().to_string(),
            base: Currency::code(rate.base()),
            rate: rate.rate().to_string(),
            quote: Currency::code(rate.quote()),
            day: rate.day().to_string(),
            source: rate.source().to_owned(),
        },
    }
}

fn vat_view(subtotal: &Subtotal) -> VatView {
    let Vat { ground, rate } = subtotal.vat;
    VatView {
        category: ground.category().code(),
        ground: ground.name(),
        rate: rate.to_string(),
        base: subtotal.base.amount().to_string(),
        tax: subtotal.tax.amount().to_string(),
        reason: mentions::reason(ground, Language::English),
    }
}

fn line_view(line: &Line, vat: Vat, parties: &Parties) -> LineView {
    let c = &line.charge;
    LineView {
        line: line.line,
        description: line.description.clone(),
        taken_back: line.taken_back,
        kind: c.kind.name(),
        tenant: c.tenant.map(|tenant| tenant.to_string()),
        tenant_name: c.tenant.map(|tenant| parties.tenant(tenant)),
        project: c.project.clone(),
        sku: c.sku.to_string(),
        price: c.kind.reference(),
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
        price_per: c.priced_per().into_owned(),
        discount: c.discount.map(|off| DiscountView {
            agreement: off.agreement.to_string(),
            percent: off.percent.to_string(),
            base: c.gross().unwrap_or(c.amount).amount().to_string(),
            amount: off.amount.amount().to_string(),
        }),
        amount: c.amount.amount().to_string(),
        vat_category: vat.ground.category().code(),
        vat_ground: vat.ground.name(),
        vat_class: c.class.name(),
        vat_rate: vat.rate.to_string(),
        energy_mj: c.energy_mj,
        energy_kwh: kwh(c.energy_mj),
    }
}
