//! Which of France's rules do we break? Notes, frameworks, references, digits and parties.

use releve_documents::einvoice::{EInvoice, NoteSubject};
use releve_types::Currency;

use super::{CENT, Planted, plant};
use crate::fixtures::{self, day, dec, id, note, totalled};

pub(super) fn france() -> Vec<Planted> {
    use fixtures::{corrected, credit_note, deposit, dollars, domestic, prepaid};
    let on = |rule, what, spoil: fn(&mut EInvoice)| plant(rule, what, domestic, spoil);
    vec![
        on("BR-FR-01", "a number of 36 characters", |i| i.number = "A".repeat(36)),
        on("BR-FR-02", "a number with a space", |i| i.number = "HEL 2026".to_owned()),
        on("BR-FR-03", "issued in 1999", |i| i.issue_date = day("1999-12-31")),
        on("BR-FR-05", "no note on recovery costs", |i| {
            i.notes.retain(|n| n.subject != Some(NoteSubject::RecoveryCost))
        }),
        on("BR-FR-06", "two notes on late penalties", |i| i.notes.push(note(NoteSubject::LatePenalty, "again"))),
        on("BR-FR-08", "no billing framework", |i| i.process = None),
        on("BR-FR-16", "a rate of another country", |i| {
            i.lines.iter_mut().for_each(|l| l.vat.rate = Some(dec("19")));
            *i = totalled(i.clone());
        }),
        on("BR-FR-20", "a treatment that there is not", |i| i.notes[3].text = "B2X".to_owned()),
        on("BR-FR-27", "an attribute without a name", |i| i.lines[0].attributes[0].name.clear()),
        on("BR-FR-31", "two treatments", |i| i.notes.push(note(NoteSubject::Treatment, "B2C"))),
        on("BR-FR-CO-07", "due before it is issued", |i| i.due_date = Some(day("2026-09-30"))),
        on("BR-FR-MV-01", "a framework for several sellers", |i| i.process = Some("S8".to_owned())),
        plant("BR-FR-CO-04", "a corrected invoice of nothing", corrected, |i| i.preceding.clear()),
        plant("BR-FR-CO-05", "a credit note of nothing", credit_note, |i| i.preceding.clear()),
        plant("BR-FR-CO-08", "a deposit that is final", deposit, |i| i.process = Some("S4".to_owned())),
        plant("BR-FR-CO-09", "paid already, with something due", prepaid, |i| {
            i.totals.paid -= CENT;
            *i = totalled(i.clone());
        }),
        plant("BR-FR-CO-12", "dollars alone", dollars, |i| i.accounting_tax = None),
        plant("BR-FR-CO-12", "Swiss francs beside dollars", dollars, |i| {
            i.accounting_tax.iter_mut().for_each(|t| t.currency = Currency::Chf);
        }),
        on("BR-FR-DEC-01", "an amount of 20 digits", |i| i.totals.paid = dec("123456789012345678.90")),
        on("BR-FR-DEC-02", "a quantity of five decimals", |i| i.lines[0].quantity += dec("0.00001")),
        on("BR-FR-DEC-03", "a price of seven decimals", |i| i.lines[0].price = dec("2.4000001")),
        on("BR-FR-DEC-04", "a rate of three decimals", |i| {
            i.lines.iter_mut().for_each(|l| l.vat.rate = Some(dec("2.105")));
            *i = totalled(i.clone());
        }),
    ]
}

pub(super) fn france_parties() -> Vec<Planted> {
    use fixtures::domestic;
    let on = |rule, what, spoil: fn(&mut EInvoice)| plant(rule, what, domestic, spoil);
    vec![
        on("BR-FR-09", "a SIRET of another company", |i| i.seller.party.ids = vec![id("0009", "98765432100010")]),
        on("BR-FR-10", "a seller without a SIREN", |i| i.seller.party.legal_id = None),
        on("BR-FR-11", "a domestic buyer without a SIREN", |i| i.buyer.legal_id = None),
        on("BR-FR-12", "a buyer without an address", |i| i.buyer.endpoint = None),
        on("BR-FR-13", "a seller without an address", |i| i.seller.party.endpoint = None),
        on("BR-FR-21", "a domestic buyer's address outside the directory", |i| {
            i.buyer.endpoint = Some(id("EM", "compta@ampere.example"));
        }),
        on("BR-FR-23", "a directory address with a slash", |i| i.buyer.endpoint = Some(id("0225", "987654324/a"))),
        on("BR-FR-24", "a private number with a space", |i| i.seller.party.ids.push(id("0224", "a b"))),
        on("BR-FR-25", "an address of 126 characters", |i| {
            i.seller.party.endpoint = Some(id("0225", &"1".repeat(126)));
        }),
        on("BR-FR-26", "a private number of 101 characters", |i| i.seller.party.ids.push(id("0224", &"1".repeat(101)))),
        on("BR-FR-32", "a SIREN of eight digits", |i| i.buyer.legal_id = Some(id("0002", "98765432"))),
        on("BR-FR-CO-10", "two identifiers of one scheme", |i| {
            i.seller.party.ids.push(id("0009", "12345678200028"));
        }),
        on("BR-FR-CO-14", "a VAT group's member that does not say so", |i| {
            i.seller.party.ids.push(id("0231", "123456782"));
        }),
        on("BR-FR-CO-15", "a VAT group's member without the group", |i| {
            i.seller.party.ids.push(id("0231", "123456782"));
            i.notes.push(note(NoteSubject::Tax, "MEMBRE_ASSUJETTI_UNIQUE"));
        }),
    ]
}
