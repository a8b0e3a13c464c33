//! How is a line written in CII? BG-25 with its item, price, quantity and VAT.

use super::{adjusted, span, vat};
use crate::einvoice::{
    BaseQuantity, Line,
    xml::{Element, amount, given, number},
};

pub(super) fn line(line: &Line) -> Element {
    let unit = line.unit.code();
    let base = match line.base_quantity {
        BaseQuantity::One => None,
        BaseQuantity::Of(base) => Some(Element::leaf("ram:BasisQuantity", &number(base)).with("unitCode", unit)),
    };
    let price = Element::group("ram:NetPriceProductTradePrice").text("ram:ChargeAmount", &number(line.price));
    let quantity = Element::leaf("ram:BilledQuantity", &number(line.quantity)).with("unitCode", unit);
    let note = Element::group("ram:IncludedNote").some("ram:Content", given(&line.note));
    let net = Element::group("ram:SpecifiedTradeSettlementLineMonetarySummation");
    let settlement = Element::group("ram:SpecifiedLineTradeSettlement")
        .child(vat("ram:ApplicableTradeTax", line.vat))
        .each(line.period.map(span))
        .each(line.allowances.iter().map(|a| adjusted(false, a.amount, a.base, &a.reason)))
        .each(line.charges.iter().map(|c| adjusted(true, c.amount, c.base, &c.reason)))
        .child(net.text("ram:LineTotalAmount", &amount(line.net)));
    Element::group("ram:IncludedSupplyChainTradeLineItem")
        .child(Element::group("ram:AssociatedDocumentLineDocument").text("ram:LineID", &line.id).child(note))
        .child(product(line))
        .child(Element::group("ram:SpecifiedLineTradeAgreement").child(price.each(base)))
        .child(Element::group("ram:SpecifiedLineTradeDelivery").child(quantity))
        .child(settlement)
}

fn product(line: &Line) -> Element {
    let attributes = line.attributes.iter().map(|attribute| {
        let group = Element::group("ram:ApplicableProductCharacteristic");
        group.text("ram:Description", &attribute.name).text("ram:Value", &attribute.value)
    });
    Element::group("ram:SpecifiedTradeProduct")
        .some("ram:SellerAssignedID", given(&line.seller_item_id))
        .text("ram:Name", &line.name)
        .some("ram:Description", given(&line.description))
        .each(attributes)
}
