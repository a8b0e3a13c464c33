//! How does a file say that it is Factur-X? In its metadata (Factur-X 1.09, 6.3), which the library does not let us write: it
//! is added to what the library wrote, and every offset after it is moved.

use super::PdfError;

/// The invoice's name inside of the file.
pub(super) const FILE_NAME: &str = "factur-x.xml";
const CONFORMANCE: &str = "EN 16931";
const NAMESPACE: &str = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#";
/// Bytes of an entry in the table of objects (ISO 32000-1, 7.5.4).
const ENTRY_BYTES: usize = 20;
const OFFSET_DIGITS: usize = 10;

const PROPERTIES: [(&str, &str, &str); 4] = [
    ("DocumentFileName", FILE_NAME, "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE", "kind of document"),
    ("Version", "1.0", "version of the Factur-X schema"),
    ("ConformanceLevel", CONFORMANCE, "conformance level of the Factur-X schema"),
];

/// The file, its metadata grown by what Factur-X asks for.
pub(super) fn declared(pdf: Vec<u8>) -> Result<Vec<u8>, PdfError> {
    let start = last(&pdf, b"<?xpacket begin").ok_or(PdfError::Metadata("no packet"))?;
    let end = start + first(&pdf[start..], b"endstream").ok_or(PdfError::Metadata("no end of the packet"))?;
    let before = std::str::from_utf8(&pdf[start..end]).map_err(|_| PdfError::Metadata("a packet that is no text"))?;
    let after = extended(before)?;
    let grown = after.len() - before.len();
    let key = last(&pdf[..start], b"/Length ").ok_or(PdfError::Metadata("no length"))? + b"/Length ".len();
    let (length, length_end) = number(&pdf, key)?;
    let length_now = (length + grown).to_string();
    let moved = grown + length_now.len() - (length_end - key);
    let out = [&pdf[..key], length_now.as_bytes(), &pdf[length_end..start], after.as_bytes(), &pdf[end..]].concat();
    relocated(out, start, moved)
}

/// Our schema goes into the one bag of schemas, our properties into a description of their own.
fn extended(packet: &str) -> Result<String, PdfError> {
    const BAG_END: &str = "</rdf:Bag></pdfaExtension:schemas>";
    const END: &str = "</rdf:RDF>";
    if packet.matches(BAG_END).count() != 1 || packet.matches(END).count() != 1 {
        return Err(PdfError::Metadata("not one bag of schemas"));
    }
    let schema: String = PROPERTIES.iter().map(|(name, _, what)| described(name, what)).collect();
    let schema = format!(
        "<rdf:li rdf:parseType=\"Resource\"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>\
         <pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>\
         <pdfaSchema:property><rdf:Seq>{schema}</rdf:Seq></pdfaSchema:property></rdf:li>{BAG_END}"
    );
    let values: String = PROPERTIES.iter().map(|(name, value, _)| format!("<fx:{name}>{value}</fx:{name}>")).collect();
    let values = format!("<rdf:Description rdf:about=\"\" xmlns:fx=\"{NAMESPACE}\">{values}</rdf:Description>{END}");
    Ok(packet.replace(BAG_END, &schema).replace(END, &values))
}

fn described(name: &str, what: &str) -> String {
    format!(
        "<rdf:li rdf:parseType=\"Resource\"><pdfaProperty:name>{name}</pdfaProperty:name>\
         <pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>\
         <pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
    )
}

/// The table of objects for a file in which all after `at` has moved.
fn relocated(mut pdf: Vec<u8>, at: usize, moved: usize) -> Result<Vec<u8>, PdfError> {
    let table_key = last(&pdf, b"startxref").ok_or(PdfError::Metadata("no start of the table"))? + b"startxref\n".len();
    let (table, table_end) = number(&pdf, table_key)?;
    let table = table + moved;
    let header = b"xref\n0 ";
    if !pdf[table.min(pdf.len())..].starts_with(header) {
        return Err(PdfError::Metadata("no table of objects where it should be"));
    }
    let (entries, header_end) = number(&pdf, table + header.len())?;
    for n in 0..entries {
        let from = header_end + 1 + n * ENTRY_BYTES;
        let (offset, _) = number(&pdf, from)?;
        if offset > at {
            let entry = pdf.get_mut(from..from + OFFSET_DIGITS).ok_or(PdfError::Metadata("a table that ends"))?;
            entry.copy_from_slice(format!("{:0OFFSET_DIGITS$}", offset + moved).as_bytes());
        }
    }
    pdf.splice(table_key..table_end, table.to_string().into_bytes());
    Ok(pdf)
}

/// The digits from here on, and where they end.
fn number(pdf: &[u8], from: usize) -> Result<(usize, usize), PdfError> {
    let digits = pdf.get(from..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let text = std::str::from_utf8(&pdf[from.min(pdf.len())..(from + digits).min(pdf.len())]).unwrap_or_default();
    let number = text.parse().map_err(|_| PdfError::Metadata("a number that is none"))?;
    Ok((number, from + digits))
}

fn first(of: &[u8], what: &[u8]) -> Option<usize> {
    of.windows(what.len()).position(|w| w == what)
}

fn last(of: &[u8], what: &[u8]) -> Option<usize> {
    of.windows(what.len()).rposition(|w| w == what)
}
