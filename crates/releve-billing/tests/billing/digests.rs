//! What does an issuing digest cover? All that decides the invoice, and nothing that does not.

use expect_test::expect;
use releve_billing::{
    Basis, Reports, Subject, digest,
    tax::{Ground, Vat},
};
use releve_types::{AccountId, ids::IssuerId};

use crate::sheet::{Sheet, may, named};

fn with_basis<T>(sheet: &str, then: impl FnOnce(&mut Basis<'_>) -> T) -> T {
    let sheet = Sheet::read(sheet);
    let contract = sheet.contract();
    let mut basis = Basis {
        subject: Subject {
            account: AccountId::from_uuid(named("account")),
            issuer: IssuerId::from_uuid(named("issuer")),
            period: may(),
            book: 1,
        },
        contract: &contract,
        usage: &sheet.usage,
        vat: vec![Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") }],
        exchange: None,
        corrects: vec![],
        void: false,
        credits: &[],
        reports: Reports::of([[1; 32], [2; 32]]),
    };
    then(&mut basis)
}

fn of(sheet: &str) -> [u8; 32] {
    with_basis(sheet, |basis| digest(basis).expect("a digest"))
}

const SHEET: &str = r"price h100 from 04-01 2.00 to 100h, 1.50 beyond
                      price a100 from 05-01 1.25 second_min_60
                      price a100 from 05-16 1.30 second_min_60
                      price b200 from 05-01 9.99
                      use acme/train\me h100 05-01..05-20 120h
                      use acme/train\me h100 05-20..06-01 12h
                      hold acme/chat a100 05-01..05-16 job:gpu0 30s after 10s";

#[test]
fn the_text_names_everything() {
    expect![[r#"
        releve-basis	4
        account	acc_6163636f756e74000000000000000000
        issuer	iss_69737375657200000000000000000000
        period	2020-05-01T00:00:00Z	2020-06-01T00:00:00Z
        book	1
        currency	EUR
        vat	domestic	20
        term	2020-01-01T00:00:00Z	pbk_626f6f6b000000000000000000000000
        price	prc_70726963652031000000000000000000	pbk_626f6f6b000000000000000000000000	gpu/a100/whole/1:1/standard/eu	gpu_ms	2020-05-01T00:00:00Z	second_min_60	standard	per_unit	-	1.25
        price	prc_70726963652032000000000000000000	pbk_626f6f6b000000000000000000000000	gpu/a100/whole/1:1/standard/eu	gpu_ms	2020-05-16T00:00:00Z	second_min_60	standard	per_unit	-	1.3
        price	prc_70726963652030000000000000000000	pbk_626f6f6b000000000000000000000000	gpu/h100/whole/1:1/standard/eu	gpu_ms	2020-04-01T00:00:00Z	exact	standard	graduated	360000000	2	-	1.5
        usage	gpu/a100/whole/1:1/standard/eu	2020-05-01T00:00:00Z	2020-05-16T00:00:00Z	ten_61636d65000000000000000000000000	chat	30000	0
        usage	gpu/h100/whole/1:1/standard/eu	2020-05-01T00:00:00Z	2020-06-01T00:00:00Z	ten_61636d65000000000000000000000000	train\\me	475200000	0
        allocation	gpu/a100/whole/1:1/standard/eu	alo_6a6f6200000000000000000000000000	67707530-0000-0000-0000-000000000000	2020-05-01T00:00:00Z	2020-05-16T00:00:00Z	ten_61636d65000000000000000000000000	chat	10000	30000	0
        reports	2	f818afd37a6dc3bc92fb44731011277006db4efa6e9023cd7468c02335d22a4d
    "#]].assert_eq(&with_basis(SHEET, |basis| basis.text().expect("a text")));
}

/// A volume price reads as a graduated one does, a package as a tier that ends.
#[test]
fn the_text_names_volumes_and_packages() {
    let sheet = "price h100 from 05-01 volume 2.00 to 100h, 1.50 beyond
                 price tokens from 05-01 package 4.00 to 10000000
                 use acme/x h100 05-01..06-01 1h
                 use acme/x tokens 05-01..06-01 1";
    let text = with_basis(sheet, |basis| basis.text().expect("a text"));
    let prices: Vec<&str> = text.lines().filter(|line| line.starts_with("price")).collect();
    expect![[r#"
        price	prc_70726963652030000000000000000000	pbk_626f6f6b000000000000000000000000	gpu/h100/whole/1:1/standard/eu	gpu_ms	2020-05-01T00:00:00Z	exact	standard	volume	360000000	2	-	1.5
        price	prc_70726963652031000000000000000000	pbk_626f6f6b000000000000000000000000	meter/tokens/eu	token	2020-05-01T00:00:00Z	exact	standard	package	10000000	4"#]].assert_eq(&prices.join("\n"));
}

#[test]
fn it_is_the_digest_of_the_text() {
    use sha2::{Digest as _, Sha256};
    let text = with_basis(SHEET, |basis| basis.text().expect("a text"));
    assert_eq!(of(SHEET), <[u8; 32]>::from(Sha256::digest(text.as_bytes())));
}

#[test]
fn a_name_cannot_pass_for_another_row() {
    let mut texts = Vec::new();
    for project in ["a\nusage\tb", "a\\nusage\\tb", "a\r", "a\\r"] {
        let mut sheet = Sheet::read("price h100 from 05-01 2.00\nuse acme/x h100 05-01..06-01 1h");
        sheet.usage.items[0].project = project.to_owned();
        let contract = sheet.contract();
        let (account, issuer) = (AccountId::from_uuid(named("a")), IssuerId::from_uuid(named("i")));
        let reports = Reports::default();
        let subject = Subject { account, issuer, period: may(), book: 1 };
        let (contract, usage) = (&contract, &sheet.usage);
        let basis = Basis {
            subject,
            contract,
            usage,
            vat: vec![],
            exchange: None,
            corrects: vec![],
            void: false,
            credits: &[],
            reports,
        };
        let text = basis.text().expect("a text");
        assert_eq!(text.lines().count(), 10, "{text}");
        texts.push(text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 4);
}

#[test]
fn whatever_decides_the_invoice_changes_it() {
    let sheet = "price h100 from 05-01 2.00\nuse acme/x h100 05-01..06-01 1h";
    let first = of(sheet);
    let others = [
        "price h100 from 05-01 2.01\nuse acme/x h100 05-01..06-01 1h",
        "price h100 from 05-01 2.00\nuse acme/x h100 05-01..06-01 1h0.001s",
        "price h100 from 05-01 2.00\nuse acme/y h100 05-01..06-01 1h",
        "price h100 from 05-01 2.00\nuse bcme/x h100 05-01..06-01 1h",
        "price h100 from 05-01 2.00 second\nhold acme/x h100 05-01..06-01 a:gpu0 1h",
        "price h100 from 05-01 2.00 second\nhold acme/x h100 05-01..06-01 a:gpu0 1h after 1s",
        "price h100 from 05-01 2.00 to 2h, 1.00 beyond\nuse acme/x h100 05-01..06-01 1h",
        "price h100 from 05-01 volume 2.00 to 2h, 1.00 beyond\nuse acme/x h100 05-01..06-01 1h",
        "price h100 from 05-01 package 2.00 to 2h\nuse acme/x h100 05-01..06-01 1h",
        "price h100 from 05-01 package 2.00 to 3h\nuse acme/x h100 05-01..06-01 1h",
    ];
    let mut seen: Vec<[u8; 32]> = others.iter().map(|sheet| of(sheet)).collect();
    seen.push(first);
    type Change = fn(&mut Basis<'_>);
    let changes: [Change; 7] = [
        |b| b.corrects.push("REL-2020-000001".to_owned()),
        |b| b.vat[0].rate = "19.6".parse().expect("a rate"),
        |b| b.vat[0].ground = Ground::OneStopShop,
        |b| b.subject.book = 2,
        |b| b.subject.account = AccountId::from_uuid(named("another")),
        |b| b.subject.issuer = IssuerId::from_uuid(named("another")),
        |b| b.reports = Reports::of([[1; 32]]),
    ];
    for change in changes {
        seen.push(with_basis(sheet, |basis| {
            change(basis);
            digest(basis).expect("a digest")
        }));
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn what_decides_nothing_does_not() {
    let sheet = "price h100 from 05-01 2.00\nuse acme/x h100 05-01..06-01 1h";
    // A price of another SKU, and one that starts after the period.
    assert_eq!(of(&format!("{sheet}\nprice b200 from 05-09 3.00")), of(sheet));
    assert_eq!(of(&format!("{sheet}\nprice h100 from 06-01 3.00")), of(sheet));
    assert_eq!(Reports::of([[1; 32], [2; 32]]), Reports::of([[2; 32], [1; 32], [2; 32]]));
}
