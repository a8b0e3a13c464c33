//! Which one is meant? By its id or by its name: names can't look like ids, so no text means two things.

use std::str::FromStr;

use releve_store::{
    customers::{self, Account, Issuer, Tenant},
    invoices::{self, InvoiceHead},
    nodes::{self, Node},
    prices::{self, BookRecord},
};
use releve_types::{AccountId, InvoiceId, TenantId, ids::IssuerId};
use sqlx::PgConnection;

use crate::error::{Code, Problem};

/// What is taken when a request names none and there are several.
pub const DEFAULT_NAME: &str = "default";

/// Text that PostgreSQL can hold: anything but NUL.
fn text(reference: &str) -> Option<&str> {
    (!reference.contains('\0')).then_some(reference)
}

pub async fn tenant(conn: &mut PgConnection, reference: &str) -> Result<Tenant, Problem> {
    let found = match (reference.parse(), text(reference)) {
        (Ok(id), _) => customers::tenant(conn, id).await?,
        (Err(_), Some(name)) => customers::tenant_named(conn, name).await?,
        _ => None,
    };
    found.ok_or_else(|| Problem::not_found("tenant", reference))
}

pub async fn account(conn: &mut PgConnection, reference: &str) -> Result<Account, Problem> {
    let found = match (reference.parse(), text(reference)) {
        (Ok(id), _) => customers::account(conn, id).await?,
        (Err(_), Some(name)) => customers::account_named(conn, name).await?,
        _ => None,
    };
    found.ok_or_else(|| Problem::not_found("account", reference))
}

pub async fn node(conn: &mut PgConnection, reference: &str) -> Result<Node, Problem> {
    let found = match (reference.parse(), text(reference)) {
        (Ok(id), _) => nodes::node(conn, id).await?,
        (Err(_), Some(name)) => nodes::node_named(conn, name).await?,
        _ => None,
    };
    found.ok_or_else(|| Problem::not_found("node", reference))
}

pub async fn issuer(conn: &mut PgConnection, reference: &str) -> Result<Issuer, Problem> {
    let all = customers::issuers(conn).await?;
    let found = all.into_iter().find(|i| i.party.name == reference || i.id.to_string() == reference);
    found.ok_or_else(|| Problem::not_found("issuer", reference))
}

/// An invoice by its id, or by its number where only one seller uses it.
pub async fn invoice(conn: &mut PgConnection, reference: &str) -> Result<InvoiceHead, Problem> {
    let missing = || Problem::not_found("invoice", reference);
    if let Ok(id) = reference.parse() {
        return invoices::head(conn, id).await?.ok_or_else(missing);
    }
    let Some(number) = text(reference) else { return Err(missing()) };
    let mut found = invoices::numbered(conn, number).await?;
    match (found.pop(), found.is_empty()) {
        (Some(head), true) => Ok(head),
        (Some(_), false) => {
            Err(Problem::field("invoice", format!("several sellers issued a {number}: name it by its id")))
        }
        (None, _) => Err(missing()),
    }
}

pub async fn book(conn: &mut PgConnection, reference: &str) -> Result<BookRecord, Problem> {
    let all = prices::books(conn).await?;
    let found = all.into_iter().find(|b| b.name == reference || b.id.to_string() == reference);
    found.ok_or_else(|| Problem::not_found("price book", reference))
}

/// The issuer that a filter names in its field `issuer`, if it does.
pub async fn issuer_if_named(conn: &mut PgConnection, reference: Option<&str>) -> Result<Option<IssuerId>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    issuer(conn, reference).await.map(|found| Some(found.id)).map_err(|problem| in_field(problem, "issuer"))
}

/// The account that a filter names in its field `account`, if it does.
pub async fn account_if_named(conn: &mut PgConnection, reference: Option<&str>) -> Result<Option<AccountId>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    account(conn, reference).await.map(|found| Some(found.id)).map_err(|problem| in_field(problem, "account"))
}

/// The tenant that a filter or an input names in its field `tenant`, if it does.
pub async fn tenant_if_named(conn: &mut PgConnection, reference: Option<&str>) -> Result<Option<TenantId>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    tenant(conn, reference).await.map(|found| Some(found.id)).map_err(|problem| in_field(problem, "tenant"))
}

/// The invoice that a filter names in its field `invoice`, if it does.
pub async fn invoice_if_named(conn: &mut PgConnection, reference: Option<&str>) -> Result<Option<InvoiceId>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    invoice(conn, reference).await.map(|found| Some(found.id)).map_err(|problem| in_field(problem, "invoice"))
}

/// The named issuer, or the only one, or the one called `default`.
pub async fn issuer_or_default(conn: &mut PgConnection, reference: Option<&str>) -> Result<Issuer, Problem> {
    match reference {
        Some(reference) => issuer(conn, reference).await.map_err(|problem| in_field(problem, "issuer")),
        None => {
            let all = customers::issuers(conn).await?;
            the_one(all, |i| i.party.name == DEFAULT_NAME).ok_or_else(|| which("issuer"))
        }
    }
}

/// The named price book, or the only one, or the one called `default`.
pub async fn book_or_default(conn: &mut PgConnection, reference: Option<&str>) -> Result<BookRecord, Problem> {
    match reference {
        Some(reference) => book(conn, reference).await.map_err(|problem| in_field(problem, "price_book")),
        None => {
            let all = prices::books(conn).await?;
            the_one(all, |b| b.name == DEFAULT_NAME).ok_or_else(|| which("price_book"))
        }
    }
}

fn the_one<T>(mut all: Vec<T>, is_default: impl Fn(&T) -> bool) -> Option<T> {
    match all.iter().position(is_default) {
        Some(at) => Some(all.swap_remove(at)),
        None if all.len() == 1 => all.pop(),
        None => None,
    }
}

fn which(field: &str) -> Problem {
    Problem::field(field, format!("say which: there is none called '{DEFAULT_NAME}', and not exactly one"))
}

/// What a path can't find is 404; what a field can't find is a field with a value that can't be used.
pub fn in_field(problem: Problem, field: &str) -> Problem {
    if problem.code == Code::NotFound { Problem { code: Code::InvalidField, ..problem }.at(field) } else { problem }
}

/// A text as a value of a type, or the field it can't be one in.
pub fn parsed<T: FromStr<Err: ToString>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::field(field, error))
}
