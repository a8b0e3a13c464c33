//! What did a customer order in advance? Its invoices name the order, and draw on it as far as it goes.

use axum::{Json, extract::State, response::Response};
use releve_billing::orders::{OpenOrder, PurchaseOrder};
use releve_store::{
    audit_log::{self, Change},
    orders::{self, OrderRecord},
};
use releve_types::{Money, ids::PurchaseOrderId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{payments, spend};
use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope},
    cursor::Paged,
    error::{Code, Problem},
    input::{Command, Line, PathOf, WholeHour},
    lookup,
    worth::MoneyView,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(end))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The customer's own: up to 50 characters.
    #[schema(example = "4500012345")]
    number: Line,
    /// Without VAT, in the account's currency. If absent: as much as there is.
    #[schema(example = "120000.00")]
    amount: Option<String>,
    /// If absent: the hour that is running. It is for periods that have an hour in which it holds.
    from: Option<WholeHour>,
    /// Not included. If absent: until it is ended.
    until: Option<WholeHour>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderEnd {
    /// The first hour in which it no longer holds; the next whole hour if absent.
    until: Option<WholeHour>,
}

#[derive(Serialize, ToSchema)]
pub struct OrderView {
    id: String,
    account: String,
    number: String,
    amount: Option<MoneyView>,
    /// What issued documents draw on it, credit notes taken off, without VAT.
    drawn: MoneyView,
    left: Option<MoneyView>,
    from: String,
    until: Option<String>,
    created_at: String,
    created_by: String,
}

impl From<&OrderRecord> for OrderView {
    fn from(record: &OrderRecord) -> Self {
        let OpenOrder { order, drawn } = &record.open;
        Self {
            id: order.id().to_string(),
            account: record.account.to_string(),
            number: order.number().to_owned(),
            amount: order.amount().map(MoneyView::from),
            drawn: (*drawn).into(),
            left: record.open.left().map(MoneyView::from),
            from: order.from().to_string(),
            until: order.until().map(|until| until.to_string()),
            created_at: record.created_at.to_string(),
            created_by: record.created_by.clone(),
        }
    }
}

/// Adds a customer's purchase order. It does not change; it can be ended.
#[utoipa::path(post, path = "/v1/accounts/{account}/purchase-orders", tag = "customers", params(("account" = String, Path)),
    request_body = NewOrder, responses((status = 201, body = OrderView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewOrder>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?.id;
            let currency = spend::contract(conn, account).await?.currency();
            let NewOrder { number, amount, from, until } = input;
            let amount = amount.map(|text| payments::money("amount", &text, currency.code())).transpose()?;
            let from = from.map_or_else(|| now.hour().start(), |from| from.0.start());
            let until = until.map(|until| until.0.start());
            let order = PurchaseOrder::new(PurchaseOrderId::fresh(now), number.0, amount, from, until)?;
            let open = OpenOrder { order, drawn: Money::zero(currency) };
            let record = OrderRecord { account, open, created_at: now, created_by: actor.clone() };
            if !orders::insert(conn, &record).await? {
                return Err(Problem::new(Code::NameTaken, "the account has an order of this number").at("number"));
            }
            let view = OrderView::from(&record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "purchase_order.create", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Ends a purchase order, sooner than it would have. What was invoiced under it stays.
#[utoipa::path(post, path = "/v1/accounts/{account}/purchase-orders/{order}/end", tag = "customers",
    params(("account" = String, Path), ("order" = String, Path)), request_body = OrderEnd,
    responses((status = 200, body = OrderView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn end(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf((reference, order)): PathOf<(String, String)>,
    Command { input, repeat }: Command<OrderEnd>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?.id;
            let missing = || Problem::not_found("purchase order", &order);
            let id: PurchaseOrderId = order.parse().map_err(|_| missing())?;
            orders::lock(conn, &[account]).await?;
            let all = orders::of(conn, &[account]).await?.remove(&account).unwrap_or_default();
            let known = all.into_iter().find(|record| record.open.order.id() == id).ok_or_else(missing)?;
            let before = Some(json!(OrderView::from(&known)));
            let until = input.until.map_or_else(|| now.hour().next().start(), |until| until.0.start());
            let open = OpenOrder { order: known.open.order.ended(until)?, ..known.open };
            let record = OrderRecord { open, ..known };
            orders::end(conn, id, until).await?;
            let view = OrderView::from(&record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "purchase_order.end", subject, before, after }, now).await?;
            Answer::done(&view)
        })
    })
    .await
}

/// Lists an account's purchase orders, by start, with what is left of each.
#[utoipa::path(get, path = "/v1/accounts/{account}/purchase-orders", tag = "customers", params(("account" = String, Path)),
    responses((status = 200, body = Paged<OrderView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<Paged<OrderView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?.id;
    let found = orders::of(&mut tx, &[account]).await?.remove(&account).unwrap_or_default();
    Ok(Json(Paged { items: found.iter().map(OrderView::from).collect(), next: None }))
}
