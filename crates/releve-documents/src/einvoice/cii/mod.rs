//! How is the document written in UN/CEFACT CII? The mapping of EN 16931-3-3, as Factur-X carries it inside a PDF.

mod line;
mod party;
mod settlement;

use rust_decimal::Decimal;

use self::{line::line, party::party, settlement::settlement};
use super::{
    AdjustmentBase, Date, EInvoice, Note, Span, VatRate,
    xml::{Element, amount, given, number},
};

const ROOT: &str = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100";
const AGGREGATES: &str = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100";
const QUALIFIED: &str = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100";
const UNQUALIFIED: &str = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100";
/// How a day is spelled: YYYYMMDD (UNTDID 2379).
const DAY: &str = "102";

/// The document as UN/CEFACT CII. The same document gives the same bytes.
pub fn cii(invoice: &EInvoice) -> String {
    let transaction = Element::group("rsm:SupplyChainTradeTransaction")
        .each(invoice.lines.iter().map(line))
        .child(agreement(invoice))
        // Required by the schema, even where there is nothing to deliver.
        .child(delivery(invoice))
        .child(settlement(invoice));
    Element::group("rsm:CrossIndustryInvoice")
        .with("xmlns:rsm", ROOT)
        .with("xmlns:ram", AGGREGATES)
        .with("xmlns:qdt", QUALIFIED)
        .with("xmlns:udt", UNQUALIFIED)
        .child(context(invoice))
        .child(document(invoice))
        .child(transaction)
        .document()
}

fn context(invoice: &EInvoice) -> Element {
    let process = Element::group("ram:BusinessProcessSpecifiedDocumentContextParameter");
    let guideline = Element::group("ram:GuidelineSpecifiedDocumentContextParameter");
    Element::group("rsm:ExchangedDocumentContext")
        .child(process.some("ram:ID", given(&invoice.process)))
        .child(guideline.text("ram:ID", invoice.profile.specification()))
}

fn document(invoice: &EInvoice) -> Element {
    let note = |note: &Note| {
        let group = Element::group("ram:IncludedNote").text("ram:Content", &note.text);
        group.some("ram:SubjectCode", note.subject.map(|s| s.code()))
    };
    Element::group("rsm:ExchangedDocument")
        .text("ram:ID", &invoice.number)
        .text("ram:TypeCode", invoice.document_type.code())
        .child(day("ram:IssueDateTime", invoice.issue_date))
        .each(invoice.notes.iter().map(note))
}

fn day(name: &'static str, date: Date) -> Element {
    Element::group(name).child(Element::leaf("udt:DateTimeString", &date.compact()).with("format", DAY))
}

fn span(span: Span) -> Element {
    Element::group("ram:BillingSpecifiedPeriod")
        .child(day("ram:StartDateTime", span.first))
        .child(day("ram:EndDateTime", span.last))
}

fn agreement(invoice: &EInvoice) -> Element {
    let reference = |name, id| Element::group(name).some("ram:IssuerAssignedID", id);
    Element::group("ram:ApplicableHeaderTradeAgreement")
        .some("ram:BuyerReference", given(&invoice.buyer_reference))
        .child(party("ram:SellerTradeParty", &invoice.seller.party, Some(&invoice.seller)))
        .child(party("ram:BuyerTradeParty", &invoice.buyer, None))
        .child(reference("ram:BuyerOrderReferencedDocument", given(&invoice.purchase_order)))
        .child(reference("ram:ContractReferencedDocument", given(&invoice.contract)))
}

fn delivery(invoice: &EInvoice) -> Element {
    let delivery = invoice.delivery.clone().unwrap_or_default();
    let to = delivery.address.as_ref().map(party::address);
    let event = delivery.date.map(|d| day("ram:OccurrenceDateTime", d));
    Element::required("ram:ApplicableHeaderTradeDelivery")
        .child(Element::group("ram:ShipToTradeParty").each(to))
        .child(Element::group("ram:ActualDeliverySupplyChainEvent").each(event))
}

/// CII says VAT category and rate in this order, in a group whose name depends on the place.
fn vat(name: &'static str, vat: VatRate) -> Element {
    Element::group(name)
        .text("ram:TypeCode", "VAT")
        .text("ram:CategoryCode", vat.category.code())
        .some("ram:RateApplicablePercent", vat.rate.map(number).as_deref())
}

fn adjusted(charge: bool, by: Decimal, base: Option<AdjustmentBase>, reason: &str) -> Element {
    let indicator = Element::leaf("udt:Indicator", if charge { "true" } else { "false" });
    Element::group("ram:SpecifiedTradeAllowanceCharge")
        .child(Element::group("ram:ChargeIndicator").child(indicator))
        .some("ram:CalculationPercent", base.map(|b| number(b.percentage)).as_deref())
        .some("ram:BasisAmount", base.map(|b| amount(b.amount)).as_deref())
        .text("ram:ActualAmount", &amount(by))
        .some("ram:Reason", Some(reason))
}
