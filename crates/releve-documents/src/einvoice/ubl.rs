//! How is it written in UBL 2.1? Invoice and CreditNote, in the order of their schemas (EN 16931-3-2).

use releve_billing::tax::Category;

use super::{
    model::{EInvoice, ELine, EParty, TypeCode, VatPoint},
    xml::Xml,
};

const CAC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const CBC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";
/// UNTDID 4461: SEPA credit transfer.
const SEPA_TRANSFER: &str = "58";

/// What invoices and credit notes call differently.
struct Names {
    root: &'static str,
    type_code: &'static str,
    line: &'static str,
    quantity: &'static str,
}

const INVOICE: Names = Names {
    root: "Invoice",
    type_code: "cbc:InvoiceTypeCode",
    line: "cac:InvoiceLine",
    quantity: "cbc:InvoicedQuantity",
};
const CREDIT_NOTE: Names = Names {
    root: "CreditNote",
    type_code: "cbc:CreditNoteTypeCode",
    line: "cac:CreditNoteLine",
    quantity: "cbc:CreditedQuantity",
};

/// The document, in UTF-8.
pub fn ubl(invoice: &EInvoice) -> String {
    let names = if invoice.type_code == TypeCode::CreditNote { CREDIT_NOTE } else { INVOICE };
    let own = format!("urn:oasis:names:specification:ubl:schema:xsd:{}-2", names.root);
    let namespaces = [("xmlns", own.as_str()), ("xmlns:cac", CAC), ("xmlns:cbc", CBC)];
    Xml::document(names.root, &namespaces, |xml| {
        header(xml, invoice, &names);
        xml.group("cac:AccountingSupplierParty", |xml| party(xml, &invoice.seller));
        xml.group("cac:AccountingCustomerParty", |xml| party(xml, &invoice.buyer));
        xml.group("cac:Delivery", |xml| xml.text("cbc:ActualDeliveryDate", &invoice.period.1));
        payment(xml, invoice);
        vat(xml, invoice);
        totals(xml, invoice);
        invoice.lines.iter().for_each(|l| line(xml, l, invoice.currency, &names));
    })
}

fn header(xml: &mut Xml, invoice: &EInvoice, names: &Names) {
    xml.text("cbc:CustomizationID", invoice.specification);
    xml.optional("cbc:ProfileID", invoice.process);
    xml.text("cbc:ID", &invoice.number);
    xml.text("cbc:IssueDate", &invoice.issue_date);
    if invoice.type_code == TypeCode::Invoice {
        xml.text("cbc:DueDate", &invoice.due_date);
    }
    xml.text(names.type_code, invoice.type_code.code());
    for note in &invoice.notes {
        // UBL has no place for the subject: EN 16931-3-2 puts it in front.
        let subject = note.subject.map_or_else(String::new, |code| format!("#{code}#"));
        xml.text("cbc:Note", &format!("{subject}{}", note.text));
    }
    xml.text("cbc:DocumentCurrencyCode", invoice.currency);
    xml.optional("cbc:BuyerReference", invoice.buyer_reference.as_deref());
    xml.group("cac:InvoicePeriod", |xml| {
        dates(xml, &invoice.period);
        xml.optional("cbc:DescriptionCode", invoice.vat_point.map(vat_point));
    });
    for (number, date) in &invoice.preceding {
        xml.group("cac:BillingReference", |xml| {
            xml.group("cac:InvoiceDocumentReference", |xml| {
                xml.text("cbc:ID", number);
                xml.text("cbc:IssueDate", date);
            });
        });
    }
}

/// UNTDID 2005.
const fn vat_point(point: VatPoint) -> &'static str {
    match point {
        VatPoint::Invoice => "3",
        VatPoint::Payment => "432",
    }
}

fn dates(xml: &mut Xml, (first, last): &(String, String)) {
    xml.text("cbc:StartDate", first);
    xml.text("cbc:EndDate", last);
}

fn party(xml: &mut Xml, party: &EParty) {
    xml.group("cac:Party", |xml| {
        if let Some(endpoint) = &party.endpoint {
            xml.text_with("cbc:EndpointID", &[("schemeID", endpoint.scheme)], &endpoint.value);
        }
        xml.group("cac:PostalAddress", |xml| address(xml, party));
        if let Some(id) = &party.vat_id {
            xml.group("cac:PartyTaxScheme", |xml| {
                xml.text("cbc:CompanyID", id);
                tax_scheme(xml);
            });
        }
        xml.group("cac:PartyLegalEntity", |xml| {
            xml.text("cbc:RegistrationName", &party.name);
            match &party.legal_id {
                Some((id, Some(scheme))) => xml.text_with("cbc:CompanyID", &[("schemeID", scheme)], id),
                Some((id, None)) => xml.text("cbc:CompanyID", id),
                None => {}
            }
            xml.optional("cbc:CompanyLegalForm", party.legal_mentions.as_deref());
        });
    });
}

fn address(xml: &mut Xml, party: &EParty) {
    xml.optional("cbc:StreetName", party.street.first().map(String::as_str));
    xml.optional("cbc:AdditionalStreetName", party.street.get(1).map(String::as_str));
    xml.optional("cbc:CityName", party.city.as_deref());
    xml.optional("cbc:PostalZone", party.postcode.as_deref());
    if let Some(third) = party.street.get(2) {
        xml.group("cac:AddressLine", |xml| xml.text("cbc:Line", third));
    }
    xml.group("cac:Country", |xml| xml.text("cbc:IdentificationCode", &party.country));
}

fn tax_scheme(xml: &mut Xml) {
    xml.group("cac:TaxScheme", |xml| xml.text("cbc:ID", "VAT"));
}

fn payment(xml: &mut Xml, invoice: &EInvoice) {
    if let Some(payment) = &invoice.payment {
        xml.group("cac:PaymentMeans", |xml| {
            xml.text("cbc:PaymentMeansCode", SEPA_TRANSFER);
            xml.text("cbc:PaymentID", &payment.remittance);
            xml.group("cac:PayeeFinancialAccount", |xml| {
                xml.text("cbc:ID", &payment.iban);
                if let Some(bic) = &payment.bic {
                    xml.group("cac:FinancialInstitutionBranch", |xml| xml.text("cbc:ID", bic));
                }
            });
        });
    }
    if let Some(terms) = &invoice.payment_terms {
        xml.group("cac:PaymentTerms", |xml| xml.text("cbc:Note", terms));
    }
}

fn vat(xml: &mut Xml, invoice: &EInvoice) {
    let currency = [("currencyID", invoice.currency)];
    xml.group("cac:TaxTotal", |xml| {
        xml.text_with("cbc:TaxAmount", &currency, &invoice.tax.to_string());
        for of in &invoice.vat {
            xml.group("cac:TaxSubtotal", |xml| {
                xml.text_with("cbc:TaxableAmount", &currency, &of.base.to_string());
                xml.text_with("cbc:TaxAmount", &currency, &of.tax.to_string());
                xml.group("cac:TaxCategory", |xml| {
                    category(xml, of.category, of.rate);
                    xml.optional("cbc:TaxExemptionReasonCode", of.reason_code);
                    xml.optional("cbc:TaxExemptionReason", of.reason);
                    tax_scheme(xml);
                });
            });
        }
    });
}

/// What is out of scope has no rate (BR-O-05).
fn category(xml: &mut Xml, category: Category, rate: rust_decimal::Decimal) {
    xml.text("cbc:ID", category.code());
    if category != Category::O {
        xml.text("cbc:Percent", &rate.to_string());
    }
}

fn totals(xml: &mut Xml, invoice: &EInvoice) {
    let currency = [("currencyID", invoice.currency)];
    xml.group("cac:LegalMonetaryTotal", |xml| {
        for (name, amount) in [
            ("cbc:LineExtensionAmount", invoice.net),
            ("cbc:TaxExclusiveAmount", invoice.net),
            ("cbc:TaxInclusiveAmount", invoice.payable),
            ("cbc:PayableAmount", invoice.payable),
        ] {
            xml.text_with(name, &currency, &amount.to_string());
        }
    });
}

fn line(xml: &mut Xml, line: &ELine, currency: &str, names: &Names) {
    let (currency, unit) = ([("currencyID", currency)], [("unitCode", line.unit)]);
    xml.group(names.line, |xml| {
        xml.text("cbc:ID", &line.id);
        xml.optional("cbc:Note", line.note.as_deref());
        xml.text_with(names.quantity, &unit, &line.quantity.to_string());
        xml.text_with("cbc:LineExtensionAmount", &currency, &line.net.to_string());
        xml.group("cac:InvoicePeriod", |xml| dates(xml, &line.period));
        xml.group("cac:Item", |xml| {
            xml.text("cbc:Name", &line.name);
            xml.group("cac:SellersItemIdentification", |xml| xml.text("cbc:ID", &line.item_id));
            xml.group("cac:ClassifiedTaxCategory", |xml| {
                category(xml, line.category, line.rate);
                tax_scheme(xml);
            });
            for (name, value) in &line.attributes {
                xml.group("cac:AdditionalItemProperty", |xml| {
                    xml.text("cbc:Name", name);
                    xml.text("cbc:Value", value);
                });
            }
        });
        xml.group("cac:Price", |xml| {
            xml.text_with("cbc:PriceAmount", &currency, &line.price.to_string());
            xml.text_with("cbc:BaseQuantity", &unit, &line.base_quantity.to_string());
        });
    });
}
