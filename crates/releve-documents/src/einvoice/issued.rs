//! What does an invoice that we issued say in the standard's terms?

use releve_billing::{
    Advances, Allowance, Charge, Content, Corrected, Issued, Kind, Line as IssuedLine, Number,
    tax::{Category, Ground, Scheme, Subtotal, Taxes, Vat},
};
use releve_types::{Currency, Language, Money, Period, Timestamp, Unit, Zone};
use rust_decimal::Decimal;

use super::{
    AccountingTax, Address, AdjustmentBase, BaseQuantity, Contact, Date, DateError, DocumentType, EInvoice, Identifier,
    ItemAttribute, Line, LineAdjustment, MeansCode, Note, NoteSubject, Party, PaymentAccount, PaymentMeans, Preceding,
    Profile, Seller, Span, Totals, UnitCode, VatBreakdown, VatCategory, VatPoint, VatRate,
};
use crate::{Parties, mentions, parties};

/// The billing framework of a service that is still to be paid (XP Z12-012, BR-FR-08).
const SERVICE_TO_BE_PAID: &str = "S1";
/// Of one that was paid before it was invoiced.
const SERVICE_PAID: &str = "S2";
/// Of one of which an advance was invoiced before.
const SERVICE_AFTER_DEPOSIT: &str = "S4";

/// The invoice as an electronic one; none for a seller that is no taxable person or that goes by no id: the standard has
/// no words for them (BR-CO-26).
pub fn of(invoice: &Issued, parties: &Parties) -> Result<Option<EInvoice>, DateError> {
    let kind = invoice.content().kind();
    let (content, taxes) = (invoice.content().printed(), invoice.taxes().printed(kind));
    let advances = invoice.advances().printed(kind);
    let in_scope = taxes.subtotals.iter().all(|s| s.vat.ground.category() != Category::O);
    let seller = party(&parties.issuer, in_scope);
    let known = seller.legal_id.is_some() || seller.vat_id.is_some();
    // What is exempt names the seller's VAT id or tax number (BR-E-02), and the latter is not known.
    let exempt = taxes.subtotals.iter().any(|s| s.vat.ground.category() == Category::E);
    let unnamed = !known || exempt && seller.vat_id.is_none();
    if parties.terms.vat_scheme == Some(Scheme::NotTaxable) || unnamed || parties.issuer.country.is_empty() {
        return Ok(None);
    }
    let (stamp, zone) = (invoice.stamp(), &parties.zone);
    let number = stamp.number.to_string();
    let buyer = party(&parties.account, in_scope);
    let credit = kind == Kind::CreditNote;
    // Of what was paid in advance, the day on which it was is when it was due (BR-FR-CO-09).
    let paid_on = advances.drawn.iter().map(|drawn| drawn.paid_on).max().filter(|_| !credit && advances.cover_all());
    let after_deposit = advances.drawn.iter().any(|drawn| drawn.deposit.is_some());
    let due_date = match paid_on {
        // What follows a deposit invoice is not due before it is issued (BR-FR-CO-07).
        Some(paid_on) if !after_deposit => paid_on.to_string().parse()?,
        _ => date(zone, stamp.due_at)?,
    };
    let framework = match paid_on {
        _ if after_deposit => SERVICE_AFTER_DEPOSIT,
        Some(_) => SERVICE_PAID,
        None => SERVICE_TO_BE_PAID,
    };
    Ok(Some(EInvoice {
        profile: profile(parties, &seller, &buyer, &taxes),
        process: (parties.issuer.country == "FR").then(|| framework.to_owned()),
        issue_date: date(zone, stamp.issued_at)?,
        due_date: (!credit).then_some(due_date),
        document_type: match kind {
            Kind::CreditNote => DocumentType::CreditNote,
            Kind::Deposit => DocumentType::Prepayment,
            Kind::Invoice | Kind::Correction => DocumentType::Invoice,
        },
        currency: content.currency,
        accounting_tax: accounting_tax(parties, &taxes),
        vat_point: vat_point(parties, &taxes),
        notes: notes(parties, &hex::encode(stamp.digest)),
        buyer_reference: given(&parties.buyer_reference),
        purchase_order: content.purchase_order.as_ref().map(|order| order.number.clone()),
        contract: None,
        preceding: preceding(&content, &advances, zone)?,
        seller: Seller { party: seller, tax_registration: None, legal_form: given(&parties.terms.legal_mentions) },
        buyer,
        delivery: None,
        period: Some(days(content.period, zone)?),
        payment: given(&parties.terms.iban)
            .filter(|_| !credit && paid_on.is_none())
            .map(|iban| payment(parties, iban, &number, &content)),
        payment_terms: (!credit).then(|| match paid_on {
            Some(paid_on) => format!("Paid in advance, the last on {paid_on}"),
            None => format!("Due by {due_date}"),
        }),
        allowances: Vec::new(),
        charges: Vec::new(),
        totals: totals(&content, &taxes, &advances),
        vat: taxes.subtotals.iter().map(|s| breakdown(s, parties)).collect(),
        lines: lines(&content, &taxes, parties)?,
        number,
    }))
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn date(zone: &Zone, at: Timestamp) -> Result<Date, DateError> {
    zone.date(at).parse()
}

/// First and last local day.
fn days(period: Period, zone: &Zone) -> Result<Span, DateError> {
    Ok(Span { first: date(zone, period.start())?, last: date(zone, period.end().plus_millis(-1))? })
}

/// France's rules are asked of what its platforms take: at rates that France has, between parties with an electronic
/// address. What a consumer elsewhere is charged at that country's rate is reported, not sent.
fn profile(parties: &Parties, seller: &Party, buyer: &Party, taxes: &Taxes) -> Profile {
    let addressed = seller.endpoint.is_some() && buyer.endpoint.is_some();
    let elsewhere = taxes.subtotals.iter().any(|s| s.vat.ground == Ground::OneStopShop);
    if parties.issuer.country == "FR" && addressed && !elsewhere { Profile::FranceCtc } else { Profile::En16931 }
}

/// What is owed in another currency, in it. France wants it said of every invoice in another currency than its own, also that
/// it is nothing (BR-FR-CO-12).
fn accounting_tax(parties: &Parties, taxes: &Taxes) -> Option<AccountingTax> {
    let stated = taxes.stated.as_ref().map(|stated| (stated.tax.currency(), stated.tax.amount()));
    let foreign = parties.issuer.country == "FR" && taxes.tax.currency() != Currency::Eur && !taxes.is_charged();
    let nothing = foreign.then(|| (Currency::Eur, Money::zero(Currency::Eur).amount()));
    stated.or(nothing).map(|(currency, vat)| AccountingTax { currency, vat })
}

/// France alone asks when its VAT is due (CGI art. 269, 2 c), and only where some is charged.
fn vat_point(parties: &Parties, taxes: &Taxes) -> Option<VatPoint> {
    let charged = taxes.subtotals.iter().any(|s| s.vat.ground.category() == Category::S);
    let point = if parties.terms.vat_on_debits { VatPoint::Issue } else { VatPoint::Payment };
    (charged && parties.issuer.country == "FR").then_some(point)
}

/// The three that France wants, each once (XP Z12-012, BR-FR-05), which flow it belongs to, and what the digest is.
fn notes(parties: &Parties, digest: &str) -> Vec<Note> {
    let note = |subject, text: &str| Note { subject, text: text.to_owned() };
    let mut notes = Vec::new();
    if parties.issuer.country == "FR" {
        notes.push(note(Some(NoteSubject::RecoveryCost), mentions::recovery(Language::English)));
        notes.push(note(Some(NoteSubject::LatePenalty), mentions::penalty(&parties.terms, Language::English)));
        notes.push(note(Some(NoteSubject::PaymentTerm), mentions::no_discount(Language::English)));
        if parties.account.country == "FR" && !parties.account.legal_id.is_empty() {
            notes.push(note(Some(NoteSubject::Treatment), "B2B"));
        }
    }
    notes.push(note(None, &format!("Rests on usage, prices and a contract whose SHA-256 is {digest}")));
    notes
}

/// What it corrects, and the deposit invoices of what was paid in advance.
fn preceding(content: &Content, advances: &Advances, zone: &Zone) -> Result<Vec<Preceding>, DateError> {
    let corrects = content.corrects.iter().map(|c: &Corrected| (&c.number, c.issued_at));
    let deposits = advances.drawn.iter().filter_map(|drawn| drawn.deposit.as_deref());
    let one = |(number, issued_at): (&Number, Timestamp)| {
        Ok(Preceding { number: number.to_string(), issue_date: Some(date(zone, issued_at)?) })
    };
    corrects.chain(deposits.map(|d| (&d.number, d.issued_at))).map(one).collect()
}

fn party(party: &parties::Party, in_scope: bool) -> Party {
    let scheme = (party.country == "FR").then(|| "0002".to_owned());
    let mut lines = party.address.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned);
    let (first, second) = (lines.next(), lines.next());
    // There are three (BT-35, BT-36, BT-162): what is more stands in the last.
    let rest: Vec<String> = lines.collect();
    let contact = Contact { mail: given(&party.email), ..Contact::default() };
    Party {
        name: party.name.clone(),
        trade_name: None,
        ids: Vec::new(),
        legal_id: given(&party.legal_id).map(|value| Identifier { value, scheme }),
        // Nobody's where VAT is not in scope (BR-O-02).
        vat_id: if in_scope { given(&party.vat_id) } else { None },
        endpoint: endpoint(party),
        address: Address {
            lines: [first, second, given(&rest.join(", "))],
            city: given(&party.city),
            post_code: given(&party.postcode),
            subdivision: None,
            country: party.country.clone(),
        },
        contact: (!party.email.is_empty()).then_some(contact),
    }
}

/// In France, the SIREN in the directory of platforms (BR-FR-21); elsewhere an electronic mail address.
fn endpoint(party: &parties::Party) -> Option<Identifier> {
    let identifier = |scheme: &str, value| Identifier { value, scheme: Some(scheme.to_owned()) };
    if party.country == "FR" && !party.legal_id.is_empty() {
        return Some(identifier("0225", party.legal_id.clone()));
    }
    given(&party.email).map(|mail| identifier("EM", mail))
}

/// SEPA moves euros only.
fn payment(parties: &Parties, iban: String, number: &str, content: &Content) -> PaymentMeans {
    let means =
        if content.currency == Currency::Eur { MeansCode::SepaCreditTransfer } else { MeansCode::CreditTransfer };
    let account = PaymentAccount { iban, name: given(&parties.issuer.name), bic: given(&parties.terms.bic) };
    PaymentMeans { means, remittance: given(number), accounts: vec![account] }
}

fn totals(content: &Content, taxes: &Taxes, advances: &Advances) -> Totals {
    let (net, gross, zero) = (content.total.amount(), taxes.payable.amount(), Decimal::ZERO);
    let (vat, paid, due) = (taxes.tax.amount(), advances.paid.amount(), advances.due.amount());
    Totals { lines: net, allowances: zero, charges: zero, net, vat, gross, paid, rounding: zero, due }
}

fn breakdown(subtotal: &Subtotal, parties: &Parties) -> VatBreakdown {
    let ground = subtotal.vat.ground;
    VatBreakdown {
        vat: vat_rate(subtotal.vat),
        base: subtotal.base.amount(),
        tax: subtotal.tax.amount(),
        reason: mentions::reason(ground, Language::English).map(str::to_owned),
        reason_code: mentions::vatex(ground, parties.issuer.country == "FR").map(str::to_owned),
    }
}

fn vat_rate(vat: Vat) -> VatRate {
    let category = match vat.ground.category() {
        Category::S => VatCategory::Standard,
        Category::Z => VatCategory::Zero,
        Category::E => VatCategory::Exempt,
        Category::Ae => VatCategory::ReverseCharge,
        Category::K => VatCategory::IntraCommunity,
        Category::G => VatCategory::Export,
        Category::O => VatCategory::OutOfScope,
    };
    // What is out of scope has no rate (BR-O-05).
    let rate = (category != VatCategory::OutOfScope).then(|| vat.rate.percent());
    VatRate { category, rate }
}

fn lines(content: &Content, taxes: &Taxes, parties: &Parties) -> Result<Vec<Line>, DateError> {
    content.lines.iter().zip(&taxes.lines).map(|(of, vat)| line(of, *vat, parties)).collect()
}

fn line(line: &IssuedLine, vat: Vat, parties: &Parties) -> Result<Line, DateError> {
    let c = &line.charge;
    let attribute = |name: &str, value| ItemAttribute { name: name.to_owned(), value };
    let of = c.tenant.map(|tenant| attribute("Tenant", parties.tenant(tenant)));
    let mut attributes: Vec<ItemAttribute> = of.into_iter().collect();
    // A value of blanks is none (BR-54).
    attributes.extend(given(&c.project).filter(|p| !p.trim().is_empty()).map(|project| attribute("Project", project)));
    Ok(Line {
        id: line.line.to_string(),
        note: line.taken_back.then(|| mentions::taken_back(Language::English).to_owned()),
        quantity: c.quantity(),
        unit: unit(c.unit),
        period: Some(days(c.stretch, &parties.zone)?),
        allowances: c.discount.map(|off| allowance(c, off)).into_iter().collect(),
        charges: Vec::new(),
        price: c.unit_price,
        base_quantity: BaseQuantity::Of(Decimal::from(c.base_quantity)),
        name: line.description.clone(),
        description: None,
        seller_item_id: Some(c.sku.to_string()),
        attributes,
        vat: vat_rate(vat),
        net: c.amount.amount(),
    })
}

/// What is off a line before VAT; that it is, its name says too.
fn allowance(charge: &Charge, off: Allowance) -> LineAdjustment {
    let gross = charge.gross().unwrap_or(charge.amount);
    LineAdjustment {
        amount: off.amount.amount(),
        base: Some(AdjustmentBase { amount: gross.amount(), percentage: off.percent.value() }),
        reason: mentions::DISCOUNT.to_owned(),
    }
}

/// What recommendation 20 has no unit for is counted in ones; the line's name says of what.
const fn unit(unit: Unit) -> UnitCode {
    match unit {
        Unit::GpuMs => UnitCode::Second,
        Unit::Hour => UnitCode::Hour,
        Unit::Byte => UnitCode::Byte,
        Unit::GibSecond | Unit::Token | Unit::Count => UnitCode::One,
    }
}
