//! What does an issued invoice of ours say in the standard's terms?

use releve_billing::{
    Content, Issued, Kind, Line,
    tax::{Category, Scheme, Subtotal, Taxes, Vat},
};
use releve_types::{Period, Unit, Zone};

use super::model::{EInvoice, ELine, EParty, Endpoint, Note, Payment, TypeCode, VatBreakdown, VatPoint};
use crate::{Parties, Party, mentions};

/// BT-24 of the core, which the French rules also want.
const SPECIFICATION: &str = "urn:cen.eu:en16931:2017";
/// BT-23: a service to be paid (XP Z12-012, BR-FR-08).
const SERVICE_TO_BE_PAID: &str = "S1";

/// The invoice as an electronic one; none for a seller that is no taxable person, or whom nobody could name by an id: the
/// standard has no words for them (BR-CO-26).
pub fn of(invoice: &Issued, parties: &Parties) -> Option<EInvoice> {
    let kind = invoice.content().kind();
    let (content, taxes) = (invoice.content().printed(), invoice.taxes().printed(kind));
    let stamp = invoice.stamp();
    let number = stamp.number.to_string();
    let in_scope = taxes.subtotals.iter().all(|s| s.vat.ground.category() != Category::O);
    let seller = party(&parties.issuer, in_scope, &parties.terms.legal_mentions);
    let known = seller.legal_id.is_some() || seller.vat_id.is_some();
    if parties.terms.vat_scheme == Some(Scheme::NotTaxable) || !known || parties.issuer.country.is_empty() {
        return None;
    }
    let zone = &parties.zone;
    Some(EInvoice {
        issue_date: zone.date(stamp.issued_at),
        type_code: if kind == Kind::CreditNote { TypeCode::CreditNote } else { TypeCode::Invoice },
        currency: content.currency.code(),
        vat_point: vat_point(parties, &taxes),
        due_date: zone.date(stamp.due_at),
        buyer_reference: given(&parties.buyer_reference),
        payment_terms: (kind != Kind::CreditNote).then(|| format!("Due by {}", zone.date(stamp.due_at))),
        notes: notes(parties, &hex::encode(stamp.digest)),
        process: (parties.issuer.country == "FR").then_some(SERVICE_TO_BE_PAID),
        specification: SPECIFICATION,
        preceding: content.corrects.iter().map(|c| (c.number.to_string(), zone.date(c.issued_at))).collect(),
        seller,
        buyer: party(&parties.account, in_scope, ""),
        period: days(content.period, zone),
        payment: given(&parties.terms.iban).map(|iban| Payment {
            iban,
            bic: given(&parties.terms.bic),
            remittance: number.clone(),
        }),
        vat: taxes.subtotals.iter().map(|s| breakdown(s, &parties.issuer)).collect(),
        lines: lines(&content, &taxes, parties),
        net: content.total.amount(),
        tax: taxes.tax.amount(),
        payable: taxes.payable.amount(),
        number,
    })
}

/// France alone asks when its VAT is due (CGI art. 269, 2 c), and only where some is charged.
fn vat_point(parties: &Parties, taxes: &Taxes) -> Option<VatPoint> {
    let charged = taxes.subtotals.iter().any(|s| s.vat.ground.category() == Category::S);
    let point = if parties.terms.vat_on_debits { VatPoint::Invoice } else { VatPoint::Payment };
    (charged && parties.issuer.country == "FR").then_some(point)
}

/// The three that France wants, each once (XP Z12-012, BR-FR-05), and what the digest is.
fn notes(parties: &Parties, digest: &str) -> Vec<Note> {
    let note = |subject, text: &str| Note { subject, text: text.to_owned() };
    let mut notes = Vec::new();
    if parties.issuer.country == "FR" {
        notes.push(note(Some("PMT"), mentions::RECOVERY));
        notes.push(note(Some("PMD"), mentions::penalty(&parties.terms)));
        notes.push(note(Some("AAB"), mentions::NO_DISCOUNT));
    }
    notes.push(note(None, &format!("Rests on usage, prices and a contract whose SHA-256 is {digest}")));
    notes
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn party(party: &Party, in_scope: bool, legal_mentions: &str) -> EParty {
    let french = party.country == "FR";
    EParty {
        name: party.name.clone(),
        legal_id: given(&party.legal_id).map(|id| (id, french.then_some("0002"))),
        vat_id: if in_scope { given(&party.vat_id) } else { None },
        legal_mentions: given(legal_mentions),
        endpoint: endpoint(party),
        street: party.address.lines().filter(|l| !l.trim().is_empty()).take(3).map(str::to_owned).collect(),
        city: given(&party.city),
        postcode: given(&party.postcode),
        country: party.country.clone(),
    }
}

/// In France, the SIREN in the directory of platforms (BR-FR-21); elsewhere an electronic mail address.
fn endpoint(party: &Party) -> Option<Endpoint> {
    if party.country == "FR" && !party.legal_id.is_empty() {
        return Some(Endpoint { scheme: "0225", value: party.legal_id.clone() });
    }
    given(&party.email).map(|value| Endpoint { scheme: "EM", value })
}

fn breakdown(subtotal: &Subtotal, seller: &Party) -> VatBreakdown {
    let Vat { ground, rate } = subtotal.vat;
    VatBreakdown {
        category: ground.category(),
        rate: rate.percent(),
        base: subtotal.base.amount(),
        tax: subtotal.tax.amount(),
        reason: mentions::reason(ground),
        reason_code: mentions::vatex(ground, seller.country == "FR"),
    }
}

fn lines(content: &Content, taxes: &Taxes, parties: &Parties) -> Vec<ELine> {
    content.lines.iter().zip(&taxes.lines).map(|(l, vat)| line(l, *vat, parties)).collect()
}

fn line(line: &Line, vat: Vat, parties: &Parties) -> ELine {
    let c = &line.charge;
    let mut attributes = vec![("Tenant", parties.tenant(c.tenant))];
    attributes.extend(given(&c.project).map(|project| ("Project", project)));
    ELine {
        id: line.line.to_string(),
        note: line.taken_back.then(|| "As it was billed before, taken back".to_owned()),
        quantity: c.quantity(),
        unit: unit(c.unit),
        net: c.amount.amount(),
        period: days(c.stretch, &parties.zone),
        price: c.unit_price,
        base_quantity: c.base_quantity,
        category: vat.ground.category(),
        rate: vat.rate.percent(),
        name: line.description.clone(),
        item_id: c.sku.to_string(),
        attributes,
    }
}

/// UN/ECE recommendation 20: seconds, bytes; what it has no unit for is counted in ones, and its name says of what.
const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::GpuMs => "SEC",
        Unit::Byte => "AD",
        Unit::GibSecond | Unit::Token | Unit::Count => "C62",
    }
}

/// First and last local day.
fn days(period: Period, zone: &Zone) -> (String, String) {
    (zone.date(period.start()), zone.date(period.end().plus_millis(-1)))
}
