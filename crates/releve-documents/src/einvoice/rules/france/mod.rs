//! What do France's platforms want beyond EN 16931? Rules BR-FR of XP Z12-012, annex of version 1.4.0.
//!
//! Ids are the families'; the official Schematron appends the term (`BR-FR-01_BT-1-1`). Types that a French document may
//! not have, self-billing and lines of several sellers are not in the model, so their rules can't be broken, but for the
//! frameworks that want them.

mod numbers;
mod parties;

use super::{Findings, lists::is_in};
use crate::einvoice::{Date, DocumentType, EInvoice, NoteSubject, xml::given};

/// Characters of an invoice number at most (BR-FR-01).
const NUMBER_LEN_MAX: usize = 35;
/// Billing frameworks (BR-FR-08): B goods, S services, M both; the digit says what has happened before.
const FRAMEWORKS: &str = "B1 S1 M1 B2 S2 M2 S3 B4 S4 M4 S5 S6 B7 S7 B8 S8 M8 B9 S9 M9";
/// Frameworks of documents for several sellers, whose lines are grouped by seller (BR-FR-MV-01).
const FRAMEWORKS_GROUPED: &str = "B8 S8 M8 B9 S9 M9";
/// Which flow a document belongs to (BR-FR-20).
const TREATMENTS: &str = "B2B B2BINT B2C B2CINT OUTOFSCOPE ARCHIVEONLY";

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    number(&invoice.number, "BT-1 number", found);
    for (n, preceding) in invoice.preceding.iter().enumerate() {
        number(&preceding.number, &format!("BT-25 preceding[{n}].number"), found);
    }
    dates(invoice, found);
    notes(invoice, found);
    framework(invoice, found);
    references(invoice, found);
    for (n, line) in invoice.lines.iter().enumerate() {
        let named = line.attributes.iter().all(|a| !a.name.trim().is_empty());
        found.want(named, "BR-FR-27", format!("BT-160 lines[{n}].attributes"), "name the attribute, or leave it out");
    }
    parties::check(invoice, found);
    numbers::check(invoice, found);
}

fn number(number: &str, field: &str, found: &mut Findings) {
    let message = format!("an invoice number has at most {NUMBER_LEN_MAX} characters");
    found.want(number.chars().count() <= NUMBER_LEN_MAX, "BR-FR-01", field, message);
    let fits = !number.is_empty() && number.chars().all(|c| c.is_ascii_alphanumeric() || "+-_/".contains(c));
    found.want(fits, "BR-FR-02", field, "write the number in letters without accents, digits, + - _ and / alone");
}

fn dates(invoice: &EInvoice, found: &mut Findings) {
    let mut all: Vec<(String, Date)> = vec![("BT-2 issue_date".to_owned(), invoice.issue_date)];
    all.extend(invoice.due_date.map(|d| ("BT-9 due_date".to_owned(), d)));
    let of_preceding = |(n, date): (usize, Option<Date>)| Some((format!("BT-26 preceding[{n}].issue_date"), date?));
    all.extend(invoice.preceding.iter().map(|p| p.issue_date).enumerate().filter_map(of_preceding));
    let delivered = invoice.delivery.as_ref().and_then(|d| d.date);
    all.extend(delivered.map(|d| ("BT-72 delivery.date".to_owned(), d)));
    if let Some(span) = invoice.period {
        all.extend([("BT-73 period.first".to_owned(), span.first), ("BT-74 period.last".to_owned(), span.last)]);
    }
    for (n, span) in invoice.lines.iter().enumerate().filter_map(|(n, l)| Some((n, l.period?))) {
        all.push((format!("BT-134 lines[{n}].period.first"), span.first));
        all.push((format!("BT-135 lines[{n}].period.last"), span.last));
    }
    for (field, date) in all {
        found.want((2000..=2099).contains(&date.year()), "BR-FR-03", field, "the year is of 2000 to 2099");
    }
}

/// Three notes that commercial law wants on every invoice (code de commerce, L441-9 and D441-5), each once.
fn notes(invoice: &EInvoice, found: &mut Findings) {
    let marked = |subject: NoteSubject| {
        let mark = format!("#{}#", subject.code());
        // In UBL the subject is part of the text, so a text that holds the mark counts as another note of it.
        let in_texts: usize = invoice.notes.iter().map(|n| n.text.matches(&mark).count()).sum();
        (invoice.notes.iter().filter(|n| n.subject == Some(subject)).count(), in_texts)
    };
    for (subject, what) in [
        (NoteSubject::RecoveryCost, "the fixed compensation for recovery costs of 40 €"),
        (NoteSubject::LatePenalty, "the rate of penalties for late payment"),
        (NoteSubject::PaymentTerm, "the discount for early payment, or that there is none"),
    ] {
        let message = format!("add a note {} on {what}", subject.code());
        found.want(marked(subject).0 > 0, "BR-FR-05", "BT-22 notes", message);
    }
    for subject in [NoteSubject::RecoveryCost, NoteSubject::LatePenalty, NoteSubject::PaymentTerm, NoteSubject::Tax] {
        let (notes, in_texts) = marked(subject);
        let message = format!("keep one note {}", subject.code());
        found.want(notes + in_texts <= 1, "BR-FR-06", "BT-21 notes", message);
    }
    let treatments: Vec<_> = invoice.notes.iter().filter(|n| n.subject == Some(NoteSubject::Treatment)).collect();
    let known = treatments.iter().all(|n| is_in(TREATMENTS, &n.text));
    found.want(known, "BR-FR-20", "BT-22 notes", format!("a note BAR is one of {TREATMENTS}"));
    found.want(treatments.len() <= 1, "BR-FR-31", "BT-21 notes", "keep one note BAR: a document has one treatment");
}

/// Whether the note BAR says that it is between two companies in France.
fn is_domestic(invoice: &EInvoice) -> bool {
    invoice.notes.iter().any(|n| n.subject == Some(NoteSubject::Treatment) && n.text == "B2B")
}

fn framework(invoice: &EInvoice, found: &mut Findings) {
    let (field, framework) = ("BT-23 process", given(&invoice.process).unwrap_or_default());
    found.want(is_in(FRAMEWORKS, framework), "BR-FR-08", field, format!("give the billing framework: {FRAMEWORKS}"));
    let grouped = is_in(FRAMEWORKS_GROUPED, framework);
    let message = "this framework is for the invoices of several sellers, whose lines are grouped: take another";
    found.want(!grouped, "BR-FR-MV-01", field, message);
    let deposit = invoice.document_type == DocumentType::Prepayment;
    let message = "a deposit's invoice (386) is not the final one after a deposit: take framework S1, or type 380";
    found.want(!deposit || !is_in("B4 S4 M4", framework), "BR-FR-CO-08", field, message);
    let (paid, t) = (is_in("B2 S2 M2", framework), &invoice.totals);
    let early = invoice.due_date.is_some_and(|due| due < invoice.issue_date);
    let message = "set the due date to the issue date or later";
    found.want(!early || deposit || paid, "BR-FR-CO-07", "BT-9 due_date", message);
    if paid {
        let rule = "BR-FR-CO-09";
        found.want(t.paid == t.gross, rule, "BT-113 totals.paid", "paid already: state the whole total as paid");
        found.want(t.due.is_zero(), rule, "BT-115 totals.due", "paid already: nothing is due");
        found.want(
            invoice.due_date.is_some(),
            rule,
            "BT-9 due_date",
            "paid already: give the day it was paid as due date",
        );
    }
}

fn references(invoice: &EInvoice, found: &mut Findings) {
    let dated = invoice.preceding.iter().filter(|p| p.issue_date.is_some()).count();
    let field = "BT-25 preceding";
    if invoice.document_type == DocumentType::Corrected {
        let message = "a corrected invoice (384) names the one invoice that it replaces, and its date";
        found.want(dated == 1 && invoice.preceding.len() == 1, "BR-FR-CO-04", field, message);
    }
    if invoice.document_type == DocumentType::CreditNote {
        found.want(dated > 0, "BR-FR-CO-05", field, "a credit note names an invoice that it credits, and its date");
    }
}
