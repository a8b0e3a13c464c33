//! What would a past month have cost under other terms? The month's own usage, rated as an invoice is; nothing is kept.

use std::fmt;

use axum::{Json, extract::State};
use releve_billing::{Agreement, Contract, Term, check_new_agreement};
use releve_store::{Tx, customers, prices};
use releve_types::{AccountId, BillingMonth, Timestamp, ids::AgreementId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    agreements::{self, NewAgreement},
    spend::{self, ChargeView, Spend, SpendView},
};
use crate::{
    AppState,
    auth::OperatorScope,
    error::Problem,
    input::{Command, PathOf},
    lookup,
    worth::MoneyView,
};

/// The most agreements of a quote.
pub const QUOTE_AGREEMENTS_MAX: usize = 200;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// A contract to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The price book that would have held all month, by id or name; those that did if absent.
    price_book: Option<String>,
    /// What would have been agreed, each from the month's start unless it says otherwise; what was if absent. An empty list is
    /// nothing.
    agreements: Option<Vec<NewAgreement>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A month of the seller's zone.
    #[schema(example = "2026-03")]
    month: String,
    terms: Terms,
}

/// What the month comes to either way, without taxes.
#[derive(Serialize, ToSchema)]
pub struct QuoteView {
    account: String,
    month: String,
    /// Under the terms that were asked about.
    quoted: MoneyView,
    /// As it is.
    contracted: MoneyView,
    charges: Vec<ChargeView>,
    /// Usage that would have no price: in no amount.
    unpriced: Vec<spend::UnpricedView>,
}

/// For people: a line a charge.
impl fmt::Display for QuoteView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {}, without taxes", self.month, self.account)?;
        self.charges.iter().try_for_each(|charge| writeln!(f, "{charge}"))?;
        for unpriced in &self.unpriced {
            writeln!(f, "no price: {unpriced}")?;
        }
        writeln!(f, "{:>14} as quoted", self.quoted)?;
        write!(f, "{:>14} as contracted", self.contracted)
    }
}

/// Says what a month would have cost under other terms.
#[utoipa::path(post, path = "/v1/accounts/{account}/quotes", tag = "prices", params(("account" = String, Path)),
    request_body = Asked,
    responses((status = 200, body = QuoteView)), security(("api_key" = ["operator:read"])))]
async fn create(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, .. }: Command<Asked>,
) -> Result<Json<QuoteView>, Problem> {
    let month: BillingMonth = lookup::parsed("month", &input.month)?;
    let now = app.now();
    let mut tx = app.db().begin_app().await?;
    let view = quote(&mut tx, &reference, month, input.terms, now).await?;
    tx.commit().await?;
    Ok(Json(view))
}

/// The same for whoever holds the database.
pub async fn quote(
    tx: &mut Tx,
    account: &str,
    month: BillingMonth,
    terms: Terms,
    now: Timestamp,
) -> Result<QuoteView, Problem> {
    let account = lookup::account(tx, account).await?;
    let missing = || Problem::not_found("issuer", &account.issuer.to_string());
    let zone = customers::issuer(tx, account.issuer).await?.ok_or_else(missing)?.zone;
    let period = zone.month(month);
    let contracted = spend::contract(tx, account.id).await?;
    let other = other(tx, account.id, &contracted, terms, period.start(), now).await?;
    let rated = spend::rated(tx, account.id, period, other).await?;
    let contracted = spend::rated(tx, account.id, period, contracted).await?.total.into();
    let SpendView { account, month, total, charges, unpriced, .. } =
        spend::view(&Spend { account: account.id, month, period, rated }, None, now)?;
    Ok(QuoteView { account, month, quoted: total, contracted, charges, unpriced })
}

async fn other(
    conn: &mut PgConnection,
    account: AccountId,
    contracted: &Contract,
    terms: Terms,
    start: Timestamp,
    now: Timestamp,
) -> Result<Contract, Problem> {
    let books = match terms.price_book {
        None => contracted.terms().to_vec(),
        Some(name) => {
            let book = lookup::book(conn, &name).await.map_err(|problem| lookup::in_field(problem, "price_book"))?;
            let book = prices::load_book(conn, book.id).await?;
            let book = book.ok_or_else(|| Problem::not_found("price book", &name))?;
            vec![Term { from: start.hour(), book: book.into() }]
        }
    };
    let mut contract = Contract::new(contracted.currency(), books)?;
    let Some(agreed) = terms.agreements else { return Ok(contract.with(contracted.agreements().to_vec())?) };
    if agreed.len() > QUOTE_AGREEMENTS_MAX {
        let detail = format!("{} agreements, and {QUOTE_AGREEMENTS_MAX} are the most of a quote", agreed.len());
        return Err(Problem::field("agreements", detail));
    }
    for (n, mut new) in agreed.into_iter().enumerate() {
        let at = |problem: Problem| lookup::in_field(problem, &format!("agreements[{n}]"));
        let terms = agreements::terms(conn, account, &mut new).await.map_err(at)?;
        let (from, until) = (new.from.map_or(start, |from| from.0.start()), new.until.map(|until| until.0.start()));
        let agreement = Agreement::new(AgreementId::fresh(now), new.description, from, until, terms);
        let agreement = agreement.map_err(|error| at(error.into()))?;
        check_new_agreement(&contract, &agreement).map_err(|error| at(error.into()))?;
        contract = contract.with(vec![agreement])?;
    }
    Ok(contract)
}
