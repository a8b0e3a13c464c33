//! How is a party written in CII? BG-4 and BG-7.

use crate::einvoice::{
    Address, Contact, Identifier, Party, Seller,
    xml::{Element, given},
};

/// `seller` says what only a seller has.
pub(super) fn party(name: &'static str, party: &Party, seller: Option<&Seller>) -> Element {
    let (global, own): (Vec<_>, Vec<_>) = party.ids.iter().partition(|id| given(&id.scheme).is_some());
    let legal = party.legal_id.as_ref().map(|id| identifier("ram:ID", id));
    let endpoint = party.endpoint.as_ref().map(|id| identifier("ram:URIID", id));
    let registration = |id, scheme| {
        let id = Element::leaf("ram:ID", id).with("schemeID", scheme);
        Element::group("ram:SpecifiedTaxRegistration").child(id)
    };
    Element::group(name)
        .each(own.into_iter().map(|id| identifier("ram:ID", id)))
        .each(global.into_iter().map(|id| identifier("ram:GlobalID", id)))
        .text("ram:Name", &party.name)
        .some("ram:Description", seller.and_then(|s| given(&s.legal_form)))
        .child(
            Element::group("ram:SpecifiedLegalOrganization")
                .each(legal)
                .some("ram:TradingBusinessName", given(&party.trade_name)),
        )
        .each(party.contact.as_ref().map(contact))
        .child(address(&party.address))
        .child(Element::group("ram:URIUniversalCommunication").each(endpoint))
        .each(given(&party.vat_id).map(|id| registration(id, "VA")))
        .each(seller.and_then(|s| given(&s.tax_registration)).map(|id| registration(id, "FC")))
}

fn identifier(name: &'static str, id: &Identifier) -> Element {
    let element = Element::leaf(name, &id.value);
    match given(&id.scheme) {
        Some(scheme) => element.with("schemeID", scheme),
        None => element,
    }
}

fn contact(contact: &Contact) -> Element {
    let phone = Element::group("ram:TelephoneUniversalCommunication");
    let mail = Element::group("ram:EmailURIUniversalCommunication");
    Element::group("ram:DefinedTradeContact")
        .some("ram:PersonName", given(&contact.name))
        .child(phone.some("ram:CompleteNumber", given(&contact.phone)))
        .child(mail.some("ram:URIID", given(&contact.mail)))
}

pub(super) fn address(address: &Address) -> Element {
    let [one, two, three] = &address.lines;
    Element::group("ram:PostalTradeAddress")
        .some("ram:PostcodeCode", given(&address.post_code))
        .some("ram:LineOne", given(one))
        .some("ram:LineTwo", given(two))
        .some("ram:LineThree", given(three))
        .some("ram:CityName", given(&address.city))
        .text("ram:CountryID", &address.country)
        .some("ram:CountrySubDivisionName", given(&address.subdivision))
}
