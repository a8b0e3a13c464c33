//! What do the documents of one invoice say, to the byte?

use std::{collections::BTreeMap, sync::Arc};

use expect_test::expect_file;
use releve_billing::{
    AllocationItem, Contract, Issued, Model, Number, Outcome, Price, PriceBook, Rounding, Stamp, Subject, Term, Tier,
    Usage, UsageItem, draft, due_at, rate,
    tax::{Ground, Scheme, Vat},
};
use releve_documents::{Brand, Coverage, Parties, Party, Terms, invoice_html, invoice_json};
use releve_types::{
    AccountId, AllocationId, Currency, InvoiceId, Language, Period, Sku, TenantId, Timestamp, Unit, Zone,
    ids::{IssuerId, PriceBookId, PriceId},
};
use uuid::Uuid;

const H100: &str = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west";
const SLICE: &str = "gpu/nvidia-h100-80gb-hbm3/1g.10gb/1:1/spot/eu-west";
const TOKENS: &str = "meter/llama-tokens/eu-west";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn zone() -> Zone {
    Zone::new("Europe/Paris").expect("a zone")
}

fn march() -> Period {
    zone().month("2026-03".parse().expect("a month"))
}

/// The first hour of a local day in March 2026.
fn day(day: u8) -> Timestamp {
    instant(&format!("2026-03-{day:02}T00:00:00Z")).plus_millis(-3_600_000)
}

fn contract() -> Contract {
    let mut prices = Vec::new();
    let mut add = |sku: &str, unit, from, model, rounding| {
        let id = PriceId::from_uuid(Uuid::from_u128(0x900 + u128::try_from(prices.len()).expect("few")));
        prices.push(Price::new(id, sku.parse().expect("a SKU"), unit, from, model, rounding).expect("a price"));
    };
    let (january, price) = (instant("2026-01-01T00:00:00Z"), |text: &str| text.parse().expect("a price"));
    let tiers =
        vec![Tier { up_to: Some(2_000 * 3_600_000), price: price("2.40") }, Tier { up_to: None, price: price("1.95") }];
    add(H100, Unit::GpuMs, january, Model::Graduated { tiers }, Rounding::Exact);
    add(SLICE, Unit::GpuMs, january, Model::PerUnit { price: price("0.185") }, Rounding::StartedMinute);
    add(SLICE, Unit::GpuMs, day(16), Model::PerUnit { price: price("0.199999") }, Rounding::StartedMinute);
    add(TOKENS, Unit::Token, january, Model::PerUnit { price: price("0.60") }, Rounding::Exact);
    let id = PriceBookId::from_uuid(Uuid::from_u128(0x800));
    let book = PriceBook::new(id, "list 2026".to_owned(), Currency::Eur, prices).expect("a book");
    Contract::new(Currency::Eur, vec![Term { from: january.hour(), book: Arc::new(book) }]).expect("a contract")
}

fn usage() -> Usage {
    let item = |tenant, project: &str, sku: &str, metered, energy_mj| UsageItem {
        tenant: TenantId::from_uuid(Uuid::from_u128(tenant)),
        project: project.to_owned(),
        sku: sku.parse().expect("a SKU"),
        stretch: march(),
        metered,
        energy_mj,
    };
    let held = |device, from, until, held, held_before| AllocationItem {
        tenant: TenantId::from_uuid(Uuid::from_u128(0x702)),
        project: "notebooks <b>&amp; \"labs\"</b>".to_owned(),
        sku: SLICE.parse::<Sku>().expect("a SKU"),
        allocation: AllocationId::from_uuid(Uuid::from_u128(0x600)),
        device: Uuid::from_u128(device),
        stretch: Period::new(from, until).expect("a stretch"),
        held_before,
        held,
        energy_mj: 7_200_000_000,
    };
    let (start, change, end) = (march().start(), day(16), march().end());
    Usage {
        items: vec![
            item(0x701, "pretraining", H100, 3_141 * 3_600_000 + 592_653, 7_900_000_000_000),
            item(0x701, "", H100, 12 * 3_600_000, 30_000_000_000),
            item(0x701, "chat", TOKENS, 1_234_567_890, 0),
            item(0x702, "notebooks <b>&amp; \"labs\"</b>", TOKENS, 999, 0),
        ],
        allocations: vec![
            held(1, start, change, 10_000_250, 90_000),
            held(1, change, end, 400_000, 90_000),
            held(2, start, change, 250, 0),
        ],
        at_once: vec![],
    }
}

fn issued() -> Issued {
    let rated = rate(&contract(), march(), &usage()).expect("rated");
    let (account, issuer) = (AccountId::from_uuid(Uuid::from_u128(2)), IssuerId::from_uuid(Uuid::from_u128(1)));
    let vat = Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") };
    let drafted =
        draft(Subject { account, issuer, period: march(), book: 1 }, rated, &|_| Ok(vat), vec![]).expect("adds up");
    let Outcome::Draft(draft) = drafted else { panic!("a draft") };
    let issued_at = instant("2026-04-01T04:12:30Z");
    draft.issue(Stamp {
        id: InvoiceId::from_uuid(Uuid::from_u128(3)),
        number: Number::new("REL", 2026, 42).expect("a number"),
        issued_at,
        due_at: due_at(&zone(), issued_at, 30),
        digest: [0xd1; 32],
    })
}

fn parties() -> Parties {
    let party = |name: &str, (address, postcode, city): (&str, &str, &str), vat_id: &str, legal_id: &str| Party {
        name: name.to_owned(),
        address: address.to_owned(),
        postcode: postcode.to_owned(),
        city: city.to_owned(),
        country: "FR".to_owned(),
        vat_id: vat_id.to_owned(),
        legal_id: legal_id.to_owned(),
        email: String::new(),
    };
    let tenant = |n, name: &str| (TenantId::from_uuid(Uuid::from_u128(n)), name.to_owned());
    Parties {
        brand: Brand::default(),
        issuer: party("Nuage Souverain SAS", ("12 rue des Compteurs", "75011", "Paris"), "FR83404833048", "404833048"),
        terms: Terms {
            vat_scheme: Some(Scheme::Registered),
            legal_mentions: "SAS au capital de 10 000 €, RCS Paris 404 833 048".to_owned(),
            iban: "FR7630006000011234567890189".to_owned(),
            bic: "AGRIFRPP".to_owned(),
            late_penalty: String::new(),
            vat_on_debits: true,
        },
        account: party("Laboratoire <Ømega> & Fils", ("1 place de l'Horloge", "69002", "Lyon"), "", "900000019"),
        buyer_reference: "PO <7>".to_owned(),
        tenants: BTreeMap::from([
            tenant(0x701, "Omega Research"),
            tenant(0x702, "Omega \"Teaching\" <script>alert(1)</script>"),
        ]),
        zone: zone(),
        language: Language::English,
    }
}

fn coverage() -> Coverage {
    Coverage { missing_gpu_ms: 5_400_000 }
}

#[test]
fn json_to_the_byte() {
    expect_file!["invoice.json"].assert_eq(&invoice_json(&issued(), &parties(), Some(&coverage())));
}

#[test]
fn page_to_the_byte() {
    expect_file!["invoice.html"].assert_eq(&invoice_html(&issued(), &parties(), Some(&coverage())));
}

/// The same page in French: no word of it is English but what somebody named.
#[test]
fn a_page_in_french() {
    let french = Parties { language: Language::French, ..parties() };
    let page = invoice_html(&issued(), &french, Some(&coverage()));
    assert!(page.contains("<html lang=\"fr\">"));
    for said in
        ["Facture", "Facturé à", "Date d'émission", "Montant à payer", "Total hors TVA", "Méthode de comptage", "IBAN"]
    {
        assert!(page.contains(said), "{said}");
    }
    for english in ["Invoice", "Billed", "Amount", "Total, without", "How", "Payment", "No project", "Metered", "per "]
    {
        assert!(!page.contains(english), "{english}");
    }
    assert_eq!(
        page.matches("<tr").count(),
        invoice_html(&issued(), &parties(), Some(&coverage())).matches("<tr").count()
    );
}

#[test]
fn json_is_json_with_money_as_text() {
    let document: serde_json::Value = serde_json::from_str(&invoice_json(&issued(), &parties(), None)).expect("JSON");
    let content = issued().content().clone();
    assert_eq!(document["total"], content.total.amount().to_string());
    assert_eq!(document["currency"], "EUR");
    assert_eq!(document["payable"], issued().taxes().payable.amount().to_string());
    assert!(document.get("coverage").is_none(), "nothing is said of a coverage that is not known");
    let lines = document["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), content.lines.len());
    for (line, known) in lines.iter().zip(&content.lines) {
        assert_eq!(line["metered"].as_i64(), Some(known.charge.metered));
        assert_eq!(line["billed"].as_i64(), Some(known.charge.billed));
        assert!(line["amount"].is_string() && line["unit_price"].is_string() && line["quantity"].is_string());
    }
}

#[test]
fn a_page_runs_and_loads_nothing() {
    let page = invoice_html(&issued(), &parties(), None);
    for forbidden in ["<script", "onload", "http:", "https:", "url(", "@import", "<b>"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for shown in [
        "VAT 20\u{a0}% on",
        "40 EUR for recovery",
        "REL-2026-000042",
        &"d1".repeat(32),
        "&lt;script&gt;",
        "2026-03-01 to 2026-03-31",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

/// Every number on every line is on the page, so that a reader can multiply it out.
#[test]
fn a_page_shows_each_line() {
    let page = invoice_html(&issued(), &parties(), None).replace('\u{202f}', "").replace("<wbr>", "");
    for line in &issued().content().lines {
        let c = &line.charge;
        for shown in
            [c.quantity().to_string(), c.unit_price.to_string(), c.amount.amount().to_string(), c.sku.to_string()]
        {
            assert!(page.contains(&shown), "{shown} of line {}", line.line);
        }
    }
}
