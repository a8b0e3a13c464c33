//! Who pays? The legal customers that receive invoices.

use axum::{Json, extract::State, response::Response};
use releve_billing::tax::BuyerKind;
use releve_store::{
    audit_log::{self, Change},
    customers::{self, Account, Party},
    prices::{self, TermRecord},
};
use releve_types::{AccountId, Currency, Hour, Language, Money, Timestamp, ids::fresh_uuid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::party::{PartyView, party_fields};
use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Country, Line, Lines, Name, Page, Params, PathOf, VatIdText},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show, amend))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    name: Name,
    /// Who sells, by id or name; the only one, or the one called `default`, if absent.
    issuer: Option<String>,
    /// By what its usage is priced, from the beginning on; as above if absent.
    price_book: Option<String>,
    /// The price book's, if absent. It can't be changed.
    #[schema(example = "EUR")]
    currency: Option<String>,
    address: Option<Lines>,
    postcode: Option<Line>,
    city: Option<Line>,
    country: Option<Country>,
    vat_id: Option<VatIdText>,
    /// The number in the register of companies: in France, the SIREN.
    legal_id: Option<Line>,
    email: Option<Line>,
    /// `business` or `consumer`; a customer with a VAT id is a business.
    customer_kind: Option<String>,
    /// What the customer wants to read on its invoices.
    buyer_reference: Option<Line>,
    /// The customer takes no invoice without it: one is parked until it is known.
    buyer_reference_required: Option<bool>,
    /// The customer takes no invoice without a purchase order that it fits: one is parked until there is one.
    purchase_order_required: Option<bool>,
    /// A document of more than this, without VAT, is parked until a person has raised it; if empty: none is. In the
    /// account's currency.
    #[schema(example = "50000.00")]
    invoice_ceiling: Option<String>,
    /// A correction that comes to less than this, without VAT, up or down, is carried until it comes to more; if empty:
    /// each is sent. In the account's currency.
    #[schema(example = "1.00")]
    correction_min: Option<String>,
    /// How many months after a period's end more may be billed for it, 1 to 120; if 0: however late. What is given back
    /// never comes too late.
    #[schema(example = 14)]
    back_billing_months: Option<u16>,
    /// Of its documents, as ISO 639-1 codes it: `en` (if absent) or `fr`.
    #[schema(example = "fr")]
    language: Option<String>,
}

/// Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountAmendment {
    address: Option<Lines>,
    postcode: Option<Line>,
    city: Option<Line>,
    country: Option<Country>,
    vat_id: Option<VatIdText>,
    /// The number in the register of companies: in France, the SIREN.
    legal_id: Option<Line>,
    email: Option<Line>,
    /// `business` or `consumer`; a customer with a VAT id is a business.
    customer_kind: Option<String>,
    /// What the customer wants to read on its invoices.
    buyer_reference: Option<Line>,
    /// The customer takes no invoice without it: one is parked until it is known.
    buyer_reference_required: Option<bool>,
    /// The customer takes no invoice without a purchase order that it fits: one is parked until there is one.
    purchase_order_required: Option<bool>,
    /// A document of more than this, without VAT, is parked until a person has raised it; if empty: none is. In the
    /// account's currency.
    #[schema(example = "50000.00")]
    invoice_ceiling: Option<String>,
    /// A correction that comes to less than this, without VAT, up or down, is carried until it comes to more; if empty:
    /// each is sent. In the account's currency.
    #[schema(example = "1.00")]
    correction_min: Option<String>,
    /// How many months after a period's end more may be billed for it, 1 to 120; if 0: however late. What is given back
    /// never comes too late.
    #[schema(example = 14)]
    back_billing_months: Option<u16>,
    /// Of the documents that are issued from now on: `en` or `fr`.
    #[schema(example = "fr")]
    language: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AccountView {
    id: String,
    name: String,
    issuer: String,
    currency: String,
    #[serde(flatten)]
    party: PartyView,
    /// Empty: not known.
    customer_kind: &'static str,
    buyer_reference: String,
    buyer_reference_required: bool,
    purchase_order_required: bool,
    /// In the account's currency.
    invoice_ceiling: Option<String>,
    /// In the account's currency.
    correction_min: Option<String>,
    back_billing_months: Option<u16>,
    language: &'static str,
    created_at: String,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.party.name.clone(),
            issuer: account.issuer.to_string(),
            currency: account.currency.to_string(),
            party: PartyView::from(&account.party),
            customer_kind: account.customer_kind.map_or("", BuyerKind::name),
            buyer_reference: account.buyer_reference.clone(),
            buyer_reference_required: account.buyer_reference_required,
            purchase_order_required: account.purchase_order_required,
            invoice_ceiling: account.invoice_ceiling.map(|ceiling| ceiling.amount().to_string()),
            correction_min: account.correction_min.map(|least| least.amount().to_string()),
            back_billing_months: account.back_billing_months,
            language: account.language.code(),
            created_at: account.created_at.to_string(),
        }
    }
}

/// What it takes to open an account.
#[derive(Default)]
pub(super) struct Opening {
    pub party: Party,
    pub customer_kind: Option<BuyerKind>,
    pub buyer_reference: String,
    pub buyer_reference_required: bool,
    pub purchase_order_required: bool,
    pub invoice_ceiling: Option<String>,
    pub correction_min: Option<String>,
    pub back_billing_months: Option<u16>,
    pub language: Language,
    pub issuer: Option<String>,
    pub price_book: Option<String>,
    pub currency: Option<String>,
}

/// Opens an account with a contract from the beginning on: which price holds when is the price book's business.
pub(super) async fn open(
    conn: &mut PgConnection,
    opening: Opening,
    actor: &str,
    now: Timestamp,
) -> Result<Account, Problem> {
    let issuer = lookup::issuer_or_default(conn, opening.issuer.as_deref()).await?;
    let book = lookup::book_or_default(conn, opening.price_book.as_deref()).await?;
    let currency = match opening.currency {
        Some(text) => releve_billing::refusal::currency(&text)?,
        None => book.currency,
    };
    if currency != book.currency {
        return Err(mixed(currency, book.currency));
    }
    let id = AccountId::fresh(now);
    let account = Account {
        id,
        issuer: issuer.id,
        party: opening.party,
        customer_kind: opening.customer_kind,
        buyer_reference: opening.buyer_reference,
        buyer_reference_required: opening.buyer_reference_required,
        purchase_order_required: opening.purchase_order_required,
        invoice_ceiling: opening.invoice_ceiling.map_or(Ok(None), |text| bound("invoice_ceiling", &text, currency))?,
        correction_min: opening.correction_min.map_or(Ok(None), |text| bound("correction_min", &text, currency))?,
        back_billing_months: opening.back_billing_months.map_or(Ok(None), months)?,
        language: opening.language,
        currency,
        created_at: now,
    };
    if !customers::insert_account(conn, &account).await? {
        return Err(Problem::new(Code::NameTaken, "there is an account of this name").at("name"));
    }
    let term = TermRecord {
        id: fresh_uuid(now),
        account: id,
        book: book.id,
        from: Hour::from_index(0),
        created_at: now,
        created_by: actor.to_owned(),
    };
    prices::insert_term(conn, &term).await?;
    let change = Change {
        actor: actor.to_owned(),
        action: "account.create",
        subject: id.to_string(),
        before: None,
        after: Some(json!({ "account": AccountView::from(&account), "price_book": book.id.to_string() })),
    };
    audit_log::add(conn, &change, now).await?;
    Ok(account)
}

fn buyer_kind(text: Option<String>) -> Result<Option<BuyerKind>, Problem> {
    let kind = text.map(|text| text.parse()).transpose();
    kind.map_err(|error: releve_billing::tax::TaxWordError| Problem::field("customer_kind", error.to_string()))
}

/// An amount above zero; empty is none.
fn bound(field: &'static str, text: &str, currency: Currency) -> Result<Option<Money>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |why: &dyn ToString| Problem::field(field, why.to_string());
    let bound = Money::parse(text, currency).map_err(|error| refused(&error))?;
    if bound.is_zero() || bound.is_negative() { Err(refused(&"above zero, or empty")) } else { Ok(Some(bound)) }
}

const BACK_BILLING_MONTHS_MAX: u16 = 120;

/// 0 is none.
fn months(months: u16) -> Result<Option<u16>, Problem> {
    if months > BACK_BILLING_MONTHS_MAX {
        let why = format!("at most {BACK_BILLING_MONTHS_MAX} months, or 0 for no limit");
        return Err(Problem::field("back_billing_months", why));
    }
    Ok((months > 0).then_some(months))
}

fn language(text: Option<String>) -> Result<Option<Language>, Problem> {
    text.map(|text| lookup::parsed("language", &text)).transpose()
}

fn mixed(account: Currency, book: Currency) -> Problem {
    let detail = format!("the account is in {account}, the price book in {book}");
    Problem::new(Code::CurrencyRefused, detail).at("currency").because("mixed_currencies")
}

/// Adds an account, with a contract on a price book.
#[utoipa::path(post, path = "/v1/accounts", tag = "customers", request_body = NewAccount,
    responses((status = 201, body = AccountView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewAccount>,
) -> Result<Response, Problem> {
    let opening = Opening {
        customer_kind: buyer_kind(input.customer_kind)?,
        buyer_reference: input.buyer_reference.map_or_else(String::new, |v| v.0),
        buyer_reference_required: input.buyer_reference_required.unwrap_or_default(),
        purchase_order_required: input.purchase_order_required.unwrap_or_default(),
        invoice_ceiling: input.invoice_ceiling,
        correction_min: input.correction_min,
        back_billing_months: input.back_billing_months,
        language: language(input.language)?.unwrap_or_default(),
        party: party_fields!(input).named(input.name.0)?,
        issuer: input.issuer,
        price_book: input.price_book,
        currency: input.currency,
    };
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = open(conn, opening, &actor, now).await?;
            Answer::created(&AccountView::from(&account))
        })
    })
    .await
}

/// Lists accounts by name.
#[utoipa::path(get, path = "/v1/accounts", tag = "customers", params(Page),
    responses((status = 200, body = Paged<AccountView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<AccountView>>, Problem> {
    let after: Option<String> = cursor::decode("accounts", query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let rows = customers::accounts(&mut tx, after.as_deref().unwrap_or_default(), query.limit.and_one()).await?;
    let view = |account: Account| AccountView::from(&account);
    Ok(Json(Paged::of(rows, query.limit, "accounts", |last| last.party.name.clone(), view)?))
}

/// Shows an account, by id or name.
#[utoipa::path(get, path = "/v1/accounts/{account}", tag = "customers", params(("account" = String, Path)),
    responses((status = 200, body = AccountView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(account): PathOf<String>,
) -> Result<Json<AccountView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    Ok(Json(AccountView::from(&lookup::account(&mut tx, &account).await?)))
}

/// Changes what the next documents print of an account, and what they have to meet.
#[utoipa::path(patch, path = "/v1/accounts/{account}", tag = "customers", params(("account" = String, Path)),
    request_body = AccountAmendment,
    responses((status = 200, body = AccountView)), security(("api_key" = ["operator:write"])))]
async fn amend(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<AccountAmendment>,
) -> Result<Response, Problem> {
    let customer_kind = buyer_kind(input.customer_kind)?;
    let (party, buyer_reference) = (party_fields!(input), input.buyer_reference);
    let (required, ceiling, least) = (input.buyer_reference_required, input.invoice_ceiling, input.correction_min);
    let limit = input.back_billing_months.map(months).transpose()?;
    let (language, ordered) = (language(input.language)?, input.purchase_order_required);
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let mut account = lookup::account(conn, &reference).await?;
            let before = AccountView::from(&account);
            account.party = party.onto(account.party)?;
            account.customer_kind = customer_kind.or(account.customer_kind);
            account.buyer_reference = buyer_reference.map_or(account.buyer_reference, |v| v.0);
            account.buyer_reference_required = required.unwrap_or(account.buyer_reference_required);
            account.language = language.unwrap_or(account.language);
            account.purchase_order_required = ordered.unwrap_or(account.purchase_order_required);
            account.back_billing_months = limit.unwrap_or(account.back_billing_months);
            if let Some(text) = ceiling {
                account.invoice_ceiling = bound("invoice_ceiling", &text, account.currency)?;
            }
            if let Some(text) = least {
                account.correction_min = bound("correction_min", &text, account.currency)?;
            }
            customers::update_account(conn, &account).await?;
            let view = AccountView::from(&account);
            let change = Change {
                actor,
                action: "account.amend",
                subject: account.id.to_string(),
                before: Some(json!(before)),
                after: Some(json!(view)),
            };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&view)
        })
    })
    .await
}
