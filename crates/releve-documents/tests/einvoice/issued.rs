//! Do the invoices that we issue pass, each kind of them, all the way from usage to the file?

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{
    Advances, Content, Corrected, Deposit, DepositRef, Drawn, Issued, Model, Number, Outcome, Price, PriceBook,
    Rounding, Stamp, Subject, Term, Usage, UsageItem, correct, due_at, rate,
    tax::{Ground, Scheme, Vat, tax},
};
use releve_documents::{
    Brand, Parties, Party, Terms,
    einvoice::{self, EInvoice},
};
use releve_types::{
    AccountId, Currency, InvoiceId, Language, Money, Period, TenantId, Timestamp, Unit, Zone,
    ids::{CreditId, IssuerId, PaymentId, PriceBookId, PriceId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::official::validated;

const H100: &str = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn zone() -> Zone {
    Zone::new("Europe/Paris").expect("a zone")
}

fn march() -> Period {
    zone().month("2026-03".parse().expect("a month"))
}

pub fn vat(ground: Ground, percent: &str) -> Vat {
    Vat { ground, rate: percent.parse().expect("a rate") }
}

/// The documents of March, each billed by what was known by then: held milliseconds of three projects.
pub fn documents(vat: Vat, known: &[[i64; 3]]) -> Vec<Issued> {
    let start = march().start();
    let price = |sku: &str, unit, price: &str, n| {
        let model = Model::PerUnit { price: price.parse().expect("a price") };
        let id = PriceId::from_uuid(Uuid::from_u128(n));
        Price::new(id, sku.parse().expect("a SKU"), unit, start, model, Rounding::Exact).expect("a price")
    };
    let (tokens, traffic) = ("meter/tokens/eu-west", "meter/traffic/eu-west");
    let prices = vec![
        price(H100, Unit::GpuMs, "2.449999", 1),
        price(tokens, Unit::Token, "0.60", 2),
        price(traffic, Unit::Byte, "0.01", 3),
    ];
    let id = PriceBookId::from_uuid(Uuid::from_u128(9));
    let book = PriceBook::new(id, "list".to_owned(), Currency::Eur, prices).expect("a book");
    let terms = vec![Term { from: start.hour(), book: Arc::new(book) }];
    let contract = releve_billing::Contract::new(Currency::Eur, terms).expect("a contract");
    let mut issued: Vec<Issued> = Vec::new();
    for held in known {
        let item = |(n, metered): (usize, i64)| {
            let sku = [H100, tokens, traffic][n].parse().expect("a SKU");
            let tenant = TenantId::from_uuid(Uuid::from_u128(0x701));
            let project = ["training & <tests>", "", "chat"][n].to_owned();
            UsageItem { tenant, project, sku, stretch: march(), metered, energy_mj: 0 }
        };
        let items = held.iter().copied().enumerate().filter(|(_, metered)| *metered > 0).map(item).collect();
        let rated = rate(&contract, march(), &Usage { items, ..Usage::default() }).expect("rated");
        let (account, issuer) = (AccountId::from_uuid(Uuid::from_u128(2)), IssuerId::from_uuid(Uuid::from_u128(1)));
        let book = i32::try_from(issued.len()).expect("few") + 1;
        let subject = Subject { account, issuer, period: march(), book };
        let outcome = correct(subject, rated, &issued, &|_| Ok(vat), vec![]).expect("adds up");
        let Outcome::Draft(draft) = outcome else { panic!("{outcome:?}") };
        issued.push(draft.issue(stamp(book)));
    }
    issued
}

fn stamp(serial: i32) -> Stamp {
    let issued_at = instant("2026-04-03T08:00:00Z");
    Stamp {
        id: InvoiceId::from_uuid(Uuid::from_u128(3)),
        number: Number::new("REL", 2026, i64::from(serial)).expect("a number"),
        issued_at,
        due_at: due_at(&zone(), issued_at, 30),
        digest: [0xd1; 32],
    }
}

fn party(name: &str, (country, vat_id, legal_id): (&str, &str, &str)) -> Party {
    Party {
        name: name.to_owned(),
        address: "12 rue des Compteurs\nBâtiment A & B\nfond de cour".to_owned(),
        postcode: "75011".to_owned(),
        city: "Ville".to_owned(),
        country: country.to_owned(),
        vat_id: vat_id.to_owned(),
        legal_id: legal_id.to_owned(),
        email: format!("invoices@{}.example", country.to_lowercase()),
    }
}

pub fn parties(scheme: Scheme, buyer: (&str, &str, &str)) -> Parties {
    Parties {
        issuer: party("Nuage Souverain SAS", ("FR", "FR83404833048", "404833048")),
        terms: Terms {
            vat_scheme: Some(scheme),
            legal_mentions: "SAS au capital de 10 000 €, RCS Paris 404 833 048".to_owned(),
            iban: "FR7630006000011234567890189".to_owned(),
            bic: "AGRIFRPP".to_owned(),
            late_penalty: String::new(),
            vat_on_debits: scheme == Scheme::Registered,
        },
        brand: Brand::default(),
        account: party("Laboratoire <Ømega> & Fils", buyer),
        buyer_reference: "PO 7 & 8".to_owned(),
        tenants: BTreeMap::from([(TenantId::from_uuid(Uuid::from_u128(0x701)), "Omega \"Research\"".to_owned())]),
        zone: zone(),
        language: Language::English,
    }
}

pub const FRENCH: (&str, &str, &str) = ("FR", "FR25900000019", "900000019");
pub const HELD: [i64; 3] = [3_141 * 3_600_000 + 592_653, 1_234_567_890, 98_765_432_101];

pub fn registered(buyer: (&str, &str, &str)) -> Parties {
    parties(Scheme::Registered, buyer)
}

/// One invoice of each kind, by name.
fn valid() -> Vec<(String, EInvoice)> {
    let mut found = Vec::new();
    let mut add = |name: &str, issued: &Issued, parties: &Parties| {
        found.push((name.to_owned(), einvoice::of(issued, parties).expect("days").expect(name)));
    };
    let one = |vat| documents(vat, &[HELD]).remove(0);
    let domestic = vat(Ground::Domestic, "20");
    add("domestic", &one(domestic), &registered(FRENCH));
    add("domestic-reduced", &one(vat(Ground::Domestic, "5.5")), &registered(FRENCH));
    let mut on_payment = registered(FRENCH);
    (on_payment.terms.vat_on_debits, on_payment.terms.iban) = (false, String::new());
    add("domestic-on-payment", &one(domestic), &on_payment);
    add("reverse-charge", &one(Vat::free(Ground::ReverseCharge)), &registered(("DE", "DE123456788", "HRB 1234")));
    add("outside", &one(Vat::free(Ground::OutsideTerritory)), &registered(("US", "", "")));
    add("export", &one(Vat::free(Ground::ExportOfGoods)), &registered(("CH", "CHE100155212MWST", "")));
    add("zero", &one(Vat::free(Ground::ZeroRated)), &registered(FRENCH));
    add("exempt", &one(Vat::free(Ground::SmallEnterprise)), &parties(Scheme::SmallEnterprise, FRENCH));
    add("consumer", &one(vat(Ground::OneStopShop, "21")), &registered(("ES", "", "")));
    add("several-rates", &several_rates(&one(domestic)), &registered(FRENCH));
    let [train, tokens, traffic] = HELD;
    let less = documents(domestic, &[HELD, [train - 3_600_000, tokens, traffic]]);
    add("credit-note", &less[1], &registered(FRENCH));
    let more = documents(domestic, &[HELD, [train, tokens, traffic * 2], [train + 1, 0, traffic * 9]]);
    add("correction", &more[1], &registered(FRENCH));
    add("correction-of-correction", &more[2], &registered(FRENCH));
    add("prepaid", &prepaid(&one(domestic), one(domestic).taxes().payable), &registered(FRENCH));
    add("prepaid-in-part", &prepaid(&one(domestic), euros("99.99")), &registered(FRENCH));
    add("back-to-credits", &prepaid(&less[1], euros("-1.50")), &registered(FRENCH));
    for (name, vat, buyer) in [
        ("", domestic, FRENCH),
        ("-reverse-charge", Vat::free(Ground::ReverseCharge), ("DE", "DE123456788", "HRB 1234")),
        ("-outside", Vat::free(Ground::OutsideTerritory), ("US", "", "")),
    ] {
        let [deposit, taken_back] = deposits(vat, "999.99");
        add(&format!("deposit{name}"), &deposit, &registered(buyer));
        add(&format!("deposit-taken-back{name}"), &taken_back, &registered(buyer));
        add(&format!("after-deposit{name}"), &after_deposit(&one(vat), euros("99.99")), &registered(buyer));
    }
    let whole = after_deposit(&one(domestic), one(domestic).taxes().payable);
    add("after-deposit-whole", &whole, &registered(FRENCH));
    found
}

/// The same, but that its second line is taxed at another rate.
pub fn several_rates(issued: &Issued) -> Issued {
    let content: &Content = issued.content();
    let rates = ["20", "5.5", "20"].map(|percent| vat(Ground::Domestic, percent));
    let lines = content.lines.iter().zip(rates).map(|(line, vat)| (vat, line.charge.amount));
    let taxes = tax(content.currency, lines).expect("taxed");
    let advances = Advances::none(taxes.payable);
    Issued::restore(content.clone(), taxes, advances, issued.stamp().clone()).expect("adds up")
}

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

/// The deposit invoice of an advance of this much, and what takes all of it back.
pub fn deposits(vat: Vat, paid: &str) -> [Issued; 2] {
    let deposit = Deposit {
        account: AccountId::from_uuid(Uuid::from_u128(2)),
        issuer: IssuerId::from_uuid(Uuid::from_u128(1)),
        credit: CreditId::from_uuid(Uuid::from_u128(0xc1)),
        description: "Top-up & more",
        payment: PaymentId::from_uuid(Uuid::from_u128(0xb1)),
        paid_on: "2026-02-27".parse().expect("a day"),
        vat,
        hour: Period::new(instant("2026-04-03T08:00:00Z"), instant("2026-04-03T09:00:00Z")).expect("an hour"),
    };
    let invoice = deposit.invoice(euros(paid)).expect("adds up").expect("something").issue(stamp(7));
    let Stamp { id, number, issued_at, .. } = invoice.stamp().clone();
    let left = invoice.taxes().payable;
    let note = deposit.credit_note(left, Corrected { id, number, issued_at }).expect("adds up").expect("something");
    [invoice, note.issue(stamp(8))]
}

/// The same, but that so much of it was paid in advance.
pub fn prepaid(issued: &Issued, amount: Money) -> Issued {
    drawing(issued, amount, None)
}

/// The same, but that so much of it was paid in advance, and got a deposit invoice.
pub fn after_deposit(issued: &Issued, amount: Money) -> Issued {
    let deposit = DepositRef { number: stamp(7).number, issued_at: instant("2026-02-28T08:00:00Z") };
    drawing(issued, amount, Some(Box::new(deposit)))
}

fn drawing(issued: &Issued, amount: Money, deposit: Option<Box<DepositRef>>) -> Issued {
    let (credit, paid_on) = (CreditId::from_uuid(Uuid::from_u128(0xc1)), "2026-02-27".parse().expect("a day"));
    let advances =
        Advances::of(issued.taxes().payable, vec![Drawn { credit, paid_on, deposit, amount }]).expect("adds up");
    let (content, taxes) = (issued.content().clone(), issued.taxes().clone());
    Issued::restore(content, taxes, advances, issued.stamp().clone()).expect("adds up")
}

#[test]
fn what_we_issue_passes_the_official_rules() {
    for ((name, syntax), found) in validated(&valid()) {
        assert!(found.is_clean(), "{name} as {syntax}: {found:#?}");
    }
}

#[test]
fn what_we_issue_passes_our_own_rules() {
    for (name, invoice) in valid() {
        assert_eq!(einvoice::check(&invoice), [], "{name}");
    }
}

#[test]
fn the_same_invoice_gives_the_same_bytes() {
    for (name, invoice) in valid() {
        assert_eq!(
            (einvoice::ubl(&invoice), einvoice::cii(&invoice)),
            (einvoice::ubl(&invoice), einvoice::cii(&invoice)),
            "{name}"
        );
        for text in [einvoice::ubl(&invoice), einvoice::cii(&invoice)] {
            assert!(text.contains("&lt;Ømega&gt; &amp; Fils") && !text.contains("<Ømega>"), "{name}");
        }
    }
}

/// What was paid was paid on its day; the invoice that follows says what framework it is of, and names it.
#[test]
fn a_deposit_is_invoiced_once_and_named_after() {
    let documents: BTreeMap<_, _> = valid().into_iter().collect();
    let deposit = &documents["deposit"];
    assert_eq!((deposit.document_type.code(), deposit.process.as_deref()), ("386", Some("S2")));
    // 833.32 and its VAT of 166.66 are a cent less than 999.99; 833.33 and 166.67 are one more.
    let totals = &deposit.totals;
    assert_eq!(
        [totals.net, totals.vat, totals.gross, totals.paid, totals.due].map(|d| d.to_string()),
        ["833.32", "166.66", "999.98", "999.98", "0.00"]
    );
    let back = &documents["deposit-taken-back"];
    assert_eq!((back.document_type.code(), back.preceding[0].number.as_str()), ("381", deposit.number.as_str()));
    for name in ["after-deposit", "after-deposit-whole"] {
        let after = &documents[name];
        assert_eq!((after.document_type.code(), after.process.as_deref()), ("380", Some("S4")), "{name}");
        assert_eq!(after.preceding.iter().map(|p| p.number.as_str()).collect::<Vec<_>>(), [deposit.number.as_str()]);
    }
    assert_eq!(documents["after-deposit-whole"].totals.due, Decimal::ZERO);
}

/// A credit note names what it corrects, and says what it gives back without a sign.
#[test]
fn a_credit_note_says_what_it_gives_back() {
    let documents: BTreeMap<_, _> = valid().into_iter().collect();
    let note = &documents["credit-note"];
    assert_eq!((note.document_type.code(), note.preceding.len()), ("381", 1));
    assert!(
        note.totals.due > Decimal::ZERO
            && note.lines.iter().any(|l| l.net < Decimal::ZERO && l.quantity < Decimal::ZERO)
    );
    assert_eq!(note.lines.iter().map(|l| l.net).sum::<Decimal>(), note.totals.net);
    let text = einvoice::ubl(note);
    assert!(text.contains("<CreditNote ") && text.contains("<cbc:IssueDate>2026-04-03</cbc:IssueDate>"), "{text}");
}

#[test]
fn who_is_no_taxable_person_sends_no_electronic_invoice() {
    let issued = documents(Vat::free(Ground::NotTaxable), &[HELD]).remove(0);
    assert_eq!(einvoice::of(&issued, &parties(Scheme::NotTaxable, FRENCH)), Ok(None));
    let mut nameless = parties(Scheme::SmallEnterprise, FRENCH);
    (nameless.issuer.vat_id, nameless.issuer.legal_id) = (String::new(), String::new());
    assert_eq!(einvoice::of(&issued, &nameless), Ok(None));
}
