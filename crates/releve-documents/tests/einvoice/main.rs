//! Are our electronic invoices what the standard, the country and the official validators say they must be?

mod fixtures;
mod issued;
mod official;

use expect_test::expect_file;
use releve_documents::einvoice::{cii, ubl};

/// What changes in a document is seen as a change of a line in a file.
#[test]
fn documents_are_written_as_before() {
    for (name, invoice) in fixtures::all() {
        expect_file![format!("golden/{name}.ubl.xml")].assert_eq(&ubl(&invoice));
        expect_file![format!("golden/{name}.cii.xml")].assert_eq(&cii(&invoice));
    }
}

#[test]
fn the_official_validators_accept_every_kind_of_document() {
    let documents: Vec<_> = fixtures::all().into_iter().map(|(name, invoice)| (name.to_owned(), invoice)).collect();
    for ((name, syntax), found) in official::validated(&documents) {
        assert!(found.is_clean(), "{name} as {syntax}: {found:#?}");
    }
}
