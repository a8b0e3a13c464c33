//! How does a fresh installation get its first key? Made once, with what the first three requests need.

use releve_billing::payment::Dunning;
use releve_store::{
    Db, api_keys,
    audit_log::{self, Change},
    customers::{self, Issuer, IssuerTerms, Party},
    prices::{self, BookRecord},
};
use releve_types::{Currency, Timestamp, Zone, ids::IssuerId, ids::PriceBookId};
use sqlx::PgConnection;

use crate::{
    auth::{Scope, mint},
    error::Problem,
    lookup::DEFAULT_NAME,
};

/// As the audit log names what nobody asked for over the API.
pub const BOOTSTRAP_ACTOR: &str = "bootstrap";
/// What the default issuer's invoice numbers start with.
pub const DEFAULT_SERIES: &str = "R";
/// When the default issuer's invoices are due, in days.
pub const DEFAULT_DUE_DAYS: i32 = 30;

/// Makes sure that somebody can call: with no operator's key, makes one and returns it, the only time it is shown.
/// With no issuer or no price book, makes one of each called `default` (UTC, EUR).
pub async fn bootstrap_operator_key(db: &Db, now: Timestamp) -> Result<Option<String>, Problem> {
    let mut tx = db.begin_app().await?;
    make_defaults(&mut tx, now).await?;
    let secret = if api_keys::operator_exists(&mut tx, now).await? {
        None
    } else {
        let scopes = [Scope::OperatorRead, Scope::OperatorWrite, Scope::MetricsRead, Scope::Reading("*".to_owned())];
        Some(insert_key(&mut tx, "operator", &scopes, now).await?)
    };
    tx.commit().await?;
    Ok(secret)
}

/// Makes a key for a part of the system itself, such as the demo's agents.
pub async fn mint_key(db: &Db, name: &str, scopes: &[Scope], now: Timestamp) -> Result<String, Problem> {
    let mut tx = db.begin_app().await?;
    let secret = insert_key(&mut tx, name, scopes, now).await?;
    tx.commit().await?;
    Ok(secret)
}

async fn insert_key(conn: &mut PgConnection, name: &str, scopes: &[Scope], now: Timestamp) -> Result<String, Problem> {
    let minted = mint(name, scopes, None, BOOTSTRAP_ACTOR, now)?;
    api_keys::insert(conn, &minted.record).await?;
    log(conn, "api_key.create", minted.record.id.to_string(), now).await?;
    Ok(minted.secret)
}

async fn make_defaults(conn: &mut PgConnection, now: Timestamp) -> Result<(), Problem> {
    if customers::issuers(conn).await?.is_empty() {
        let issuer = Issuer {
            vat_on_prepayment: false,
            id: IssuerId::fresh(now),
            party: Party { name: DEFAULT_NAME.to_owned(), ..Party::default() },
            zone: Zone::utc(),
            series: DEFAULT_SERIES.to_owned(),
            due_days: DEFAULT_DUE_DAYS,
            dunning: Dunning::default(),
            terms: IssuerTerms::default(),
            created_at: now,
        };
        if customers::insert_issuer(conn, &issuer).await? {
            log(conn, "issuer.create", issuer.id.to_string(), now).await?;
        }
    }
    if prices::books(conn).await?.is_empty() {
        let id = PriceBookId::fresh(now);
        let book = BookRecord { id, name: DEFAULT_NAME.to_owned(), currency: Currency::Eur, created_at: now };
        if prices::insert_book(conn, &book).await? {
            log(conn, "price_book.create", id.to_string(), now).await?;
        }
    }
    Ok(())
}

async fn log(conn: &mut PgConnection, action: &'static str, subject: String, now: Timestamp) -> Result<(), Problem> {
    let change = Change { actor: BOOTSTRAP_ACTOR.to_owned(), action, subject, before: None, after: None };
    Ok(audit_log::add(conn, &change, now).await?)
}
