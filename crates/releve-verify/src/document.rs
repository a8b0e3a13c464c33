//! What does an invoice's JSON say? Read back as the invoice that was issued, which has to add up.

use releve_billing::{
    Advances, Allowance, Charge, ChargeKind, Content, Corrected, DepositRef, Drawn, Issued, Line, Number, Stamp,
    tax::{ExchangeRate, Stated, Subtotal, Taxes, Vat, VatRate},
};
use releve_types::{Currency, InvoiceId, Money, Period, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::Uuid;

const FORMAT: &str = "releve-invoice/1";

/// What is read of it; names, addresses and what can be computed from the rest is passed over.
#[derive(Deserialize)]
struct Document {
    format: String,
    id: String,
    number: String,
    kind: String,
    #[serde(default)]
    corrects: Vec<CorrectedView>,
    issued_at: String,
    due_at: String,
    issuer: PartyView,
    account: PartyView,
    period: PeriodView,
    book: i32,
    currency: String,
    total: String,
    vat: Vec<VatView>,
    tax: String,
    tax_stated: Option<StatedView>,
    payable: String,
    #[serde(default)]
    advances: Vec<AdvanceView>,
    prepaid: String,
    due: String,
    lines: Vec<LineView>,
    digest: DigestView,
}

#[derive(Deserialize)]
struct CorrectedView {
    number: String,
}

#[derive(Deserialize)]
struct PartyView {
    id: String,
}

#[derive(Deserialize)]
struct PeriodView {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct VatView {
    ground: String,
    rate: String,
    base: String,
    tax: String,
}

#[derive(Deserialize)]
struct StatedView {
    tax: String,
    exchange_rate: RateView,
}

#[derive(Deserialize)]
struct RateView {
    id: String,
    base: String,
    rate: String,
    quote: String,
    day: String,
    source: String,
}

#[derive(Deserialize)]
struct AdvanceView {
    credit: String,
    paid_on: String,
    amount: String,
    deposit: Option<DepositView>,
}

#[derive(Deserialize)]
struct DepositView {
    number: String,
    issued_at: String,
}

#[derive(Deserialize)]
struct DigestView {
    value: String,
}

#[derive(Deserialize)]
struct DiscountView {
    agreement: String,
    percent: String,
    amount: String,
}

#[derive(Deserialize)]
struct LineView {
    line: i32,
    description: String,
    #[serde(default)]
    taken_back: bool,
    kind: String,
    tenant: Option<String>,
    project: String,
    sku: String,
    price: String,
    tier: u32,
    start: String,
    end: String,
    unit: String,
    metered: i64,
    billed: i64,
    unit_price: String,
    base_quantity: i64,
    discount: Option<DiscountView>,
    amount: String,
    vat_ground: String,
    vat_class: String,
    vat_rate: String,
    energy_mj: i64,
}

/// An invoice that can't be read, or that contradicts itself.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct DocumentError {
    pub field: String,
    pub detail: String,
}

fn broken(field: impl Into<String>, detail: impl ToString) -> DocumentError {
    DocumentError { field: field.into(), detail: detail.to_string() }
}

/// Reads an invoice. Those of the period that were issued before, it finds by their numbers.
pub fn read(json: &[u8], before: &[Issued]) -> Result<Issued, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let document: Document = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| broken(error.path().to_string(), error.inner().to_string()))?;
    deserializer.end().map_err(|error| broken("end", error))?;
    document.issued(before)
}

fn parsed<T: std::str::FromStr<Err: ToString>>(field: &str, text: &str) -> Result<T, DocumentError> {
    text.parse().map_err(|error: T::Err| broken(field, error.to_string()))
}

fn decimal(field: &str, text: &str) -> Result<Decimal, DocumentError> {
    Decimal::from_str_exact(text).map_err(|error| broken(field, error))
}

fn vat(field: &str, ground: &str, rate: &str) -> Result<Vat, DocumentError> {
    let rate = VatRate::new(decimal(field, rate)?).map_err(|error| broken(field, error))?;
    Ok(Vat { ground: parsed(field, ground)?, rate })
}

/// How a document's amounts are signed: a credit note prints what it gives back without one.
#[derive(Clone, Copy)]
struct Sign {
    currency: Currency,
    turned: bool,
}

impl Sign {
    fn money(self, field: &str, text: &str) -> Result<Money, DocumentError> {
        let money = Money::parse(text, self.currency).map_err(|error| broken(field, error))?;
        Ok(if self.turned { money.negated() } else { money })
    }

    const fn quantity(self, quantity: i64) -> i64 {
        if self.turned { quantity.saturating_neg() } else { quantity }
    }
}

impl Document {
    fn issued(&self, before: &[Issued]) -> Result<Issued, DocumentError> {
        if self.format != FORMAT {
            return Err(broken("format", format!("'{}', where {FORMAT} is read", self.format)));
        }
        let sign = Sign { currency: parsed("currency", &self.currency)?, turned: self.kind == "credit_note" };
        let corrects = self.corrects.iter().map(|c| corrected(&c.number, before)).collect::<Result<_, _>>()?;
        let period = Period::new(parsed("period.start", &self.period.start)?, parsed("period.end", &self.period.end)?);
        let lines = self.lines.iter().map(|line| line.line(sign)).collect::<Result<Vec<_>, _>>()?;
        let (lines, of_lines) = lines.into_iter().unzip();
        let content = Content {
            account: parsed("account.id", &self.account.id)?,
            issuer: parsed("issuer.id", &self.issuer.id)?,
            period: period.map_err(|error| broken("period", error))?,
            book: self.book,
            currency: sign.currency,
            corrects,
            // No basis says under which order it was issued.
            purchase_order: None,
            lines,
            total: sign.money("total", &self.total)?,
        };
        let taxes = self.taxes(sign, of_lines)?;
        let advances = self.advances(sign, taxes.payable)?;
        let (issued_at, due_at): (Timestamp, Timestamp) =
            (parsed("issued_at", &self.issued_at)?, parsed("due_at", &self.due_at)?);
        let digest = hex::decode(&self.digest.value).ok().and_then(|bytes| bytes.try_into().ok());
        let stamp = Stamp {
            id: parsed::<InvoiceId>("id", &self.id)?,
            number: parsed::<Number>("number", &self.number)?,
            issued_at,
            due_at,
            digest: digest.ok_or_else(|| broken("digest.value", "no SHA-256"))?,
        };
        let issued = Issued::restore(content, taxes, advances, stamp);
        let issued = issued.map_err(|error| broken("invoice", error))?;
        if issued.content().kind().name() == self.kind {
            Ok(issued)
        } else {
            Err(broken("kind", format!("'{}' of a document of {}", self.kind, issued.content().total)))
        }
    }

    fn taxes(&self, sign: Sign, lines: Vec<Vat>) -> Result<Taxes, DocumentError> {
        let subtotal = |v: &VatView| {
            let (base, tax) = (sign.money("vat.base", &v.base)?, sign.money("vat.tax", &v.tax)?);
            Ok(Subtotal { vat: vat("vat", &v.ground, &v.rate)?, base, tax })
        };
        let subtotals = self.vat.iter().map(subtotal).collect::<Result<_, _>>()?;
        let (tax, payable) = (sign.money("tax", &self.tax)?, sign.money("payable", &self.payable)?);
        let stated = self.tax_stated.as_ref().map(|stated| stated.stated(sign)).transpose()?.map(Box::new);
        Ok(Taxes { lines, subtotals, tax, payable, stated })
    }

    fn advances(&self, sign: Sign, payable: Money) -> Result<Advances, DocumentError> {
        let drawn = |a: &AdvanceView| {
            Ok(Drawn {
                credit: parsed("advances.credit", &a.credit)?,
                paid_on: parsed("advances.paid_on", &a.paid_on)?,
                deposit: a.deposit.as_ref().map(deposit).transpose()?,
                amount: sign.money("advances.amount", &a.amount)?,
            })
        };
        let drawn = self.advances.iter().map(drawn).collect::<Result<_, _>>()?;
        let advances = Advances::of(payable, drawn).map_err(|error| broken("advances", error))?;
        for (field, text, is) in [("prepaid", &self.prepaid, advances.paid), ("due", &self.due, advances.due)] {
            if sign.money(field, text)? != is {
                return Err(broken(field, format!("{text}, where the advances leave {is}")));
            }
        }
        Ok(advances)
    }
}

fn deposit(of: &DepositView) -> Result<Box<DepositRef>, DocumentError> {
    let number = parsed("advances.deposit.number", &of.number)?;
    Ok(Box::new(DepositRef { number, issued_at: parsed("advances.deposit.issued_at", &of.issued_at)? }))
}

fn corrected(number: &str, before: &[Issued]) -> Result<Corrected, DocumentError> {
    let number: Number = parsed("corrects.number", number)?;
    let found = before.iter().map(Issued::stamp).find(|stamp| stamp.number == number);
    let stamp =
        found.ok_or_else(|| broken("corrects.number", format!("{number} is not among the documents before it")))?;
    Ok(Corrected { id: stamp.id, number, issued_at: stamp.issued_at })
}

impl StatedView {
    fn stated(&self, sign: Sign) -> Result<Stated, DocumentError> {
        let of = &self.exchange_rate;
        let field = |name: &str| format!("tax_stated.exchange_rate.{name}");
        let between = (parsed(&field("base"), &of.base)?, parsed(&field("quote"), &of.quote)?);
        let (costs, day) = (decimal(&field("rate"), &of.rate)?, parsed(&field("day"), &of.day)?);
        let rate = ExchangeRate::new(parsed(&field("id"), &of.id)?, between, costs, day, &of.source);
        let rate = rate.map_err(|error| broken(field(error.field()), error))?;
        let other = rate.other(sign.currency);
        let currency = other.ok_or_else(|| broken(field("quote"), format!("no rate of {}", sign.currency)))?;
        Ok(Stated { tax: Sign { currency, ..sign }.money("tax_stated.tax", &self.tax)?, rate })
    }
}

impl LineView {
    fn line(&self, sign: Sign) -> Result<(Line, Vat), DocumentError> {
        let field = |name: &str| format!("lines[{}].{name}", self.line);
        let id = self.price.split_once('_').and_then(|(_, id)| Uuid::try_parse(id).ok());
        let id = id.ok_or_else(|| broken(field("price"), format!("'{}' is no id", self.price)))?;
        let kind = ChargeKind::from_parts(&self.kind, id).filter(|kind| kind.reference() == self.price);
        let kind = kind.ok_or_else(|| broken(field("kind"), format!("'{}' of {}", self.kind, self.price)))?;
        let stretch = Period::new(parsed(&field("start"), &self.start)?, parsed(&field("end"), &self.end)?);
        let discount = |off: &DiscountView| {
            let at = field("discount");
            let (agreement, percent) = (parsed(&at, &off.agreement)?, parsed(&at, &off.percent)?);
            Ok(Allowance { agreement, percent, amount: sign.money(&at, &off.amount)? })
        };
        let charge = Charge {
            tenant: self.tenant.as_deref().map(|tenant| parsed(&field("tenant"), tenant)).transpose()?,
            project: self.project.clone(),
            sku: parsed(&field("sku"), &self.sku)?,
            unit: parsed(&field("unit"), &self.unit)?,
            kind,
            class: parsed(&field("vat_class"), &self.vat_class)?,
            tier: self.tier.checked_sub(1).ok_or_else(|| broken(field("tier"), "tiers are counted from 1"))?,
            stretch: stretch.map_err(|error| broken(field("start"), error))?,
            metered: sign.quantity(self.metered),
            billed: sign.quantity(self.billed),
            energy_mj: sign.quantity(self.energy_mj),
            unit_price: decimal(&field("unit_price"), &self.unit_price)?.normalize(),
            base_quantity: self.base_quantity,
            discount: self.discount.as_ref().map(discount).transpose()?,
            amount: sign.money(&field("amount"), &self.amount)?,
        };
        let vat = vat(&field("vat"), &self.vat_ground, &self.vat_rate)?;
        let (line, description, taken_back) = (self.line, self.description.clone(), self.taken_back);
        Ok((Line { line, description, taken_back, charge }, vat))
    }
}
