//! Which bytes does the customer get? Documents of issued invoices, rendered once after the commit and kept.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::{Draft, Issued, Number, Stamp};
use releve_documents::{
    Brand, Coverage, Logo, Parties, Party, Terms,
    einvoice::{self, EInvoice, Violation},
    invoice_html, invoice_json, invoice_pdf,
};
use releve_store::{
    Db, Tx,
    customers::{self, BrandRecord},
    documents::{self, Document, Named},
    invoices, runs,
};
use releve_types::{AccountId, InvoiceId, Timestamp, Zone};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Job, JobError};

pub const JSON: &str = "application/json";
pub const HTML: &str = "text/html; charset=utf-8";
/// UBL 2.1, of EN 16931: an `Invoice` or a `CreditNote`. Not every invoice has one.
pub const UBL: &str = "application/vnd.oasis.ubl+xml";
/// UN/CEFACT Cross Industry Invoice, of EN 16931. Every invoice that has the one above has this one.
pub const CII: &str = "application/vnd.uncefact.cii+xml";
/// PDF/A-3b; where there is an electronic invoice, it is in it, and the file is Factur-X.
pub const PDF: &str = "application/pdf";
/// What an invoice rests on: the text whose SHA-256 is its digest (`releve_billing::digest`). Kept with the invoice, not rendered.
pub const BASIS: &str = "text/plain; charset=utf-8; profile=releve-basis";
/// What every invoice has.
pub(crate) const MEDIA_TYPES: [&str; 3] = [JSON, HTML, PDF];
/// What an invoice's files are called: its number, and this.
const EXTENSIONS: [(&str, &str); 5] =
    [(JSON, "json"), (HTML, "html"), (PDF, "pdf"), (UBL, "ubl.xml"), (CII, "cii.xml")];
/// Invoices rendered in one transaction.
const RENDER_INVOICES_MAX: i64 = 200;

/// Renders what is missing; how many invoices got their documents. None if another program is at it.
pub async fn run(db: &Db, now: Timestamp) -> Result<Option<usize>, JobError> {
    let mut rendered = 0;
    loop {
        let mut tx = db.begin_app().await?;
        if !runs::try_job_lock(&mut tx, Job::Documents.lock()).await? {
            return Ok(None);
        }
        let ids = documents::missing(&mut tx, &MEDIA_TYPES, RENDER_INVOICES_MAX).await?;
        if ids.is_empty() {
            return Ok(Some(rendered));
        }
        let issued = invoices::issued(&mut tx, &ids).await?;
        let made = render(&mut tx, &issued).await?;
        documents::put(&mut tx, &made, now).await?;
        tx.commit().await?;
        rendered += issued.len();
    }
}

/// A file of an invoice.
#[derive(Clone, Debug)]
pub struct OfInvoice {
    /// Its name is the invoice's number, a dot, and this.
    pub extension: &'static str,
    pub document: Document,
}

/// The files of an invoice for whoever gets it: those that it has.
pub async fn files(tx: &mut Tx, (account, invoice): (AccountId, InvoiceId)) -> Result<Vec<OfInvoice>, JobError> {
    let mut files = Vec::with_capacity(EXTENSIONS.len());
    for (media_type, extension) in EXTENSIONS {
        let found = documents::find(tx, account, invoice, media_type).await?;
        files.extend(found.map(|document| OfInvoice { extension, document }));
    }
    Ok(files)
}

/// From what the invoices say, and whom they name since they were issued: what changed meanwhile changes no document.
async fn render(tx: &mut Tx, issued: &[Issued]) -> Result<Vec<Document>, JobError> {
    let ids: Vec<InvoiceId> = issued.iter().map(|i| i.stamp().id).collect();
    let mut named = documents::names(tx, &ids).await?;
    let mut kept = documents::kept(tx, &ids, CII).await?;
    let brands = brands(tx, &named).await?;
    let mut made = Vec::with_capacity(issued.len() * MEDIA_TYPES.len());
    let mut issuer: Option<customers::Issuer> = None;
    for invoice in issued {
        let id = invoice.content().issuer;
        if issuer.as_ref().is_none_or(|known| known.id != id) {
            issuer = customers::issuer(tx, id).await?;
        }
        // An issuer's zone never changes.
        let Some(zone) = issuer.as_ref().map(|known| &known.zone) else { return Err(JobError::NoIssuer(id)) };
        let of = invoice.stamp().id;
        let of_it = (invoice.content().account, of);
        let named = named.remove(&of).ok_or(JobError::NobodyNamed(of))?;
        let coverage = named.missing_gpu_ms.map(|missing_gpu_ms| Coverage { missing_gpu_ms });
        let brand = named.brand.and_then(|id| brands.get(&id)).cloned().unwrap_or_default();
        let (parties, coverage) = (Parties { brand, ..parties(zone, named) }, coverage.as_ref());
        made.push(document(of_it, JSON, invoice_json(invoice, &parties, coverage).into_bytes()));
        made.push(document(of_it, HTML, invoice_html(invoice, &parties, coverage).into_bytes()));
        // What the customer got already is what goes into the PDF.
        let mut cii = kept.remove(&of);
        if let Some(electronic) = electronic(invoice, &parties)? {
            made.push(document(of_it, UBL, einvoice::ubl(&electronic).into_bytes()));
            let fresh = einvoice::cii(&electronic).into_bytes();
            made.push(document(of_it, CII, fresh.clone()));
            cii = cii.or(Some(fresh));
        }
        let pdf = invoice_pdf(invoice, &parties, coverage, cii.as_deref());
        made.push(document(of_it, PDF, pdf.map_err(|error| JobError::NoPdf { invoice: of, error })?));
    }
    Ok(made)
}

/// How these documents look, by what they name.
async fn brands(tx: &mut Tx, named: &BTreeMap<InvoiceId, Named>) -> Result<BTreeMap<Uuid, Brand>, JobError> {
    let ids: BTreeSet<Uuid> = named.values().filter_map(|named| named.brand).collect();
    let records = customers::brands(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
    let brand = |(id, record): (Uuid, BrandRecord)| {
        let broken = |error| JobError::Brand { issuer: record.issuer, error };
        let accent = (!record.accent.is_empty()).then(|| record.accent.parse()).transpose().map_err(broken)?;
        let logo = record.logo.map(Logo::new).transpose().map_err(broken)?;
        Ok((id, Brand { accent, logo }))
    };
    records.into_iter().map(brand).collect()
}

/// What an invoice would break, of the rules that electronic invoices are held to, if it were issued now: asked with a
/// number that stands for the one it will get.
pub(crate) fn violations(
    draft: &Draft,
    parties: &Parties,
    number: &Number,
    now: Timestamp,
) -> Result<Vec<Violation>, JobError> {
    let stamp =
        Stamp { id: InvoiceId::fresh(now), number: number.clone(), issued_at: now, due_at: now, digest: [0; 32] };
    let electronic = electronic(&draft.clone().issue(stamp), parties)?;
    Ok(electronic.map_or_else(Vec::new, |electronic| einvoice::check(&electronic)))
}

fn electronic(invoice: &Issued, parties: &Parties) -> Result<Option<EInvoice>, JobError> {
    let account = invoice.content().account;
    einvoice::of(invoice, parties).map_err(|error| JobError::NoDay { account, error })
}

pub(crate) fn parties(zone: &Zone, named: Named) -> Parties {
    let customers::IssuerTerms { vat_scheme, vat_on_debits, legal_mentions, iban, bic, late_penalty } = named.terms;
    Parties {
        issuer: party(named.issuer),
        brand: Brand::default(),
        terms: Terms { vat_scheme, legal_mentions, iban, bic, late_penalty, vat_on_debits },
        account: party(named.account),
        buyer_reference: named.buyer_reference,
        tenants: named.tenants,
        zone: zone.clone(),
        language: named.language,
    }
}

fn party(party: customers::Party) -> Party {
    let customers::Party { name, address, postcode, city, country, vat_id, legal_id, email } = party;
    Party { name, address, postcode, city, country, vat_id, legal_id, email }
}

pub(crate) fn document((account, invoice): (AccountId, InvoiceId), media_type: &str, body: Vec<u8>) -> Document {
    let (media_type, sha256) = (media_type.to_owned(), Sha256::digest(&body).into());
    Document { account, invoice, media_type, sha256, body }
}
