//! How is the document written in UBL 2.1? The mapping of EN 16931-3-2, elements in the order of the OASIS schemas.

mod line;
mod party;

use rust_decimal::Decimal;

use self::{line::line, party::party};
use super::{
    Address, Adjustment, AdjustmentBase, DocumentType, EInvoice, Note, PaymentAccount, Preceding, Span, VatBreakdown,
    VatPoint, VatRate,
    xml::{Element, amount, given, number},
};

const AGGREGATES: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const BASICS: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";
const INVOICE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
const CREDIT_NOTE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2";

/// The document as UBL 2.1: an `Invoice`, or a `CreditNote` for type 381. The same document gives the same bytes.
pub fn ubl(invoice: &EInvoice) -> String {
    let credit = invoice.document_type == DocumentType::CreditNote;
    let (root, namespace) = if credit { ("CreditNote", CREDIT_NOTE) } else { ("Invoice", INVOICE) };
    let root = Element::group(root).with("xmlns", namespace).with("xmlns:cac", AGGREGATES).with("xmlns:cbc", BASICS);
    let head = head(root, invoice);
    let money = Money(invoice.currency.code());
    let head = head
        .child(Element::group("cac:AccountingSupplierParty").child(party(&invoice.seller.party, Some(&invoice.seller))))
        .child(Element::group("cac:AccountingCustomerParty").child(party(&invoice.buyer, None)))
        .each(delivery(invoice))
        .each(payment(invoice))
        .child(Element::group("cac:PaymentTerms").some("cbc:Note", given(&invoice.payment_terms)))
        .each(invoice.allowances.iter().map(|a| adjustment(money, false, a)))
        .each(invoice.charges.iter().map(|c| adjustment(money, true, c)))
        .each(tax_totals(invoice))
        .child(totals(invoice));
    head.each(invoice.lines.iter().map(|l| line(invoice, l))).document()
}

/// The currency that amounts are in.
#[derive(Clone, Copy)]
struct Money(&'static str);

impl Money {
    fn leaf(self, name: &'static str, value: Decimal) -> Element {
        Element::leaf(name, &amount(value)).with("currencyID", self.0)
    }
}

fn head(root: Element, invoice: &EInvoice) -> Element {
    let credit = invoice.document_type == DocumentType::CreditNote;
    let due = invoice.due_date.filter(|_| !credit).map(|d| d.to_string());
    let type_code = if credit { "cbc:CreditNoteTypeCode" } else { "cbc:InvoiceTypeCode" };
    root.text("cbc:CustomizationID", invoice.profile.specification())
        .some("cbc:ProfileID", given(&invoice.process))
        .text("cbc:ID", &invoice.number)
        .text("cbc:IssueDate", &invoice.issue_date.to_string())
        .some("cbc:DueDate", due.as_deref())
        .text(type_code, invoice.document_type.code())
        .each(invoice.notes.iter().map(note))
        .text("cbc:DocumentCurrencyCode", invoice.currency.code())
        .some("cbc:TaxCurrencyCode", invoice.accounting_tax.map(|t| t.currency.code()))
        .some("cbc:BuyerReference", given(&invoice.buyer_reference))
        .child(span(invoice.period, invoice.vat_point))
        .child(Element::group("cac:OrderReference").some("cbc:ID", given(&invoice.purchase_order)))
        .each(invoice.preceding.iter().map(preceding))
        .child(Element::group("cac:ContractDocumentReference").some("cbc:ID", given(&invoice.contract)))
}

/// UBL has no element for the subject code (BT-21): it stands before the text, between number signs.
fn note(note: &Note) -> Element {
    let subject = note.subject.map(|s| format!("#{}#", s.code())).unwrap_or_default();
    Element::leaf("cbc:Note", &format!("{subject}{}", note.text))
}

fn span(span: Option<Span>, point: Option<VatPoint>) -> Element {
    Element::group("cac:InvoicePeriod")
        .some("cbc:StartDate", span.map(|s| s.first.to_string()).as_deref())
        .some("cbc:EndDate", span.map(|s| s.last.to_string()).as_deref())
        .some("cbc:DescriptionCode", point.map(VatPoint::ubl))
}

fn preceding(preceding: &Preceding) -> Element {
    let reference = Element::group("cac:InvoiceDocumentReference")
        .text("cbc:ID", &preceding.number)
        .some("cbc:IssueDate", preceding.issue_date.map(|d| d.to_string()).as_deref());
    Element::group("cac:BillingReference").child(reference)
}

fn address(name: &'static str, address: &Address) -> Element {
    let [one, two, three] = &address.lines;
    Element::group(name)
        .some("cbc:StreetName", given(one))
        .some("cbc:AdditionalStreetName", given(two))
        .some("cbc:CityName", given(&address.city))
        .some("cbc:PostalZone", given(&address.post_code))
        .some("cbc:CountrySubentity", given(&address.subdivision))
        .child(Element::group("cac:AddressLine").some("cbc:Line", given(three)))
        .child(Element::group("cac:Country").text("cbc:IdentificationCode", &address.country))
}

fn delivery(invoice: &EInvoice) -> Option<Element> {
    let delivery = invoice.delivery.as_ref()?;
    let to = delivery.address.as_ref().map(|a| address("cac:Address", a));
    let group = Element::group("cac:Delivery")
        .some("cbc:ActualDeliveryDate", delivery.date.map(|d| d.to_string()).as_deref())
        .child(Element::group("cac:DeliveryLocation").each(to));
    Some(group)
}

/// One group per account: any of them will do. A credit note says in the first when it is due, having no other place.
fn payment(invoice: &EInvoice) -> Vec<Element> {
    let Some(payment) = &invoice.payment else { return Vec::new() };
    let credit = invoice.document_type == DocumentType::CreditNote;
    let due = invoice.due_date.filter(|_| credit).map(|d| d.to_string());
    let means = |n: usize, account: Option<&PaymentAccount>| {
        let account = account.map(|a| {
            let branch = Element::group("cac:FinancialInstitutionBranch").some("cbc:ID", given(&a.bic));
            let group = Element::group("cac:PayeeFinancialAccount").text("cbc:ID", &a.iban);
            group.some("cbc:Name", given(&a.name)).child(branch)
        });
        Element::group("cac:PaymentMeans")
            .text("cbc:PaymentMeansCode", payment.means.code())
            .some("cbc:PaymentDueDate", due.as_deref().filter(|_| n == 0))
            .some("cbc:PaymentID", given(&payment.remittance))
            .each(account)
    };
    if payment.accounts.is_empty() {
        return vec![means(0, None)];
    }
    payment.accounts.iter().enumerate().map(|(n, a)| means(n, Some(a))).collect()
}

fn vat_category(name: &'static str, vat: VatRate, breakdown: Option<&VatBreakdown>) -> Element {
    Element::group(name)
        .text("cbc:ID", vat.category.code())
        .some("cbc:Percent", vat.rate.map(number).as_deref())
        .some("cbc:TaxExemptionReasonCode", breakdown.and_then(|b| given(&b.reason_code)))
        .some("cbc:TaxExemptionReason", breakdown.and_then(|b| given(&b.reason)))
        .child(Element::group("cac:TaxScheme").text("cbc:ID", "VAT"))
}

fn adjustment(money: Money, charge: bool, of: &Adjustment) -> Element {
    adjusted(money, charge, of.amount, of.base, &of.reason).child(vat_category("cac:TaxCategory", of.vat, None))
}

fn adjusted(money: Money, charge: bool, by: Decimal, base: Option<AdjustmentBase>, reason: &str) -> Element {
    Element::group("cac:AllowanceCharge")
        .text("cbc:ChargeIndicator", if charge { "true" } else { "false" })
        .some("cbc:AllowanceChargeReason", Some(reason))
        .some("cbc:MultiplierFactorNumeric", base.map(|b| number(b.percentage)).as_deref())
        .child(money.leaf("cbc:Amount", by))
        .each(base.map(|b| money.leaf("cbc:BaseAmount", b.amount)))
}

/// The first with its parts, in the document's currency; the second, if there is one, in the accounting currency.
fn tax_totals(invoice: &EInvoice) -> Vec<Element> {
    let money = Money(invoice.currency.code());
    let part = |part: &VatBreakdown| {
        Element::group("cac:TaxSubtotal")
            .child(money.leaf("cbc:TaxableAmount", part.base))
            .child(money.leaf("cbc:TaxAmount", part.tax))
            .child(vat_category("cac:TaxCategory", part.vat, Some(part)))
    };
    let first = Element::group("cac:TaxTotal").child(money.leaf("cbc:TaxAmount", invoice.totals.vat));
    let mut totals = vec![first.each(invoice.vat.iter().map(part))];
    totals.extend(
        invoice
            .accounting_tax
            .map(|tax| Element::group("cac:TaxTotal").child(Money(tax.currency.code()).leaf("cbc:TaxAmount", tax.vat))),
    );
    totals
}

fn totals(invoice: &EInvoice) -> Element {
    let (t, money) = (&invoice.totals, Money(invoice.currency.code()));
    let unless_none = |name, value: Decimal, none: bool| (!none || !value.is_zero()).then(|| money.leaf(name, value));
    Element::group("cac:LegalMonetaryTotal")
        .child(money.leaf("cbc:LineExtensionAmount", t.lines))
        .child(money.leaf("cbc:TaxExclusiveAmount", t.net))
        .child(money.leaf("cbc:TaxInclusiveAmount", t.gross))
        .each(unless_none("cbc:AllowanceTotalAmount", t.allowances, invoice.allowances.is_empty()))
        .each(unless_none("cbc:ChargeTotalAmount", t.charges, invoice.charges.is_empty()))
        .each(unless_none("cbc:PrepaidAmount", t.paid, true))
        .each(unless_none("cbc:PayableRoundingAmount", t.rounding, true))
        .child(money.leaf("cbc:PayableAmount", t.due))
}
