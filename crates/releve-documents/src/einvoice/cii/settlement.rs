//! How is it settled, in CII? Payment, VAT, document level allowances and charges, totals, preceding invoices.

use rust_decimal::Decimal;

use super::{DAY, adjusted, day, span, vat};
use crate::einvoice::{
    Adjustment, EInvoice, PaymentAccount, Preceding, VatBreakdown, VatPoint,
    xml::{Element, amount, given, number},
};

pub(super) fn settlement(invoice: &EInvoice) -> Element {
    let remittance = invoice.payment.as_ref().and_then(|p| given(&p.remittance));
    let terms = Element::group("ram:SpecifiedTradePaymentTerms")
        .some("ram:Description", given(&invoice.payment_terms))
        .each(invoice.due_date.map(|d| day("ram:DueDateDateTime", d)));
    Element::group("ram:ApplicableHeaderTradeSettlement")
        .some("ram:PaymentReference", remittance)
        .some("ram:TaxCurrencyCode", invoice.accounting_tax.map(|t| t.currency.code()))
        .text("ram:InvoiceCurrencyCode", invoice.currency.code())
        .each(payment(invoice))
        .each(invoice.vat.iter().map(|part| breakdown(part, invoice.vat_point)))
        .each(invoice.period.map(span))
        .each(invoice.allowances.iter().map(|a| adjustment(false, a)))
        .each(invoice.charges.iter().map(|c| adjustment(true, c)))
        .child(terms)
        .child(totals(invoice))
        .each(invoice.preceding.iter().map(preceding))
}

/// One group per account: any of them will do.
fn payment(invoice: &EInvoice) -> Vec<Element> {
    let Some(payment) = &invoice.payment else { return Vec::new() };
    let means = |account: Option<&PaymentAccount>| {
        let group = Element::group("ram:SpecifiedTradeSettlementPaymentMeans");
        let group = group.text("ram:TypeCode", payment.means.code());
        let Some(account) = account else { return group };
        let creditor = Element::group("ram:PayeePartyCreditorFinancialAccount")
            .text("ram:IBANID", &account.iban)
            .some("ram:AccountName", given(&account.name));
        let bank = Element::group("ram:PayeeSpecifiedCreditorFinancialInstitution");
        group.child(creditor).child(bank.some("ram:BICID", given(&account.bic)))
    };
    if payment.accounts.is_empty() {
        return vec![means(None)];
    }
    payment.accounts.iter().map(|a| means(Some(a))).collect()
}

fn breakdown(part: &VatBreakdown, point: Option<VatPoint>) -> Element {
    Element::group("ram:ApplicableTradeTax")
        .text("ram:CalculatedAmount", &amount(part.tax))
        .text("ram:TypeCode", "VAT")
        .some("ram:ExemptionReason", given(&part.reason))
        .text("ram:BasisAmount", &amount(part.base))
        .text("ram:CategoryCode", part.vat.category.code())
        .some("ram:ExemptionReasonCode", given(&part.reason_code))
        .some("ram:DueDateTypeCode", point.map(VatPoint::cii))
        .some("ram:RateApplicablePercent", part.vat.rate.map(number).as_deref())
}

fn adjustment(charge: bool, of: &Adjustment) -> Element {
    adjusted(charge, of.amount, of.base, &of.reason).child(vat("ram:CategoryTradeTax", of.vat))
}

fn totals(invoice: &EInvoice) -> Element {
    let t = &invoice.totals;
    let unless_none =
        |name, value: Decimal, none: bool| (!none || !value.is_zero()).then(|| Element::leaf(name, &amount(value)));
    let vat = |value, currency| Element::leaf("ram:TaxTotalAmount", &amount(value)).with("currencyID", currency);
    Element::group("ram:SpecifiedTradeSettlementHeaderMonetarySummation")
        .text("ram:LineTotalAmount", &amount(t.lines))
        .each(unless_none("ram:ChargeTotalAmount", t.charges, invoice.charges.is_empty()))
        .each(unless_none("ram:AllowanceTotalAmount", t.allowances, invoice.allowances.is_empty()))
        .text("ram:TaxBasisTotalAmount", &amount(t.net))
        .child(vat(t.vat, invoice.currency.code()))
        .each(invoice.accounting_tax.map(|tax| vat(tax.vat, tax.currency.code())))
        .each(unless_none("ram:RoundingAmount", t.rounding, true))
        .text("ram:GrandTotalAmount", &amount(t.gross))
        .each(unless_none("ram:TotalPrepaidAmount", t.paid, true))
        .text("ram:DuePayableAmount", &amount(t.due))
}

fn preceding(preceding: &Preceding) -> Element {
    let issued = preceding.issue_date.map(|d| Element::leaf("qdt:DateTimeString", &d.compact()).with("format", DAY));
    Element::group("ram:InvoiceReferencedDocument")
        .text("ram:IssuerAssignedID", &preceding.number)
        .child(Element::group("ram:FormattedIssueDateTime").each(issued))
}
