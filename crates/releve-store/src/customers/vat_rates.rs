//! Which rates of VAT does a seller charge, from when? Append-only.

use releve_billing::tax::{DatedRate, VatRate};
use releve_types::{Timestamp, ids::IssuerId};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{hour_from_sql, to_sql},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewVatRate {
    pub issuer: IssuerId,
    pub rate: DatedRate,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// False if the country and class have one from that hour.
pub async fn insert_vat_rate(conn: &mut PgConnection, new: &NewVatRate) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into vat_rates (issuer_id, country, class, from_at, percent, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing
        "#,
        new.issuer.uuid(),
        new.rate.country,
        new.rate.class.name(),
        to_sql(new.rate.from.start()),
        new.rate.rate.percent(),
        to_sql(new.created_at),
        new.created_by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// All rates of a seller, by country, class and start.
pub async fn vat_rates(conn: &mut PgConnection, issuer: IssuerId) -> Result<Vec<DatedRate>, StoreError> {
    let rows = sqlx::query!(
        "select country, class, from_at, percent from vat_rates where issuer_id = $1 order by country, class, from_at",
        issuer.uuid()
    )
    .fetch_all(conn)
    .await?;
    let broken = |column, detail: String| StoreError::inconsistent("vat_rates", column, detail);
    let mut rates = Vec::with_capacity(rows.len());
    for r in rows {
        rates.push(DatedRate {
            country: r.country,
            class: r.class.parse().map_err(|e: releve_billing::tax::RateClassError| broken("class", e.to_string()))?,
            from: hour_from_sql(r.from_at),
            rate: VatRate::new(r.percent).map_err(|e| broken("percent", e.to_string()))?,
        });
    }
    Ok(rates)
}
