//! Which bytes did the customer get? The documents of issued invoices, as they were first rendered.

use std::collections::BTreeMap;

use releve_types::{AccountId, InvoiceId, TenantId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{customers::Party, pool::StoreError, sql_time::to_sql};

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

/// Who stands on the documents of an account.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    pub party: Party,
    pub tenants: BTreeMap<TenantId, String>,
}

/// The names of accounts and of their tenants.
pub async fn names(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Named>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select a.account_id as "account_id!", a.name as "name!", a.address as "address!", a.vat_id as "vat_id!",
               a.country as "country!", t.tenant_id as "tenant_id?", t.name as "tenant?"
        from accounts a
        left join tenants t on t.account_id = a.account_id
        where a.account_id = any($1)
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut named: BTreeMap<AccountId, Named> = BTreeMap::new();
    for r in rows {
        let party = Party { name: r.name, address: r.address, vat_id: r.vat_id, country: r.country };
        let of = named.entry(AccountId::from_uuid(r.account_id)).or_default();
        of.party = party;
        if let (Some(tenant), Some(name)) = (r.tenant_id, r.tenant) {
            of.tenants.insert(TenantId::from_uuid(tenant), name);
        }
    }
    Ok(named)
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
