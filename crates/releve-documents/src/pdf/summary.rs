//! What does the first page say? Who, to whom, when, what is owed and why, and how it is paid.

use releve_billing::{Corrected, Kind, tax::Subtotal};

use super::{
    chart,
    draw::{
        AMOUNT, BODY, HEADING, Ink, LABEL, MARGIN, Mark, NUMBER, RIGHT, SMALL, SOFT, STRONG, Sheets, Style, TITLE,
        WIDTH,
    },
};
use crate::{Logo, Party, mentions, told::Told};

/// Half of the page, and the space between the halves.
const HALF: i32 = 4_700;
const RIGHT_HALF: i32 = RIGHT - HALF;
/// Lines that a name or an address may take; what is longer is cut, and whole in the electronic invoice.
const NAME_LINES_MAX: usize = 2;
const ADDRESS_LINES_MAX: usize = 2;
/// What a logo may take.
const LOGO: (i32, i32) = (3_600, 800);

pub(super) fn summary(sheets: &mut Sheets, told: &Told<'_>) {
    sheets.area((MARGIN, MARGIN - 300), (WIDTH, 60), Ink::Accent);
    let number = told.invoice.stamp().number.to_string();
    sheets.line(TITLE, (MARGIN, MARGIN), HALF, told.words.title(told.kind));
    sheets.line(NUMBER, (MARGIN, MARGIN + 620), HALF, &number);
    let below = logo(sheets, told.parties.brand.logo.as_ref());
    let seller = sheets.block(STRONG.right(), (RIGHT, below), HALF, NAME_LINES_MAX, &told.parties.issuer.name);
    let mentions = &told.parties.terms.legal_mentions;
    let said = sheets.block(SMALL.right(), (RIGHT, seller + 20), HALF, 3, mentions);
    sheets.y = (said + 60).max(MARGIN + 1_250);
    parties(sheets, told);
    facts(sheets, told);
    due(sheets, told);
    taxes(sheets, told);
    if !told.is_of_deposit() {
        charts(sheets, told);
    }
    if told.kind != Kind::CreditNote {
        payment(sheets, told);
    }
}

/// At the upper right; where it ends.
fn logo(sheets: &mut Sheets, logo: Option<&Logo>) -> i32 {
    let Some(logo) = logo else { return MARGIN + 60 };
    let (width, height) = logo.within(LOGO);
    let y = MARGIN - 60;
    sheets.mark(Mark::Logo { x: RIGHT - width, y, width, height });
    y + height + 100
}

fn parties(sheets: &mut Sheets, told: &Told<'_>) {
    let y = sheets.y;
    sheets.line(LABEL, (MARGIN, y), HALF, told.words.sold_by);
    sheets.line(LABEL, (RIGHT_HALF, y), HALF, told.words.billed_to);
    let seller = party(sheets, told, (MARGIN, y + 260), &told.parties.issuer);
    let buyer = party(sheets, told, (RIGHT_HALF, y + 260), &told.parties.account);
    sheets.y = seller.max(buyer) + 200;
}

fn party(sheets: &mut Sheets, told: &Told<'_>, (x, y): (i32, i32), party: &Party) -> i32 {
    let mut y = sheets.block(STRONG, (x, y), HALF, NAME_LINES_MAX, &party.name);
    let town = format!("{} {}", party.postcode, party.city);
    let mut address: Vec<&str> = party.address.lines().take(ADDRESS_LINES_MAX + 1).collect();
    address.extend([town.trim(), &party.country]);
    for line in address {
        y = sheets.block(SOFT, (x, y), HALF, ADDRESS_LINES_MAX, line);
    }
    let register = if party.country == "FR" { "SIREN" } else { told.words.company_number };
    for (label, id) in [(told.words.vat_id, &party.vat_id), (register, &party.legal_id)] {
        if !id.is_empty() {
            y = sheets.block(SOFT, (x, y), HALF, 1, &format!("{label} {id}"));
        }
    }
    y
}

fn facts(sheets: &mut Sheets, told: &Told<'_>) {
    let (words, stamp, zone) = (told.words, told.invoice.stamp(), &told.parties.zone);
    let named = |c: &Corrected| format!("{} {} {}", c.number, words.of_day, told.day(&zone.date(c.issued_at)));
    let corrects: Vec<String> = told.content.corrects.iter().map(named).collect();
    let all = [
        (words.issued_on, told.day(&zone.date(stamp.issued_at))),
        told.when(),
        (words.corrects, corrects.join(", ")),
        (words.your_reference, told.parties.buyer_reference.clone()),
        (words.purchase_order, told.purchase_order().to_owned()),
    ];
    let given: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    for pair in given.chunks(2) {
        let mut below = sheets.y;
        for (x, (label, value)) in [MARGIN, RIGHT_HALF].into_iter().zip(pair) {
            sheets.line(LABEL, (x, sheets.y), HALF, label);
            below = below.max(sheets.block(BODY, (x, sheets.y + 210), HALF, 2, value));
        }
        sheets.y = below + 130;
    }
}

/// The one number that most readers look for.
fn due(sheets: &mut Sheets, told: &Told<'_>) {
    let y = sheets.y + 40;
    sheets.area((MARGIN, y), (WIDTH, 1_000), Ink::Tint);
    sheets.area((MARGIN, y), (60, 1_000), Ink::Accent);
    let credit = told.kind == Kind::CreditNote;
    let label = if credit { told.words.given_back } else { told.words.amount_due };
    sheets.line(LABEL, (MARGIN + 260, y + 160), HALF, label);
    sheets.line(AMOUNT, (MARGIN + 260, y + 370), WIDTH * 2 / 3, &told.money(told.advances.due));
    if !credit && !told.advances.cover_all() {
        let due = told.day(&told.parties.zone.date(told.invoice.stamp().due_at));
        sheets.line(LABEL.right(), (RIGHT - 260, y + 160), HALF, told.words.due_by);
        sheets.line(HEADING.right(), (RIGHT - 260, y + 470), 2_400, &due);
    }
    sheets.y = y + 1_250;
}

/// VAT by ground and rate (CGI ann. II, art. 242 nonies A, I 11°), and the totals.
fn taxes(sheets: &mut Sheets, told: &Told<'_>) {
    sum(sheets, BODY, told.words.total_without_vat, &told.money(told.content.total));
    for subtotal in &told.taxes.subtotals {
        vat(sheets, told, subtotal);
    }
    if told.taxes.subtotals.len() > 1 {
        sum(sheets, BODY, told.words.total_vat, &told.money(told.taxes.tax));
    }
    if let Some((label, tax)) = told.stated() {
        sum(sheets, BODY, &label, &told.money(tax));
    }
    if !told.advances.paid.is_zero() {
        sum(sheets, BODY, told.words.total_with_vat, &told.money(told.taxes.payable));
        for (label, amount) in told.paid() {
            sum(sheets, BODY, &label, &told.money(amount.negated()));
        }
    }
    sheets.rule();
    sheets.y += 70;
    let label = if told.kind == Kind::CreditNote { told.words.given_back } else { told.words.to_pay };
    sum(sheets, HEADING, label, &told.money(told.advances.due));
    sheets.y += 180;
}

fn sum(sheets: &mut Sheets, style: Style, label: &str, amount: &str) {
    sheets.need(style.leading() + 60);
    sheets.line(style, (MARGIN, sheets.y), WIDTH * 6 / 10, label);
    sheets.figure(style, (RIGHT, sheets.y), WIDTH * 4 / 10, amount);
    sheets.y += style.leading() + 60;
}

fn vat(sheets: &mut Sheets, told: &Told<'_>, subtotal: &Subtotal) {
    let (ground, language) = (subtotal.vat.ground, told.parties.language);
    let (title, base) = (mentions::title(ground, language), told.money(subtotal.base));
    let reason = mentions::reason(ground, language);
    let rate = told.number(&subtotal.vat.rate.to_string());
    let label = match reason {
        Some(_) => format!("{title}, {} {base}", told.words.on),
        None => format!("{title} {rate}\u{a0}%, {} {base}", told.words.on),
    };
    sum(sheets, BODY, &label, &told.money(subtotal.tax));
    if let Some(reason) = reason {
        sheets.y = sheets.block(SMALL, (MARGIN, sheets.y - 50), WIDTH, 2, reason) + 60;
    }
}

fn charts(sheets: &mut Sheets, told: &Told<'_>) {
    let tenants = told.content.lines.chunk_by(|a, b| a.charge.tenant == b.charge.tenant).count();
    let projects = chart::sums(told, |line| {
        let project = if line.charge.project.is_empty() { told.words.no_project } else { &line.charge.project };
        if line.charge.tenant.is_none() {
            told.whose(line)
        } else if tenants > 1 {
            format!("{} \u{b7} {project}", told.whose(line))
        } else {
            project.to_owned()
        }
    });
    let products = chart::sums(told, |line| line.charge.sku.to_string());
    let height = chart::height(projects.len().max(products.len()));
    sheets.need(height);
    let y = sheets.y;
    chart::chart(sheets, told, (MARGIN, y), HALF, (told.words.by_project, &projects));
    chart::chart(sheets, told, (RIGHT_HALF, y), HALF, (told.words.by_product, &products));
    sheets.y = y + height + 60;
}

/// How to pay, and what the law wants said of it.
fn payment(sheets: &mut Sheets, told: &Told<'_>) {
    let (terms, language) = (&told.parties.terms, told.parties.language);
    let mut said: Vec<String> = Vec::new();
    if told.parties.issuer.country == "FR" {
        said.extend([mentions::penalty(terms, language), mentions::recovery(language)].map(str::to_owned));
        said.extend([mentions::no_discount(language), mentions::services(language)].map(str::to_owned));
    } else if !terms.late_penalty.is_empty() {
        said.push(terms.late_penalty.clone());
    }
    if terms.vat_on_debits {
        said.push(mentions::on_debits(language).to_owned());
    }
    // What is given back asks for no payment, nor does what was paid.
    let asked_for = told.kind != Kind::CreditNote && !told.advances.cover_all();
    if (terms.iban.is_empty() || !asked_for) && said.is_empty() {
        return;
    }
    sheets.need(1_200);
    sheets.rule();
    sheets.y += 120;
    sheets.line(STRONG, (MARGIN, sheets.y), WIDTH, told.words.payment);
    sheets.y += 320;
    if asked_for && !terms.iban.is_empty() {
        let bic = if terms.bic.is_empty() { String::new() } else { format!("   BIC {}", terms.bic) };
        let to = format!("IBAN {}{bic}", in_fours(&terms.iban));
        sheets.line(BODY, (MARGIN, sheets.y), WIDTH * 2 / 3, &to);
        let reference = format!("{} {}", told.words.reference, told.invoice.stamp().number);
        sheets.line(BODY.right(), (RIGHT, sheets.y), WIDTH / 3, &reference);
        sheets.y += 330;
    }
    for line in said {
        sheets.paragraph(SMALL, &line);
    }
}

/// As banks print an IBAN (ISO 13616-1).
fn in_fours(iban: &str) -> String {
    let letters: Vec<char> = iban.chars().filter(|c| !c.is_whitespace()).collect();
    let fours: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
    fours.join(" ")
}
