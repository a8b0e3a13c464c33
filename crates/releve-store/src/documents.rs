//! Which bytes did the customer get? The documents of issued invoices, as they were first rendered.

use std::collections::BTreeMap;

use releve_types::{AccountId, InvoiceId, Language, TenantId, Timestamp};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    customers::{self, IssuerTerms, Party},
    pool::StoreError,
    sql_time::to_sql,
};

/// Issued invoices that have fewer documents than there are media types, oldest number first.
pub async fn missing(
    conn: &mut PgConnection,
    media_types: &[&str],
    len_max: i64,
) -> Result<Vec<InvoiceId>, StoreError> {
    let wanted = i64::try_from(media_types.len()).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        r#"
        select i.invoice_id
        from invoices i
        where i.state = 'issued'
          and (select count(*) from invoice_documents d
               where d.account_id = i.account_id and d.invoice_id = i.invoice_id and d.media_type = any($1)) < $2
        order by i.issuer_id, i.series, i.year, i.serial
        limit $3
        "#,
        media_types as _,
        wanted,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| InvoiceId::from_uuid(r.invoice_id)).collect())
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub media_type: String,
    pub sha256: [u8; 32],
    pub body: Vec<u8>,
}

/// Keeps documents. The first rendering stands: one that is there already is left as it is.
pub async fn put(conn: &mut PgConnection, documents: &[Document], now: Timestamp) -> Result<(), StoreError> {
    let accounts: Vec<Uuid> = documents.iter().map(|d| d.account.uuid()).collect();
    let invoices: Vec<Uuid> = documents.iter().map(|d| d.invoice.uuid()).collect();
    let media_types: Vec<&str> = documents.iter().map(|d| d.media_type.as_str()).collect();
    let digests: Vec<&[u8]> = documents.iter().map(|d| d.sha256.as_slice()).collect();
    let bodies: Vec<&[u8]> = documents.iter().map(|d| d.body.as_slice()).collect();
    sqlx::query!(
        r#"
        insert into invoice_documents (account_id, invoice_id, media_type, sha256, body, created_at)
        select account_id, invoice_id, media_type, sha256, body, $6
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[])
             as rendered(account_id, invoice_id, media_type, sha256, body)
        order by account_id, invoice_id, media_type
        on conflict do nothing
        "#,
        &accounts,
        &invoices,
        &media_types as _,
        &digests as _,
        &bodies as _,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The kept bytes of one media type, of those of these invoices that have them.
pub async fn kept(
    conn: &mut PgConnection,
    invoices: &[InvoiceId],
    media_type: &str,
) -> Result<BTreeMap<InvoiceId, Vec<u8>>, StoreError> {
    let ids: Vec<Uuid> = invoices.iter().map(|i| i.uuid()).collect();
    let rows = sqlx::query!(
        "select invoice_id, body from invoice_documents where invoice_id = any($1) and media_type = $2",
        &ids,
        media_type
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (InvoiceId::from_uuid(r.invoice_id), r.body)).collect())
}

/// Who stands on the documents of an invoice, as they were named when it was issued.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    pub issuer: Party,
    pub terms: IssuerTerms,
    /// What it was drawn with; none: as documents come.
    pub brand: Option<Uuid>,
    pub account: Party,
    pub buyer_reference: String,
    pub language: Language,
    pub tenants: BTreeMap<TenantId, String>,
    /// What it says of coverage: GPU time that is missing, and not billed.
    pub missing_gpu_ms: Option<i64>,
}

/// The names on these issued invoices.
pub async fn names(conn: &mut PgConnection, invoices: &[InvoiceId]) -> Result<BTreeMap<InvoiceId, Named>, StoreError> {
    let ids: Vec<Uuid> = invoices.iter().map(|i| i.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select invoice_id, parties as "parties!", missing_gpu_ms
        from invoices where invoice_id = any($1) and state = 'issued'
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let named = Named { missing_gpu_ms: r.missing_gpu_ms, ..named(&r.parties)? };
            Ok((InvoiceId::from_uuid(r.invoice_id), named))
        })
        .collect()
}

fn named(parties: &Value) -> Result<Named, StoreError> {
    let broken = |at: &str| StoreError::inconsistent("invoices", "parties", format!("{at} is missing or no text"));
    let needed = |of: &str, field: &str| {
        let found = parties[of][field].as_str();
        found.map(str::to_owned).ok_or_else(|| broken(&format!("{of}.{field}")))
    };
    // What is written on invoices since later: those issued before don't have it.
    let later = |of: &str, field: &str| parties[of][field].as_str().unwrap_or_default().to_owned();
    let party = |of| {
        Ok::<Party, StoreError>(Party {
            name: needed(of, "name")?,
            address: needed(of, "address")?,
            postcode: later(of, "postcode"),
            city: later(of, "city"),
            country: needed(of, "country")?,
            vat_id: needed(of, "vat_id")?,
            legal_id: later(of, "legal_id"),
            email: later(of, "email"),
        })
    };
    let terms = IssuerTerms {
        vat_scheme: customers::scheme(&later("issuer", "vat_scheme"))?,
        vat_on_debits: parties["issuer"]["vat_on_debits"].as_bool().unwrap_or_default(),
        legal_mentions: later("issuer", "legal_mentions"),
        iban: later("issuer", "iban"),
        bic: later("issuer", "bic"),
        late_penalty: later("issuer", "late_penalty"),
    };
    let tenant = |(id, name): (&String, &Value)| {
        let id = Uuid::try_parse(id).map_err(|e| StoreError::inconsistent("invoices", "parties", e))?;
        Ok((TenantId::from_uuid(id), name.as_str().ok_or_else(|| broken("a tenant's name"))?.to_owned()))
    };
    let tenants = parties["tenants"].as_object().ok_or_else(|| broken("tenants"))?;
    let tenants = tenants.iter().map(tenant).collect::<Result<_, StoreError>>()?;
    let buyer_reference = later("account", "buyer_reference");
    let language = match later("account", "language").as_str() {
        "" => Language::default(),
        code => code.parse().map_err(|e| StoreError::inconsistent("invoices", "parties", e))?,
    };
    let brand = match later("issuer", "brand").as_str() {
        "" => None,
        id => Some(Uuid::try_parse(id).map_err(|e| StoreError::inconsistent("invoices", "parties", e))?),
    };
    let (issuer, account) = (party("issuer")?, party("account")?);
    Ok(Named { issuer, terms, brand, account, buyer_reference, language, tenants, missing_gpu_ms: None })
}

pub async fn find(
    conn: &mut PgConnection,
    account: AccountId,
    invoice: InvoiceId,
    media_type: &str,
) -> Result<Option<Document>, StoreError> {
    let row = sqlx::query!(
        "select sha256, body from invoice_documents where account_id = $1 and invoice_id = $2 and media_type = $3",
        account.uuid(),
        invoice.uuid(),
        media_type
    )
    .fetch_optional(conn)
    .await?;
    row.map(|r| {
        let wrong = |_| StoreError::inconsistent("invoice_documents", "sha256", "no SHA-256");
        let sha256 = <[u8; 32]>::try_from(r.sha256.as_slice()).map_err(wrong)?;
        Ok(Document { account, invoice, media_type: media_type.to_owned(), sha256, body: r.body })
    })
    .transpose()
}
