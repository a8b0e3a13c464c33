//! Is the PDF a PDF, Factur-X, the same twice, and all of it on the paper? Asked of poppler and qpdf.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use releve_billing::{
    Advances, Allowance, ChargeKind, Content, Issued, Line,
    tax::{Ground, Scheme, Vat, tax},
};
use releve_documents::{Brand, Logo, Parties, einvoice, invoice_html, invoice_pdf};
use releve_types::{
    Currency, Language, Money,
    ids::{AgreementId, PriceId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::issued::{
    FRENCH, HELD, after_deposit, deposits, documents, parties, prepaid, registered, several_rates, vat,
};

/// In points: where the left margin ends and the right one begins, and what the upper and the lower edge keep free.
const LEFT: Decimal = Decimal::from_parts(49, 0, 0, false, 0);
const RIGHT: Decimal = Decimal::from_parts(546, 0, 0, false, 0);
const TOP: Decimal = Decimal::from_parts(30, 0, 0, false, 0);
const BOTTOM: Decimal = Decimal::from_parts(812, 0, 0, false, 0);
/// Letters of a word without a space, as a careless program might name a project.
const NAME_LEN: usize = 300;
const LINES: usize = 500;

/// An invoice, with the electronic one that was issued with it.
struct Case {
    name: &'static str,
    invoice: Issued,
    parties: Parties,
    cii: Option<String>,
}

fn case(name: &'static str, invoice: Issued, parties: Parties) -> Case {
    let electronic = einvoice::of(&invoice, &parties).expect("days");
    Case { name, cii: electronic.map(|e| einvoice::cii(&e)), invoice, parties }
}

fn cases() -> Vec<Case> {
    let domestic = vat(Ground::Domestic, "20");
    let [train, tokens, traffic] = HELD;
    let all = documents(domestic, &[HELD, [train - 3_600_000, tokens, traffic], [train * 2, tokens, traffic * 9]]);
    let [first, less, more] = &all[..] else { panic!("three documents") };
    let french = || Parties { language: Language::French, ..registered(FRENCH) };
    let german = registered(("DE", "DE123456788", "HRB 1234"));
    let reverse = documents(Vat::free(Ground::ReverseCharge), &[HELD]).remove(0);
    let free = documents(Vat::free(Ground::NotTaxable), &[HELD]).remove(0);
    vec![
        case("domestic", first.clone(), registered(FRENCH)),
        case("domestic-fr", first.clone(), french()),
        case("several-rates-fr", several_rates(first), french()),
        case("credit-note", less.clone(), registered(FRENCH)),
        case("credit-note-fr", less.clone(), french()),
        case("correction", more.clone(), registered(FRENCH)),
        case("reverse-charge", reverse.clone(), german.clone()),
        case("reverse-charge-fr", reverse, Parties { language: Language::French, ..german }),
        case("not-taxable", free, parties(Scheme::NotTaxable, FRENCH)),
        case("prepaid", prepaid(first, first.taxes().payable), registered(FRENCH)),
        case("prepaid-fr", prepaid(first, Money::parse("99.99", Currency::Eur).expect("an amount")), french()),
        case("deposit", deposits(domestic, "1200.00")[0].clone(), registered(FRENCH)),
        case("deposit-taken-back-fr", deposits(domestic, "1200.00")[1].clone(), french()),
        case(
            "after-deposit-fr",
            after_deposit(first, Money::parse("99.99", Currency::Eur).expect("an amount")),
            french(),
        ),
        case("agreed", agreed(first), registered(FRENCH)),
        case("agreed-fr", agreed(first), french()),
        case("branded", first.clone(), branded(registered(FRENCH), (640, 160))),
        case("branded-fr", less.clone(), branded(french(), (120, 300))),
        case("branded-long", long(more), branded(long_names(registered(FRENCH)), (2_000, 40))),
        case("long", long(more), long_names(registered(FRENCH))),
        case("long-fr", long(more), long_names(french())),
    ]
}

/// In a seller's colour, under its logo: a disc that fades, on nothing.
fn branded(parties: Parties, (width, height): (u32, u32)) -> Parties {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("a header");
    let side = i64::from(width.min(height));
    let pixel = |n: u32| {
        let (x, y) = (i64::from(n % width) - side / 2, i64::from(n / width) - side / 2);
        let alpha = 255 - ((x * x + y * y) * 4 * 255 / (side * side)).min(255);
        [0x7a, 0x1f, 0x5c, u8::try_from(alpha).expect("a byte")]
    };
    writer.write_image_data(&(0..width * height).flat_map(pixel).collect::<Vec<u8>>()).expect("pixels");
    writer.finish().expect("written");
    let brand =
        Brand { accent: Some("#7a1f5c".parse().expect("a colour")), logo: Some(Logo::new(png).expect("a logo")) };
    Parties { brand, ..parties }
}

/// Five hundred lines, every tenth below zero, in projects with names that fit nowhere.
fn long(of: &Issued) -> Issued {
    let mut content = of.content().clone();
    let long = |n: usize| match n % 3 {
        0 => "x".repeat(NAME_LEN),
        1 => "several words that go on and on ".repeat(NAME_LEN / 30),
        _ => "\u{202e}日本語 Ωμέγα Ж \u{7}".repeat(6),
    };
    let one = content.lines.iter().find(|line| !line.taken_back).expect("a line").clone();
    let line = |n: usize| {
        let mut line: Line = one.clone();
        line.description = format!("{}, {n}", long(n / 4));
        line.charge.kind = ChargeKind::Usage(PriceId::from_uuid(Uuid::from_u128(u128::try_from(n).expect("few"))));
        line.charge.project = format!("{:03} {}", n / 9, long(n / 9));
        if n % 10 == 9 {
            line.taken_back = true;
            let c = &mut line.charge;
            (c.metered, c.billed, c.energy_mj) = (-c.metered, -c.billed, -c.energy_mj);
            c.amount = c.amount.negated();
        }
        line
    };
    content.lines = (0..LINES).map(line).collect();
    renumbered(content, of)
}

/// A tenth is off the last line, and the one before is owed by the account as a whole.
fn agreed(of: &Issued) -> Issued {
    let mut content = of.content().clone();
    let last = &mut content.lines[2].charge;
    let off = Money::round_line(last.amount.amount() / Decimal::TEN, content.currency).expect("small");
    let agreement = AgreementId::from_uuid(Uuid::from_u128(0x77));
    last.discount = Some(Allowance { agreement, percent: "10".parse().expect("a percentage"), amount: off });
    last.amount = last.amount.checked_add(off.negated()).expect("small");
    (content.lines[1].charge.tenant, content.lines[1].charge.project) = (None, String::new());
    content.lines.swap(0, 1);
    renumbered(content, of)
}

fn renumbered(mut content: Content, of: &Issued) -> Issued {
    for (n, line) in (1..).zip(&mut content.lines) {
        line.line = n;
    }
    let zero = Money::zero(content.currency);
    content.total = content.lines.iter().fold(zero, |sum, l| sum.checked_add(l.charge.amount).expect("adds up"));
    let lines = content.lines.iter().map(|line| (vat(Ground::Domestic, "20"), line.charge.amount));
    let taxes = tax(content.currency, lines).expect("taxed");
    let advances = Advances::none(taxes.payable);
    Issued::restore(content, taxes, advances, of.stamp().clone()).expect("adds up")
}

fn long_names(mut parties: Parties) -> Parties {
    parties.account.name = "Institut pour l'étude des noms qui n'en finissent pas ".repeat(6);
    parties.account.address = "Bâtiment W".repeat(30);
    parties.issuer.name = "Société".repeat(40);
    parties.buyer_reference = "PO-".repeat(80);
    parties.terms.legal_mentions = "SAS au capital de 10 000 €, RCS Paris 404 833 048 ".repeat(12);
    parties.terms.late_penalty = "Trois fois le taux d'intérêt légal. ".repeat(12);
    parties
}

fn pdf(case: &Case) -> Vec<u8> {
    invoice_pdf(&case.invoice, &case.parties, None, case.cii.as_ref().map(String::as_bytes)).expect(case.name)
}

/// What a program says of a file; it must be content with it.
fn said(program: &str, before: &[&str], file: &Path, after: &[&str]) -> String {
    let output = Command::new(program).args(before).arg(file).args(after).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}: apt-get install poppler-utils qpdf"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{program} {}: {out}{err}", file.display());
    out.into_owned()
}

/// Where the files lie: kept where a person wants to look at them.
fn place(dir: &Path, case: &Case) -> PathBuf {
    let file = dir.join(format!("{}.pdf", case.name));
    fs::write(&file, pdf(case)).expect("a file");
    file
}

#[test]
fn the_same_invoice_gives_the_same_pdf() {
    for case in cases() {
        assert_eq!(pdf(&case), pdf(&case), "{}", case.name);
    }
}

#[test]
fn every_pdf_opens_and_carries_the_invoice_that_was_issued() {
    let made = tempfile::tempdir().expect("a directory");
    let dir = env::var_os("RELEVE_PDF_OUT").map_or_else(|| made.path().to_owned(), PathBuf::from);
    for case in cases() {
        let file = place(&dir, &case);
        assert!(
            said("qpdf", &["--check"], &file, &[]).contains("No syntax or stream encoding errors"),
            "{}",
            case.name
        );
        let number = case.invoice.stamp().number.to_string();
        assert!(said("pdfinfo", &[], &file, &[]).contains(&number), "{}", case.name);
        let metadata = fs::read(&file).expect("a file");
        let metadata = String::from_utf8_lossy(&metadata);
        assert!(metadata.contains("<pdfaid:part>3<") && metadata.contains("<pdfaid:conformance>B<"), "{}", case.name);
        let Some(cii) = &case.cii else {
            assert!(!metadata.contains("urn:factur-x"), "{}", case.name);
            continue;
        };
        for entry in [
            "<fx:DocumentType>INVOICE</fx:DocumentType>",
            "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>",
            "<fx:Version>1.0</fx:Version>",
            "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>",
            "/AFRelationship/Alternative",
        ] {
            assert!(metadata.contains(entry), "{}: {entry}", case.name);
        }
        assert_eq!(metadata.matches("<pdfaExtension:schemas>").count(), 1, "{}", case.name);
        let attached = dir.join(format!("{}.xml", case.name));
        let to = attached.to_str().expect("text");
        said("pdfdetach", &["-save", "1", "-o", to], &file, &[]);
        assert_eq!(&fs::read_to_string(&attached).expect("attached"), cii, "{}", case.name);
    }
}

/// The logo is in the file once, on the first page; who has none has no picture.
#[test]
fn a_logo_is_on_the_first_page() {
    let made = tempfile::tempdir().expect("a directory");
    for case in cases() {
        let listed = said("pdfimages", &["-list"], &place(made.path(), &case), &[]);
        let pictures: Vec<Vec<&str>> = listed.lines().skip(2).map(|l| l.split_whitespace().take(3).collect()).collect();
        let page = invoice_html(&case.invoice, &case.parties, None);
        if case.name.starts_with("branded") {
            assert_eq!(pictures, [["1", "0", "image"], ["1", "1", "smask"]], "{}", case.name);
            assert!(
                page.contains("--accent: #7a1f5c;") && page.contains("src=\"data:image/png;base64,iVBOR"),
                "{}",
                case.name
            );
        } else {
            assert!(pictures.is_empty() && !page.contains("<img"), "{}: {listed}", case.name);
        }
    }
}

/// Each word that poppler finds stands within the margins.
#[test]
fn nothing_is_printed_beyond_the_margins() {
    let made = tempfile::tempdir().expect("a directory");
    for case in cases() {
        let file = place(made.path(), &case);
        let words = said("pdftotext", &["-bbox"], &file, &["-"]);
        let words: Vec<[Decimal; 4]> = words.lines().filter(|l| l.contains("<word ")).map(bounds).collect();
        assert!(words.len() > 50, "{}: {} words", case.name, words.len());
        for word in words {
            let [left, top, right, bottom] = word;
            let fits = left >= LEFT && right <= RIGHT && top >= TOP && bottom <= BOTTOM;
            assert!(fits, "{}: {word:?}", case.name);
        }
    }
}

fn bounds(line: &str) -> [Decimal; 4] {
    ["xMin", "yMin", "xMax", "yMax"].map(|name| {
        let after = line.split(&format!("{name}=\"")).nth(1).expect(name);
        after.split('"').next().and_then(|n| n.parse().ok()).expect(name)
    })
}

/// What the account owes as a whole stands under its contract, not under a project; a discount beside what it is off.
#[test]
fn what_is_agreed_is_said() {
    let made = tempfile::tempdir().expect("a directory");
    let agreed = cases().into_iter().find(|case| case.name == "agreed").expect("a case");
    let text = said("pdftotext", &["-layout"], &place(made.path(), &agreed), &["-"]).replace('\u{a0}', " ");
    let (_, usage) = text.split_once("Usage").expect("the usage");
    let (contract, tenant) = usage.split_once("Omega").expect("a tenant");
    assert!(contract.contains("By contract") && !contract.contains("No project"), "{contract}");
    assert!(tenant.contains("No project") && tenant.contains("7 695.85 \u{2212} 10 %"), "{tenant}");
}

/// What a reader needs in order to check each line, on every page that has lines.
#[test]
fn the_pages_say_what_the_invoice_says() {
    let made = tempfile::tempdir().expect("a directory");
    for case in cases() {
        let text = said("pdftotext", &["-layout"], &place(made.path(), &case), &["-"]);
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let french = case.parties.language == Language::French;
        let printed = case.invoice.content().printed();
        for line in &printed.lines {
            for number in [line.charge.amount.amount().to_string(), line.charge.quantity().to_string()] {
                let number = number.replace('-', "\u{2212}");
                let number = if french { number.replace('.', ",") } else { number };
                assert!(text.contains(&number), "{}: {number} of line {}", case.name, line.line);
            }
        }
        assert!(text.contains(&"d1".repeat(32)), "{}", case.name);
        let what = if french { "Désignation" } else { "What" };
        let pages = text.matches("Page").count();
        assert!(pages >= 2 && text.matches(what).count() >= pages - 2, "{}: {pages} pages", case.name);
    }
}
