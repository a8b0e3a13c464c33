//! What does an invoice look like on paper? A4: what is owed on the first page, then the usage line by line, as PDF/A-3b;
//! with the electronic invoice in it, it is Factur-X.

mod chart;
mod draw;
mod face;
mod points;
mod summary;
mod usage;
mod write;
mod xmp;

use releve_billing::Issued;

use self::{
    draw::{BOTTOM, MARGIN, RIGHT, SMALL, Sheets, WIDTH},
    write::About,
};
use crate::{Coverage, Parties, told::Told};

/// Why there is no PDF. Nothing that an invoice says leads here: what has no room is wrapped or cut, and a letter that the
/// typeface lacks is shown as one that is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    #[error("pdf: the typeface can't be read")]
    Font,
    #[error("pdf: no paper of that size")]
    Paper,
    #[error("pdf: the day of issue can't be read")]
    Instant,
    #[error("pdf: not PDF/A-3b: {0}")]
    Standard(String),
    #[error("pdf: the logo can't be drawn: {0}")]
    Logo(String),
    #[error("pdf: the metadata is not as the library writes it: {0}")]
    Metadata(&'static str),
}

/// The invoice as a PDF; with `cii`, the electronic invoice that was issued with it, as Factur-X.
pub fn invoice_pdf(
    invoice: &Issued,
    parties: &Parties,
    coverage: Option<&Coverage>,
    cii: Option<&[u8]>,
) -> Result<Vec<u8>, PdfError> {
    let told = Told::of(invoice, parties);
    let mut sheets = Sheets::new();
    summary::summary(&mut sheets, &told);
    sheets.turn();
    usage::usage(&mut sheets, &told);
    usage::how(&mut sheets, &told, coverage, cii.is_some());
    feet(&mut sheets, &told);
    let number = &invoice.stamp().number;
    let title = format!("{} {number} \u{b7} {}", told.words.title(told.kind), parties.issuer.name);
    write::written(
        sheets,
        About {
            subject: format!("{} {number}", told.words.title(told.kind)),
            title,
            author: parties.issuer.name.clone(),
            language: parties.language.code(),
            id: invoice.stamp().id.to_string(),
            issued_at: invoice.stamp().issued_at.to_string(),
            attached: cii,
            brand: &parties.brand,
        },
    )
}

/// Who, which document and which page, at the foot of each, once it is known how many there are.
fn feet(sheets: &mut Sheets, told: &Told<'_>) {
    let number = &told.invoice.stamp().number;
    let said = format!("{} \u{b7} {} {number}", told.parties.issuer.name, told.words.title(told.kind));
    let (pages, y) = (std::mem::take(&mut sheets.pages), BOTTOM + 420);
    let of = pages.len();
    for (n, page) in (1..).zip(pages) {
        sheets.pages.push(page);
        sheets.line(SMALL, (MARGIN, y), WIDTH - 1_600, &said);
        sheets.line(SMALL.right(), (RIGHT, y), 1_500, &format!("{} {n}/{of}", told.words.page));
    }
}
