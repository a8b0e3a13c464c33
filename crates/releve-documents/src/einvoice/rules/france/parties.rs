//! Is each party known to France's directory? SIREN, SIRET and electronic addresses.

use std::collections::HashSet;

use super::{Findings, is_domestic};
use crate::einvoice::{EInvoice, Identifier, NoteSubject, Party, xml::given};

/// Digits of a SIREN, which numbers a company, and of a SIRET, which numbers one place of it.
const SIREN_LEN: usize = 9;
const SIRET_LEN: usize = 14;
/// Schemes: SIREN, SIRET, a private number, an address in the French directory, a member of a VAT group.
const SIREN: &str = "0002";
const SIRET: &str = "0009";
const PRIVATE: &str = "0224";
const DIRECTORY: &str = "0225";
const VAT_GROUP: &str = "0231";
/// Characters of an electronic address and of a private number at most (BR-FR-25, BR-FR-26).
const ADDRESS_LEN_MAX: usize = 125;
const PRIVATE_LEN_MAX: usize = 100;

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    let (seller, buyer) = (&invoice.seller.party, &invoice.buyer);
    let field = "BT-30 seller.party.legal_id";
    found.want(siren(seller).is_some_and(is_siren), "BR-FR-10", field, "give the seller's SIREN, scheme 0002");
    let message = "give the electronic address that the platform delivers to";
    found.want(buyer.endpoint.is_some(), "BR-FR-12", "BT-49 buyer.endpoint", message);
    found.want(seller.endpoint.is_some(), "BR-FR-13", "BT-34 seller.party.endpoint", message);
    if is_domestic(invoice) {
        domestic(buyer, found);
    }
    party(seller, "seller.party", ["BT-29", "BT-30", "BT-34"], found);
    party(buyer, "buyer", ["BT-46", "BT-47", "BT-49"], found);
    if seller.ids.iter().any(|id| of(id, VAT_GROUP)) {
        let said =
            |n: &crate::einvoice::Note| n.subject == Some(NoteSubject::Tax) && n.text == "MEMBRE_ASSUJETTI_UNIQUE";
        let field = "BT-29 seller.party.ids";
        let message = "a member of a VAT group says so: add a note TXD, MEMBRE_ASSUJETTI_UNIQUE";
        found.want(invoice.notes.iter().any(said), "BR-FR-CO-14", field, message);
        let message = "a member of a VAT group invoices through the group's tax representative, which we don't write";
        found.want(false, "BR-FR-CO-15", field, message);
    }
}

fn of(id: &Identifier, scheme: &str) -> bool {
    given(&id.scheme) == Some(scheme)
}

fn siren(party: &Party) -> Option<&str> {
    party.legal_id.as_ref().filter(|id| of(id, SIREN)).map(|id| id.value.as_str())
}

fn is_siren(text: &str) -> bool {
    digits(text, SIREN_LEN)
}

fn digits(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| b.is_ascii_digit())
}

/// BR-FR-11 and BR-FR-21: between two companies in France, the buyer is in the directory under its SIREN.
fn domestic(buyer: &Party, found: &mut Findings) {
    let siren = siren(buyer).filter(|s| is_siren(s));
    found.want(siren.is_some(), "BR-FR-11", "BT-47 buyer.legal_id", "give the buyer's SIREN, scheme 0002");
    let listed = |id: &Identifier| of(id, DIRECTORY) && siren.is_some_and(|s| id.value.starts_with(s));
    let message = "the address is the directory's (scheme 0225) and begins with the buyer's SIREN";
    found.want(buyer.endpoint.as_ref().is_some_and(listed), "BR-FR-21", "BT-49 buyer.endpoint", message);
}

fn party(party: &Party, at: &str, [ids, legal, endpoint]: [&str; 3], found: &mut Findings) {
    let mut seen = HashSet::new();
    for (n, id) in party.ids.iter().enumerate() {
        let field = format!("{ids} {at}.ids[{n}]");
        let scheme = given(&id.scheme);
        let once = scheme.is_some_and(|s| seen.insert(s));
        found.want(
            once,
            "BR-FR-CO-10",
            field.as_str(),
            "each identifier names its scheme, and each scheme stands once",
        );
        identifier(id, siren(party), &field, found);
    }
    let wrong = party.legal_id.as_ref().is_some_and(|id| of(id, SIREN) && !is_siren(&id.value));
    let field = format!("{legal} {at}.legal_id");
    found.want(!wrong, "BR-FR-32", field, "a SIREN has nine digits, without spaces");
    let Some(address) = &party.endpoint else { return };
    let field = format!("{endpoint} {at}.endpoint");
    let plain = !of(address, DIRECTORY) || is_plain(&address.value);
    found.want(plain, "BR-FR-23", field.as_str(), "an address of the directory is of letters, digits, - _ and .");
    let message = format!("an electronic address has at most {ADDRESS_LEN_MAX} characters");
    found.want(address.value.chars().count() <= ADDRESS_LEN_MAX, "BR-FR-25", field, message);
}

fn identifier(id: &Identifier, siren: Option<&str>, field: &str, found: &mut Findings) {
    if of(id, SIRET) {
        let fits = digits(&id.value, SIRET_LEN) && siren.is_some_and(|s| id.value.starts_with(s));
        found.want(fits, "BR-FR-09", field, "a SIRET has 14 digits and begins with the party's SIREN");
    }
    if of(id, SIREN) || of(id, VAT_GROUP) {
        found.want(is_siren(&id.value), "BR-FR-32", field, "a SIREN has nine digits, without spaces");
    }
    if of(id, PRIVATE) {
        let message = "a private number is of letters, digits, - _ and .";
        found.want(is_plain(&id.value), "BR-FR-24", field, message);
        let message = format!("a private number has at most {PRIVATE_LEN_MAX} characters");
        found.want(id.value.chars().count() <= PRIVATE_LEN_MAX, "BR-FR-26", field, message);
    }
}

/// The Schematron lets a plus sign pass too, and says of itself that it should not.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
