//! Who sells? The legal entities that invoices are from, with what VAT and payment ask of them.

use releve_billing::{payment::Dunning, tax::Scheme};
use releve_types::{Timestamp, Zone, ids::IssuerId};
use sqlx::PgConnection;

use super::Party;
use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issuer {
    pub id: IssuerId,
    pub party: Party,
    pub zone: Zone,
    pub series: String,
    pub due_days: i32,
    /// When those are reminded who have not paid.
    pub dunning: Dunning,
    /// VAT is due when money is paid in advance: an advance gets a deposit invoice (CGI art. 269, 2 c).
    pub vat_on_prepayment: bool,
    pub terms: IssuerTerms,
    pub created_at: Timestamp,
}

/// What stands on a seller's invoices beside its name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IssuerTerms {
    /// None: not known yet, so nothing is issued.
    pub vat_scheme: Option<Scheme>,
    /// VAT is due when invoiced, not when paid (CGI art. 269, 2 c).
    pub vat_on_debits: bool,
    /// Legal form, capital, register.
    pub legal_mentions: String,
    pub iban: String,
    pub bic: String,
    /// What is owed on late payment, in words; empty: what the law sets.
    pub late_penalty: String,
}

/// False if the name is taken.
pub async fn insert_issuer(conn: &mut PgConnection, issuer: &Issuer) -> Result<bool, StoreError> {
    let (party, terms) = (&issuer.party, &issuer.terms);
    let done = sqlx::query!(
        r#"
        insert into issuers (issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, zone, series,
                             due_days, vat_scheme, vat_on_debits, legal_mentions, iban, bic, late_penalty, created_at, dunning_days,
                             vat_on_prepayment)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
        on conflict (name) do nothing
        "#,
        issuer.id.uuid(),
        party.name,
        party.address,
        party.postcode,
        party.city,
        party.country,
        party.vat_id,
        party.legal_id,
        party.email,
        issuer.zone.name(),
        issuer.series,
        issuer.due_days,
        terms.vat_scheme.map_or("", Scheme::name),
        terms.vat_on_debits,
        terms.legal_mentions,
        terms.iban,
        terms.bic,
        terms.late_penalty,
        to_sql(issuer.created_at),
        &days_to_sql(&issuer.dunning),
        issuer.vat_on_prepayment,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what may change of an issuer: everything but its name, zone and series, which documents, dates and numbers
/// rest on.
pub async fn update_issuer(conn: &mut PgConnection, issuer: &Issuer) -> Result<bool, StoreError> {
    let (party, terms) = (&issuer.party, &issuer.terms);
    let done = sqlx::query!(
        r#"
        update issuers
        set address = $2, postcode = $3, city = $4, country = $5, vat_id = $6, legal_id = $7, email = $8, due_days = $9,
            vat_scheme = $10, vat_on_debits = $11, legal_mentions = $12, iban = $13, bic = $14, late_penalty = $15,
            dunning_days = $16, vat_on_prepayment = $17
        where issuer_id = $1
        "#,
        issuer.id.uuid(),
        party.address,
        party.postcode,
        party.city,
        party.country,
        party.vat_id,
        party.legal_id,
        party.email,
        issuer.due_days,
        terms.vat_scheme.map_or("", Scheme::name),
        terms.vat_on_debits,
        terms.legal_mentions,
        terms.iban,
        terms.bic,
        terms.late_penalty,
        &days_to_sql(&issuer.dunning),
        issuer.vat_on_prepayment,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn days_to_sql(dunning: &Dunning) -> Vec<i16> {
    dunning.days().iter().map(|days| i16::try_from(*days).unwrap_or(i16::MAX)).collect()
}

fn dunning(days: &[i16]) -> Result<Dunning, StoreError> {
    let days = days.iter().map(|days| u16::try_from(*days).unwrap_or(0)).collect();
    Dunning::new(days).map_err(|e| StoreError::inconsistent("issuers", "dunning_days", e))
}

struct IssuerRow {
    issuer_id: uuid::Uuid,
    name: String,
    address: String,
    postcode: String,
    city: String,
    country: String,
    vat_id: String,
    legal_id: String,
    email: String,
    zone: String,
    series: String,
    due_days: i32,
    vat_scheme: String,
    vat_on_debits: bool,
    legal_mentions: String,
    iban: String,
    bic: String,
    late_penalty: String,
    dunning_days: Vec<i16>,
    vat_on_prepayment: bool,
    created_at: time::OffsetDateTime,
}

impl TryFrom<IssuerRow> for Issuer {
    type Error = StoreError;
    fn try_from(row: IssuerRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: IssuerId::from_uuid(row.issuer_id),
            zone: Zone::new(&row.zone).map_err(|e| StoreError::inconsistent("issuers", "zone", e))?,
            series: row.series,
            due_days: row.due_days,
            dunning: dunning(&row.dunning_days)?,
            vat_on_prepayment: row.vat_on_prepayment,
            terms: IssuerTerms {
                vat_scheme: scheme(&row.vat_scheme)?,
                vat_on_debits: row.vat_on_debits,
                legal_mentions: row.legal_mentions,
                iban: row.iban,
                bic: row.bic,
                late_penalty: row.late_penalty,
            },
            created_at: from_sql(row.created_at),
            party: Party {
                name: row.name,
                address: row.address,
                postcode: row.postcode,
                city: row.city,
                country: row.country,
                vat_id: row.vat_id,
                legal_id: row.legal_id,
                email: row.email,
            },
        })
    }
}

/// Empty is not known.
pub(crate) fn scheme(text: &str) -> Result<Option<Scheme>, StoreError> {
    let known = (!text.is_empty()).then(|| text.parse());
    known.transpose().map_err(|e| StoreError::inconsistent("issuers", "vat_scheme", e))
}

pub async fn issuer(conn: &mut PgConnection, id: IssuerId) -> Result<Option<Issuer>, StoreError> {
    let row = sqlx::query_as!(
        IssuerRow,
        r#"
        select issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, zone, series, due_days,
               vat_scheme, vat_on_debits, legal_mentions, iban, bic, late_penalty, dunning_days, vat_on_prepayment, created_at
        from issuers
        where issuer_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Issuer::try_from).transpose()
}

/// The same, held until the transaction ends: what is decided by it stays true until it is written.
pub async fn share_issuer(conn: &mut PgConnection, id: IssuerId) -> Result<Option<Issuer>, StoreError> {
    sqlx::query!("select from issuers where issuer_id = $1 for share", id.uuid()).execute(&mut *conn).await?;
    issuer(conn, id).await
}

/// Keeps others from adding to what an issuer has, until the transaction ends.
pub async fn lock_issuer(conn: &mut PgConnection, id: IssuerId) -> Result<(), StoreError> {
    sqlx::query!("select from issuers where issuer_id = $1 for no key update", id.uuid()).execute(conn).await?;
    Ok(())
}

/// All issuers, by name. There are a handful: one per legal entity that sells.
pub async fn issuers(conn: &mut PgConnection) -> Result<Vec<Issuer>, StoreError> {
    let rows = sqlx::query_as!(
        IssuerRow,
        r#"
        select issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, zone, series, due_days,
               vat_scheme, vat_on_debits, legal_mentions, iban, bic, late_penalty, dunning_days, vat_on_prepayment, created_at
        from issuers
        order by name
        "#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Issuer::try_from).collect()
}
