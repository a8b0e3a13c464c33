//! How is a party written in UBL? BG-4 and BG-7.

use super::address;
use crate::einvoice::{
    Identifier, Party, Seller,
    xml::{Element, given},
};

/// `seller` says what only a seller has.
pub(super) fn party(party: &Party, seller: Option<&Seller>) -> Element {
    let legal_form = seller.and_then(|s| given(&s.legal_form));
    let contact = party.contact.clone().unwrap_or_default();
    Element::group("cac:Party")
        .each(party.endpoint.as_ref().map(|id| identifier("cbc:EndpointID", id)))
        .each(party.ids.iter().map(|id| Element::group("cac:PartyIdentification").child(identifier("cbc:ID", id))))
        .child(Element::group("cac:PartyName").some("cbc:Name", given(&party.trade_name)))
        .child(address("cac:PostalAddress", &party.address))
        .each(given(&party.vat_id).map(|id| tax_scheme(id, "VAT")))
        .each(seller.and_then(|s| given(&s.tax_registration)).map(|id| tax_scheme(id, "TAX")))
        .child(
            Element::group("cac:PartyLegalEntity")
                .text("cbc:RegistrationName", &party.name)
                .each(party.legal_id.as_ref().map(|id| identifier("cbc:CompanyID", id)))
                .some("cbc:CompanyLegalForm", legal_form),
        )
        .child(
            Element::group("cac:Contact")
                .some("cbc:Name", given(&contact.name))
                .some("cbc:Telephone", given(&contact.phone))
                .some("cbc:ElectronicMail", given(&contact.mail)),
        )
}

fn identifier(name: &'static str, id: &Identifier) -> Element {
    let element = Element::leaf(name, &id.value);
    match given(&id.scheme) {
        Some(scheme) => element.with("schemeID", scheme),
        None => element,
    }
}

/// `VAT` for BT-31 and BT-48; anything else is a local registration (BT-32).
fn tax_scheme(id: &str, scheme: &str) -> Element {
    let group = Element::group("cac:PartyTaxScheme").text("cbc:CompanyID", id);
    group.child(Element::group("cac:TaxScheme").text("cbc:ID", scheme))
}
