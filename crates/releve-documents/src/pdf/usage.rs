//! What was used, line by line? A table per tenant, its head on every page that it takes, and how it was counted.

use releve_billing::{Kind, Line, UnitPrice};
use releve_types::Money;

use super::draw::{BODY, HEADING, Ink, LABEL, MARGIN, RIGHT, SMALL, STRONG, Sheets, Style, WIDTH};
use crate::{Coverage, mentions, text::kwh, told::Told};

/// Right edges of the columns with numbers, and how wide the names and the numbers may be.
const METERED: i32 = 6_500;
const BILLED: i32 = 8_050;
const PRICE: i32 = 9_600;
const NAME_WIDTH: i32 = 3_950;
const COLUMN_WIDTH: i32 = 1_480;
const AMOUNT_WIDTH: i32 = RIGHT - PRICE - 70;
/// Lines of text that a name may take; what is longer is cut.
const NAME_LINES_MAX: usize = 3;
const HEAD: i32 = 330;

pub(super) fn usage(sheets: &mut Sheets, told: &Told<'_>) {
    let title = if told.is_of_deposit() { told.words.advance } else { told.words.usage };
    sheets.line(HEADING, (MARGIN, sheets.y), WIDTH, title);
    sheets.y += 380;
    if matches!(told.kind, Kind::Correction | Kind::CreditNote) && !told.is_of_deposit() {
        sheets.paragraph(SMALL, told.words.what_changed);
    }
    for of_tenant in told.content.lines.chunk_by(|a, b| a.charge.tenant == b.charge.tenant) {
        tenant(sheets, told, of_tenant);
    }
}

fn tenant(sheets: &mut Sheets, told: &Told<'_>, lines: &[Line]) {
    let Some(first) = lines.first() else { return };
    let name = told.whose(first);
    sheets.need(HEAD + 1_400);
    let style = Style { of: STRONG.of, ink: Ink::Accent, ..STRONG };
    sheets.y = sheets.block(style, (MARGIN, sheets.y + 60), WIDTH, 2, &name) + 60;
    head(sheets, told);
    for of_project in lines.chunk_by(|a, b| a.charge.project == b.charge.project) {
        project(sheets, told, of_project);
    }
    if lines.len() > 1 {
        total(sheets, told, STRONG, &format!("{name}, {}", told.words.in_all), lines);
    }
    sheets.y += 260;
}

fn head(sheets: &mut Sheets, told: &Told<'_>) {
    let (words, y) = (told.words, sheets.y);
    sheets.line(LABEL, (MARGIN, y), NAME_WIDTH, words.what);
    for (x, label) in [(METERED, words.metered), (BILLED, words.billed), (PRICE, words.price)] {
        sheets.line(LABEL.right(), (x, y), COLUMN_WIDTH, label);
    }
    sheets.line(LABEL.right(), (RIGHT, y), AMOUNT_WIDTH, told.content.currency.code());
    sheets.y += 250;
    sheets.rule();
    sheets.y += HEAD - 250;
}

/// Turns the page within a table where so much has no room, and begins the next with the table's head.
fn room(sheets: &mut Sheets, told: &Told<'_>, height: i32) {
    if !sheets.has_room(height) {
        sheets.turn();
        head(sheets, told);
    }
}

fn project(sheets: &mut Sheets, told: &Told<'_>, lines: &[Line]) {
    let project = lines.first().map_or("", |line| line.charge.project.as_str());
    let name =
        if project.is_empty() { told.words.no_project.to_owned() } else { format!("{} {project}", told.words.project) };
    // A project's name does not stay alone at the foot of a page.
    room(sheets, told, 1_300);
    if lines.iter().any(|line| line.charge.tenant.is_some()) {
        sheets.y = sheets.block(STRONG, (MARGIN, sheets.y + 60), WIDTH, 2, &name) + 40;
    }
    for line in lines {
        row(sheets, told, line);
    }
    if lines.len() > 1 && lines.iter().any(|line| line.charge.tenant.is_some()) {
        total(sheets, told, BODY, &name, lines);
    }
}

fn total(sheets: &mut Sheets, told: &Told<'_>, style: Style, name: &str, lines: &[Line]) {
    let zero = Money::zero(told.content.currency);
    let Ok(sum) = lines.iter().try_fold(zero, |sum, l| sum.checked_add(l.charge.amount)) else { return };
    room(sheets, told, style.leading() + 80);
    sheets.line(style, (MARGIN, sheets.y + 20), WIDTH - 2_600, name);
    sheets.figure(style, (RIGHT, sheets.y + 20), 2_500, &told.amount(sum));
    sheets.y += style.leading() + 80;
}

/// What, how much, at which price: enough to check the amount.
fn row(sheets: &mut Sheets, told: &Told<'_>, line: &Line) {
    let c = &line.charge;
    let mut below: Vec<String> = Vec::new();
    if line.taken_back {
        below.push(mentions::taken_back(told.parties.language).to_owned());
    }
    if c.stretch != told.content.period {
        below.push(told.stretch(c.stretch, &told.parties.zone));
    }
    below.push(c.sku.to_string());
    let name = sheets.broken(BODY, NAME_WIDTH, NAME_LINES_MAX, &line.description);
    let small: Vec<String> =
        below.iter().flat_map(|text| sheets.broken(SMALL, NAME_WIDTH, NAME_LINES_MAX, text)).collect();
    let lines_of =
        |of: &[String], style: Style| i32::try_from(of.len()).unwrap_or(i32::MAX).saturating_mul(style.leading());
    let height = lines_of(&name, BODY).saturating_add(lines_of(&small, SMALL)).max(BODY.leading() + SMALL.leading());
    room(sheets, told, height + 110);
    let top = sheets.y;
    let mut y = top;
    for (style, text) in name.iter().map(|t| (BODY, t)).chain(small.iter().map(|t| (SMALL, t))) {
        sheets.line(style, (MARGIN, y), NAME_WIDTH, text);
        y += style.leading();
    }
    let price = UnitPrice::new(c.unit_price).map_or_else(|_| c.unit_price.to_string(), |p| p.to_string());
    let columns = [
        (METERED, told.quantity(c.unit, c.metered, c.metered_quantity())),
        (BILLED, told.quantity(c.unit, c.billed, c.quantity())),
        (PRICE, (told.number(&price), format!("{} {}", told.words.per, c.priced_per()))),
    ];
    for (x, (value, unit)) in columns {
        sheets.figure(BODY, (x, top), COLUMN_WIDTH, &value);
        sheets.figure(SMALL, (x, top + BODY.leading()), COLUMN_WIDTH, &unit);
    }
    sheets.figure(BODY, (RIGHT, top), AMOUNT_WIDTH, &told.amount(c.amount));
    if let (Some(off), Ok(gross)) = (c.discount, c.gross()) {
        let before = format!("{} \u{2212} {}\u{a0}%", told.amount(gross), told.number(&off.percent.to_string()));
        sheets.figure(SMALL, (RIGHT, top + BODY.leading()), AMOUNT_WIDTH, &before);
    }
    sheets.y = top + height + 50;
    sheets.rule();
    sheets.y += 60;
}

/// How it was counted, and how a reader checks it.
pub(super) fn how(sheets: &mut Sheets, told: &Told<'_>, coverage: Option<&Coverage>, attached: bool) {
    let words = told.words;
    sheets.need(2_600);
    if told.kind == Kind::Deposit {
        sheets.paragraph(SMALL, words.to_be_used);
    } else if !told.is_of_deposit() {
        counted(sheets, told, coverage);
    }
    sheets.y += 100;
    sheets.need(1_000);
    sheets.line(STRONG, (MARGIN, sheets.y), WIDTH, words.verify);
    sheets.y += 300;
    if attached {
        sheets.paragraph(SMALL, words.attached);
    }
    sheets.paragraph(SMALL, &format!("{} {}.", told.rests_on(), hex::encode(told.invoice.stamp().digest)));
}

fn counted(sheets: &mut Sheets, told: &Told<'_>, coverage: Option<&Coverage>) {
    let words = told.words;
    sheets.line(STRONG, (MARGIN, sheets.y), WIDTH, words.how_counted);
    sheets.y += 300;
    sheets.paragraph(SMALL, words.counted);
    let energy_mj = told.content.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.charge.energy_mj));
    let energy = if energy_mj == 0 {
        words.no_energy.to_owned()
    } else {
        words.energy.replace("{}", &told.number(&kwh(energy_mj)))
    };
    sheets.paragraph(SMALL, &energy);
    sheets.paragraph(SMALL, &coverage.map_or_else(|| words.no_coverage.to_owned(), |coverage| told.covered(coverage)));
}
