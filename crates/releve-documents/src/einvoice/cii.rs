//! How is it written in UN/CEFACT's Cross Industry Invoice? D16B, in the order of its schema (EN 16931-3-3).

use releve_billing::tax::Category;

use super::{
    model::{EInvoice, ELine, EParty, VatPoint},
    xml::Xml,
};

const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
    ("xmlns:ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"),
    ("xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"),
    ("xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
];
/// UNTDID 4461: SEPA credit transfer.
const SEPA_TRANSFER: &str = "58";

/// The document, in UTF-8.
pub fn cii(invoice: &EInvoice) -> String {
    Xml::document("rsm:CrossIndustryInvoice", &NAMESPACES, |xml| {
        xml.group("rsm:ExchangedDocumentContext", |xml| {
            if let Some(process) = invoice.process {
                let name = "ram:BusinessProcessSpecifiedDocumentContextParameter";
                xml.group(name, |xml| xml.text("ram:ID", process));
            }
            let name = "ram:GuidelineSpecifiedDocumentContextParameter";
            xml.group(name, |xml| xml.text("ram:ID", invoice.specification));
        });
        xml.group("rsm:ExchangedDocument", |xml| document(xml, invoice));
        xml.group("rsm:SupplyChainTradeTransaction", |xml| {
            invoice.lines.iter().for_each(|l| line(xml, l));
            xml.group("ram:ApplicableHeaderTradeAgreement", |xml| {
                xml.optional("ram:BuyerReference", invoice.buyer_reference.as_deref());
                xml.group("ram:SellerTradeParty", |xml| party(xml, &invoice.seller));
                xml.group("ram:BuyerTradeParty", |xml| party(xml, &invoice.buyer));
            });
            xml.group("ram:ApplicableHeaderTradeDelivery", |xml| {
                xml.group("ram:ActualDeliverySupplyChainEvent", |xml| {
                    let name = "ram:OccurrenceDateTime";
                    xml.group(name, |xml| day(xml, "udt:DateTimeString", &invoice.period.1));
                });
            });
            xml.group("ram:ApplicableHeaderTradeSettlement", |xml| settlement(xml, invoice));
        });
    })
}

fn document(xml: &mut Xml, invoice: &EInvoice) {
    xml.text("ram:ID", &invoice.number);
    xml.text("ram:TypeCode", invoice.type_code.code());
    xml.group("ram:IssueDateTime", |xml| day(xml, "udt:DateTimeString", &invoice.issue_date));
    for note in &invoice.notes {
        xml.group("ram:IncludedNote", |xml| {
            xml.text("ram:Content", &note.text);
            xml.optional("ram:SubjectCode", note.subject);
        });
    }
}

/// `YYYYMMDD`, which is format 102 of UNTDID 2379.
fn day(xml: &mut Xml, name: &str, date: &str) {
    xml.text_with(name, &[("format", "102")], &date.replace('-', ""));
}

fn party(xml: &mut Xml, party: &EParty) {
    xml.text("ram:Name", &party.name);
    xml.optional("ram:Description", party.legal_mentions.as_deref());
    if let Some((id, scheme)) = &party.legal_id {
        xml.group("ram:SpecifiedLegalOrganization", |xml| match scheme {
            Some(scheme) => xml.text_with("ram:ID", &[("schemeID", scheme)], id),
            None => xml.text("ram:ID", id),
        });
    }
    xml.group("ram:PostalTradeAddress", |xml| {
        xml.optional("ram:PostcodeCode", party.postcode.as_deref());
        for (name, street) in ["ram:LineOne", "ram:LineTwo", "ram:LineThree"].into_iter().zip(&party.street) {
            xml.text(name, street);
        }
        xml.optional("ram:CityName", party.city.as_deref());
        xml.text("ram:CountryID", &party.country);
    });
    if let Some(endpoint) = &party.endpoint {
        let scheme = [("schemeID", endpoint.scheme)];
        xml.group("ram:URIUniversalCommunication", |xml| xml.text_with("ram:URIID", &scheme, &endpoint.value));
    }
    if let Some(id) = &party.vat_id {
        xml.group("ram:SpecifiedTaxRegistration", |xml| xml.text_with("ram:ID", &[("schemeID", "VA")], id));
    }
}

fn settlement(xml: &mut Xml, invoice: &EInvoice) {
    xml.optional("ram:PaymentReference", invoice.payment.as_ref().map(|p| p.remittance.as_str()));
    xml.text("ram:InvoiceCurrencyCode", invoice.currency);
    if let Some(payment) = &invoice.payment {
        xml.group("ram:SpecifiedTradeSettlementPaymentMeans", |xml| {
            xml.text("ram:TypeCode", SEPA_TRANSFER);
            xml.group("ram:PayeePartyCreditorFinancialAccount", |xml| xml.text("ram:IBANID", &payment.iban));
            if let Some(bic) = &payment.bic {
                xml.group("ram:PayeeSpecifiedCreditorFinancialInstitution", |xml| xml.text("ram:BICID", bic));
            }
        });
    }
    for of in &invoice.vat {
        xml.group("ram:ApplicableTradeTax", |xml| {
            xml.text("ram:CalculatedAmount", &of.tax.to_string());
            xml.text("ram:TypeCode", "VAT");
            xml.optional("ram:ExemptionReason", of.reason);
            xml.text("ram:BasisAmount", &of.base.to_string());
            xml.text("ram:CategoryCode", of.category.code());
            xml.optional("ram:ExemptionReasonCode", of.reason_code);
            xml.optional("ram:DueDateTypeCode", invoice.vat_point.map(vat_point));
            rate(xml, of.category, of.rate);
        });
    }
    xml.group("ram:BillingSpecifiedPeriod", |xml| period(xml, &invoice.period));
    xml.group("ram:SpecifiedTradePaymentTerms", |xml| {
        xml.optional("ram:Description", invoice.payment_terms.as_deref());
        xml.group("ram:DueDateDateTime", |xml| day(xml, "udt:DateTimeString", &invoice.due_date));
    });
    totals(xml, invoice);
    for (number, date) in &invoice.preceding {
        xml.group("ram:InvoiceReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", number);
            xml.group("ram:FormattedIssueDateTime", |xml| day(xml, "qdt:DateTimeString", date));
        });
    }
}

/// UNTDID 2475.
const fn vat_point(point: VatPoint) -> &'static str {
    match point {
        VatPoint::Invoice => "5",
        VatPoint::Payment => "72",
    }
}

/// What is out of scope has no rate (BR-O-05).
fn rate(xml: &mut Xml, category: Category, rate: rust_decimal::Decimal) {
    if category != Category::O {
        xml.text("ram:RateApplicablePercent", &rate.to_string());
    }
}

fn period(xml: &mut Xml, (first, last): &(String, String)) {
    xml.group("ram:StartDateTime", |xml| day(xml, "udt:DateTimeString", first));
    xml.group("ram:EndDateTime", |xml| day(xml, "udt:DateTimeString", last));
}

fn totals(xml: &mut Xml, invoice: &EInvoice) {
    xml.group("ram:SpecifiedTradeSettlementHeaderMonetarySummation", |xml| {
        xml.text("ram:LineTotalAmount", &invoice.net.to_string());
        xml.text("ram:TaxBasisTotalAmount", &invoice.net.to_string());
        xml.text_with("ram:TaxTotalAmount", &[("currencyID", invoice.currency)], &invoice.tax.to_string());
        xml.text("ram:GrandTotalAmount", &invoice.payable.to_string());
        xml.text("ram:DuePayableAmount", &invoice.payable.to_string());
    });
}

fn line(xml: &mut Xml, line: &ELine) {
    let unit = [("unitCode", line.unit)];
    xml.group("ram:IncludedSupplyChainTradeLineItem", |xml| {
        xml.group("ram:AssociatedDocumentLineDocument", |xml| {
            xml.text("ram:LineID", &line.id);
            if let Some(note) = &line.note {
                xml.group("ram:IncludedNote", |xml| xml.text("ram:Content", note));
            }
        });
        xml.group("ram:SpecifiedTradeProduct", |xml| {
            xml.text("ram:SellerAssignedID", &line.item_id);
            xml.text("ram:Name", &line.name);
            for (name, value) in &line.attributes {
                xml.group("ram:ApplicableProductCharacteristic", |xml| {
                    xml.text("ram:Description", name);
                    xml.text("ram:Value", value);
                });
            }
        });
        xml.group("ram:SpecifiedLineTradeAgreement", |xml| {
            xml.group("ram:NetPriceProductTradePrice", |xml| {
                xml.text("ram:ChargeAmount", &line.price.to_string());
                xml.text_with("ram:BasisQuantity", &unit, &line.base_quantity.to_string());
            });
        });
        xml.group("ram:SpecifiedLineTradeDelivery", |xml| {
            xml.text_with("ram:BilledQuantity", &unit, &line.quantity.to_string());
        });
        xml.group("ram:SpecifiedLineTradeSettlement", |xml| {
            xml.group("ram:ApplicableTradeTax", |xml| {
                xml.text("ram:TypeCode", "VAT");
                xml.text("ram:CategoryCode", line.category.code());
                rate(xml, line.category, line.rate);
            });
            xml.group("ram:BillingSpecifiedPeriod", |xml| period(xml, &line.period));
            xml.group("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
                xml.text("ram:LineTotalAmount", &line.net.to_string());
            });
        });
    });
}
