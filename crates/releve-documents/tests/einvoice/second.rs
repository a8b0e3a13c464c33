//! What does a second reader make of our documents? The crate en16931: its own parsers, model and rules, without France's.

use en16931_formats::{Policy, Recommendation, receive};
use releve_documents::einvoice::{DocumentType, EInvoice, cii, ubl};

use crate::{
    fixtures,
    planted::{self, Planted},
};

fn received(invoice: &EInvoice) -> [en16931_formats::Received; 2] {
    [ubl(invoice), cii(invoice)].map(|text| receive(text.as_bytes(), &Policy::default()))
}

/// Each syntax was written by its own code; read back, they must say the same to the last term.
#[test]
fn both_syntaxes_are_accepted_and_say_the_same() {
    for (name, invoice) in fixtures::all() {
        let [mut ubl, mut cii] = received(&invoice);
        for got in [&mut ubl, &mut cii] {
            assert!(got.recommendation == Recommendation::Accept, "{name}: {got}");
            // It does not read where a UBL credit note says when it is due; France's rules do, so it is held there.
            if let (Some(read), DocumentType::CreditNote) = (&mut got.invoice, invoice.document_type) {
                read.due_date = None;
            }
        }
        assert!(ubl.invoice.is_some(), "{name}");
        assert_eq!(ubl.invoice, cii.invoice, "{name}");
    }
}

#[test]
fn what_breaks_the_standard_is_refused() {
    for Planted { rule, what, invoice } in planted::all() {
        let refused = received(&invoice).iter().any(|got| got.recommendation == Recommendation::Reject);
        // It knows none of France's rules, and allows a euro either way in a taxable amount, in every family's rule 08.
        let beyond = rule.starts_with("BR-FR-") || (rule.ends_with("-08") && what.contains("a cent"));
        assert!(refused || beyond, "{rule}, {what}");
    }
}
