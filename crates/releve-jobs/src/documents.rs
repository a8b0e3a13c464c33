//! Which bytes does the customer get? Documents of issued invoices, rendered once after the commit and kept.

use releve_billing::Issued;
use releve_documents::{Parties, Party, invoice_html, invoice_json};
use releve_store::{
    Db, Tx, customers,
    documents::{self, Document, Named},
    invoices, runs,
};
use releve_types::{AccountId, Timestamp};
use sha2::{Digest, Sha256};

use crate::{Job, JobError};

pub const JSON: &str = "application/json";
pub const HTML: &str = "text/html; charset=utf-8";
const MEDIA_TYPES: [&str; 2] = [JSON, HTML];
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

async fn render(tx: &mut Tx, issued: &[Issued]) -> Result<Vec<Document>, JobError> {
    let accounts: Vec<AccountId> = issued.iter().map(|i| i.content().account).collect();
    let named = documents::names(tx, &accounts).await?;
    let mut made = Vec::with_capacity(issued.len() * MEDIA_TYPES.len());
    let mut issuer: Option<customers::Issuer> = None;
    for invoice in issued {
        let id = invoice.content().issuer;
        if issuer.as_ref().is_none_or(|known| known.id != id) {
            issuer = customers::issuer(tx, id).await?;
        }
        let Some(issuer) = issuer.as_ref() else { return Err(JobError::NoIssuer(id)) };
        let named = named.get(&invoice.content().account).cloned().unwrap_or_default();
        let parties = parties(issuer, named);
        made.push(document(invoice, JSON, invoice_json(invoice, &parties, None)));
        made.push(document(invoice, HTML, invoice_html(invoice, &parties, None)));
    }
    Ok(made)
}

fn parties(issuer: &customers::Issuer, named: Named) -> Parties {
    let party = |p: customers::Party| Party { name: p.name, address: p.address, country: p.country, vat_id: p.vat_id };
    Parties {
        issuer: party(issuer.party.clone()),
        account: party(named.party),
        tenants: named.tenants,
        zone: issuer.zone.clone(),
    }
}

fn document(invoice: &Issued, media_type: &str, text: String) -> Document {
    Document {
        account: invoice.content().account,
        invoice: invoice.stamp().id,
        media_type: media_type.to_owned(),
        sha256: Sha256::digest(text.as_bytes()).into(),
        body: text.into_bytes(),
    }
}
