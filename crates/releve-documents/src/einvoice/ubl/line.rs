//! How is a line written in UBL? BG-25 with its price, item and VAT.

use super::{Money, adjusted, span, vat_category};
use crate::einvoice::{
    BaseQuantity, DocumentType, EInvoice, Line,
    xml::{Element, given, number},
};

pub(super) fn line(invoice: &EInvoice, line: &Line) -> Element {
    let (name, quantity) = match invoice.document_type {
        DocumentType::CreditNote => ("cac:CreditNoteLine", "cbc:CreditedQuantity"),
        _ => ("cac:InvoiceLine", "cbc:InvoicedQuantity"),
    };
    let (money, unit) = (Money(invoice.currency.code()), line.unit.code());
    let base = match line.base_quantity {
        BaseQuantity::One => None,
        BaseQuantity::Of(base) => Some(Element::leaf("cbc:BaseQuantity", &number(base)).with("unitCode", unit)),
    };
    // A price has more decimals than an amount, and is spelled like a number.
    let price = Element::leaf("cbc:PriceAmount", &number(line.price)).with("currencyID", money.0);
    Element::group(name)
        .text("cbc:ID", &line.id)
        .some("cbc:Note", given(&line.note))
        .child(Element::leaf(quantity, &number(line.quantity)).with("unitCode", unit))
        .child(money.leaf("cbc:LineExtensionAmount", line.net))
        .child(span(line.period, None))
        .each(line.allowances.iter().map(|a| adjusted(money, false, a.amount, a.base, &a.reason)))
        .each(line.charges.iter().map(|c| adjusted(money, true, c.amount, c.base, &c.reason)))
        .child(item(line))
        .child(Element::group("cac:Price").child(price).each(base))
}

fn item(line: &Line) -> Element {
    let attributes = line.attributes.iter().map(|attribute| {
        let group = Element::group("cac:AdditionalItemProperty");
        group.text("cbc:Name", &attribute.name).text("cbc:Value", &attribute.value)
    });
    let id = Element::group("cac:SellersItemIdentification").some("cbc:ID", given(&line.seller_item_id));
    Element::group("cac:Item")
        .some("cbc:Description", given(&line.description))
        .text("cbc:Name", &line.name)
        .child(id)
        .child(vat_category("cac:ClassifiedTaxCategory", line.vat, None))
        .each(attributes)
}
