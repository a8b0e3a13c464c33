//! What may an account draw on before it pays? What it paid in advance, and what it was granted, with where each amount went.

use axum::{Json, extract::State, response::Response};
use releve_billing::{CreditKind, Scope, credits::PRIORITY_DEFAULT};
use releve_jobs::{
    credits::{self as jobs, Asked, CreditError, Source},
    payments::Decision,
};
use releve_store::{
    StoreError,
    audit_log::{self, Change},
    credits::{self, CreditRecord, Entry},
    customers::Account,
};
use releve_types::{AccountId, Timestamp, ids::CreditId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    agreements, payments,
    proposals::{self, ProposalView},
    spend,
};
use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope, TenantScope},
    cursor::Paged,
    error::Problem,
    input::{Command, PathOf, WholeHour},
    lookup,
    worth::MoneyView,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show))
        .routes(routes!(withdraw))
        .routes(routes!(list_of_tenant))
}

impl From<CreditError> for Problem {
    fn from(error: CreditError) -> Self {
        match error {
            CreditError::Refused { field, detail } => Self::field(field, detail),
            CreditError::Price(error) => error.into(),
            CreditError::Store(error) => error.into(),
            CreditError::Job(error) => Self::internal(&error),
        }
    }
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredit {
    /// - granted: the seller gives it. It takes off what is taxed, as a line of the invoice, before anything that was paid.
    /// - paid: money of a `payment` that is set against nothing. It takes off what is payable with VAT, and is stated as paid.
    #[schema(example = "granted")]
    kind: String,
    /// What its line says: up to 200 characters.
    description: String,
    /// In the account's currency, above zero. Of a paid one, if absent: what is left of the payment.
    #[schema(example = "500.00")]
    amount: Option<String>,
    /// 0 to 1000, the lower the earlier it is drawn; 500 if absent. Among equals what expires first is, then the older.
    priority: Option<u16>,
    /// If absent: the hour that is running. It pays for periods that have an hour in which it holds.
    from: Option<WholeHour>,
    /// The first hour in which it no longer holds. If absent: never.
    expires: Option<WholeHour>,
    /// Of a granted one: the only SKU that it pays for.
    sku: Option<String>,
    /// Of a granted one: the only project that it pays for, with `project`, by id or name.
    tenant: Option<String>,
    project: Option<String>,
    /// Of a paid one, by id.
    payment: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    reason: String,
}

#[derive(Serialize, ToSchema)]
pub struct CreditView {
    id: String,
    account: String,
    /// `granted` or `paid`.
    kind: &'static str,
    description: String,
    amount: MoneyView,
    /// What is left of it.
    remaining: MoneyView,
    /// `open`, `drawn` (nothing is left), or `expired` (what is left pays for no later period).
    state: &'static str,
    priority: u16,
    from: String,
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Of a paid one: when.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_on: Option<String>,
    /// The number of the deposit invoice that it got, where VAT is due when money is paid in advance.
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_invoice: Option<String>,
    created_at: String,
}

/// A credit with its ledger.
#[derive(Serialize, ToSchema)]
pub struct CreditDetailView {
    #[serde(flatten)]
    credit: CreditView,
    created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<String>,
    /// Each takes an amount from one side to another.
    entries: Vec<LedgerEntryView>,
}

#[derive(Serialize, ToSchema)]
pub struct LedgerEntryView {
    /// `opened`, `drawn`, `given_back`, `expired` or `withdrawn`.
    movement: &'static str,
    /// `seller`, `payment`, `credit`, `invoice` or `expired`.
    from: &'static str,
    to: &'static str,
    amount: MoneyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    entered_at: String,
    entered_by: String,
}

impl CreditView {
    fn new(record: &CreditRecord, now: Timestamp) -> Self {
        let credit = &record.credit;
        let (sku, tenant, project, paid_on) = match credit.kind() {
            CreditKind::Granted { scope: Scope::All } => (None, None, None, None),
            CreditKind::Granted { scope: Scope::Sku(sku) } => (Some(sku.to_string()), None, None, None),
            CreditKind::Granted { scope: Scope::Project { tenant, project } } => {
                (None, Some(tenant.to_string()), Some(project.clone()), None)
            }
            CreditKind::Paid { paid_on, .. } => (None, None, None, Some(paid_on.to_string())),
        };
        let deposit_invoice = match credit.kind() {
            CreditKind::Paid { deposit, .. } => deposit.as_ref().map(|deposit| deposit.number.to_string()),
            CreditKind::Granted { .. } => None,
        };
        let expired = credit.expires().is_some_and(|expires| expires.start() <= now);
        Self {
            id: credit.id().to_string(),
            account: record.account.to_string(),
            kind: credit.kind().name(),
            description: credit.description().to_owned(),
            amount: credit.amount().into(),
            remaining: record.remaining.into(),
            state: match (record.remaining.is_zero(), expired) {
                (true, _) => "drawn",
                (false, true) => "expired",
                (false, false) => "open",
            },
            priority: credit.priority(),
            from: credit.from().to_string(),
            expires: credit.expires().map(|expires| expires.to_string()),
            sku,
            tenant,
            project,
            paid_on,
            deposit_invoice,
            created_at: record.created_at.to_string(),
        }
    }
}

impl LedgerEntryView {
    fn new(entry: Entry, kind: &CreditKind) -> Self {
        let (from, to) = entry.movement.sides(kind);
        Self {
            movement: entry.movement.name(),
            from,
            to,
            amount: entry.amount.into(),
            invoice: entry.invoice.map(|invoice| invoice.to_string()),
            reason: entry.reason,
            entered_at: entry.entered_at.to_string(),
            entered_by: entry.entered_by,
        }
    }
}

/// Gives an account something to draw on: a grant, or money that it paid in advance. What it is does not change; what is left of it
/// follows from its ledger. Above what the settings let one person give, it is a proposal that another one has to approve.
#[utoipa::path(post, path = "/v1/accounts/{account}/credits", tag = "billing", params(("account" = String, Path)),
    request_body = NewCredit,
    responses((status = 201, body = CreditView), (status = 202, body = ProposalView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewCredit>,
) -> Result<Response, Problem> {
    let (key, actor, approval) = (scope.caller().key(), scope.caller().actor(), app.approval().clone());
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?;
            let request = json!(input);
            // What it comes to shows once it is made; above what one may give, it was not.
            let mut trial = conn.begin().await.map_err(StoreError::from)?;
            let record = make(&mut trial, &account, input, &actor, now).await?;
            if approval.is_needed(record.credit.amount()) {
                trial.rollback().await.map_err(StoreError::from)?;
                let wanted = (&account, request, record.credit.amount());
                return proposals::propose(conn, wanted, (key, actor), now).await;
            }
            trial.commit().await.map_err(StoreError::from)?;
            Answer::created(&noted(conn, &record, actor, now).await?)
        })
    })
    .await
}

/// Makes a credit of a request.
pub(super) async fn make(
    conn: &mut PgConnection,
    account: &Account,
    input: NewCredit,
    by: &str,
    now: Timestamp,
) -> Result<CreditRecord, Problem> {
    let currency = spend::contract(conn, account.id).await?.currency();
    let NewCredit { kind, description, amount, priority, from, expires, sku, tenant, project, payment } = input;
    let amount = amount.map(|text| payments::money("amount", &text, currency.code())).transpose()?;
    let on = (sku, tenant, project);
    let source = match (kind.as_str(), payment, on) {
        ("granted", None, on) => Source::Grant(agreements::scope(conn, account.id, on).await?),
        ("granted", Some(_), _) => return Err(Problem::field("payment", "what is granted was not paid")),
        ("paid", Some(payment), (None, None, None)) => {
            let found = payments::found(conn, &payment).await;
            let found = found.map_err(|problem| lookup::in_field(problem, "payment"))?;
            if found.amount.currency() != currency {
                return Err(Problem::field("payment", format!("it is not in {currency}, as the contract is")));
            }
            Source::Payment(Box::new(found))
        }
        ("paid", None, _) => return Err(Problem::field("payment", "name the payment that it is the money of")),
        ("paid", ..) => {
            let detail = "what was paid takes off a whole invoice with its VAT: only what is granted has a scope";
            return Err(Problem::field("sku", detail));
        }
        _ => return Err(Problem::field("kind", "expected granted or paid")),
    };
    let asked = Asked {
        description,
        source,
        amount,
        priority: priority.unwrap_or(PRIORITY_DEFAULT),
        from: from.map_or_else(|| now.hour().start(), |from| from.0.start()),
        expires: expires.map(|expires| expires.0.start()),
    };
    Ok(jobs::open(conn, account, asked, by, now).await?)
}

/// Writes down that a credit was made; as it is shown.
pub(super) async fn noted(
    conn: &mut PgConnection,
    record: &CreditRecord,
    actor: String,
    now: Timestamp,
) -> Result<CreditView, Problem> {
    let view = CreditView::new(record, now);
    let (subject, after) = (view.id.clone(), Some(json!(view)));
    audit_log::add(conn, &Change { actor, action: "credit.create", subject, before: None, after }, now).await?;
    Ok(view)
}

/// Lists an account's credits, the oldest first.
#[utoipa::path(get, path = "/v1/accounts/{account}/credits", tag = "billing", params(("account" = String, Path)),
    responses((status = 200, body = Paged<CreditView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<Paged<CreditView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?.id;
    Ok(Json(listed(&mut tx, account, app.now()).await?))
}

async fn listed(conn: &mut PgConnection, account: AccountId, now: Timestamp) -> Result<Paged<CreditView>, Problem> {
    let found = credits::of(conn, account).await?;
    Ok(Paged { items: found.iter().map(|record| CreditView::new(record, now)).collect(), next: None })
}

/// Shows a credit with its ledger: where each amount came from and went.
#[utoipa::path(get, path = "/v1/accounts/{account}/credits/{credit}", tag = "billing",
    params(("account" = String, Path), ("credit" = String, Path)),
    responses((status = 200, body = CreditDetailView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf((reference, credit)): PathOf<(String, String)>,
) -> Result<Json<CreditDetailView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?.id;
    let missing = || Problem::not_found("credit", &credit);
    let id: CreditId = credit.parse().map_err(|_| missing())?;
    let all = credits::of(&mut tx, account).await?;
    let record = all.into_iter().find(|record| record.credit.id() == id).ok_or_else(missing)?;
    let entries = credits::entries(&mut tx, &record).await?;
    Ok(Json(CreditDetailView {
        credit: CreditView::new(&record, app.now()),
        created_by: record.created_by,
        payment: record.payment.map(|payment| payment.to_string()),
        entries: entries.into_iter().map(|entry| LedgerEntryView::new(entry, record.credit.kind())).collect(),
    }))
}

/// Takes back what is left of a credit: of a paid one, its payment has it again. A person's act, on record.
#[utoipa::path(post, path = "/v1/accounts/{account}/credits/{credit}/withdraw", tag = "billing",
    params(("account" = String, Path), ("credit" = String, Path)), request_body = Withdrawal,
    responses((status = 200, body = CreditView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn withdraw(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf((reference, credit)): PathOf<(String, String)>,
    Command { input, repeat }: Command<Withdrawal>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?;
            let id: CreditId = credit.parse().map_err(|_| Problem::not_found("credit", &credit))?;
            let decision = Decision { reason: &input.reason, by: &actor, now };
            let record = jobs::withdraw(conn, &account, id, decision).await?;
            let view = CreditView::new(&record, now);
            let (subject, after) = (view.id.clone(), Some(json!({ "credit": view, "reason": input.reason })));
            let change = Change { actor: actor.clone(), action: "credit.withdraw", subject, before: None, after };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&view)
        })
    })
    .await
}

/// Lists what a tenant's account may draw on. A credit is the account's: all its tenants see it.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/credits", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = Paged<CreditView>)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list_of_tenant(scope: TenantScope, State(app): State<AppState>) -> Result<Json<Paged<CreditView>>, Problem> {
    let mut tx = scope.begin(&app).await?;
    Ok(Json(listed(&mut tx, scope.account(), app.now()).await?))
}
