//! How do a seller's documents look? Each way that they ever did: an issued document names its own.

use std::collections::BTreeMap;

use releve_types::{Timestamp, ids::IssuerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{StoreError, sql_time::to_sql};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrandRecord {
    pub id: Uuid,
    pub issuer: IssuerId,
    /// As #rrggbb; empty: as documents come.
    pub accent: String,
    /// PNG.
    pub logo: Option<Vec<u8>>,
}

/// Adds a look, and makes it that of the documents that are issued from now on.
pub async fn put_brand(
    conn: &mut PgConnection,
    brand: &BrandRecord,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with made as (
            insert into brands (brand_id, issuer_id, accent, logo, created_at, created_by)
            values ($1, $2, $3, $4, $5, $6)
            returning brand_id, issuer_id
        )
        update issuers i set brand_id = made.brand_id from made where i.issuer_id = made.issuer_id
        "#,
        brand.id,
        brand.issuer.uuid(),
        brand.accent,
        brand.logo.as_deref(),
        to_sql(now),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The look of an issuer's next documents, if it was ever said.
pub async fn brand(conn: &mut PgConnection, issuer: IssuerId) -> Result<Option<BrandRecord>, StoreError> {
    let row = sqlx::query!(
        "select b.brand_id, b.accent, b.logo from issuers i join brands b using (brand_id) where i.issuer_id = $1",
        issuer.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|r| BrandRecord { id: r.brand_id, issuer, accent: r.accent, logo: r.logo }))
}

/// These looks.
pub async fn brands(conn: &mut PgConnection, ids: &[Uuid]) -> Result<BTreeMap<Uuid, BrandRecord>, StoreError> {
    let rows = sqlx::query!("select brand_id, issuer_id, accent, logo from brands where brand_id = any($1)", ids)
        .fetch_all(conn)
        .await?;
    let record = |id, issuer, accent, logo| (id, BrandRecord { id, issuer: IssuerId::from_uuid(issuer), accent, logo });
    Ok(rows.into_iter().map(|r| record(r.brand_id, r.issuer_id, r.accent, r.logo)).collect())
}
