//! Intake of usage events as Lago takes them, so that a sender changes nothing but the address.
//!
//! An event becomes a reading of the source `lago`, with its transaction id as the reading's: the same keys, the same fates, once
//! for ever. What it counts towards was said when the metric was imported. Success is answered as Lago answers, a refusal as
//! everywhere here.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Request, State},
};
use releve_aggregator::{IncomingReading, ReadingFate, decode_reading};
use releve_lago::{Event, EventError, Metric};
use releve_store::{
    lago::{self as store, Holder, Kind, MetricRecord},
    readings::{self, ReadingKey},
};
use releve_types::{Sku, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::reports::{BATCH_BYTES_MAX, BATCH_LEN_MAX};
use crate::{
    AppState,
    auth::ReadingScope,
    error::{Code, Problem},
    input::{check_content_type, from_json, read_body},
    write::detached,
};

/// Who measured, of every event.
const SOURCE: &str = "lago";
/// What is read of an event without a timestamp that was counted before: only its id.
const NO_DIGEST: [u8; 32] = [0; 32];

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(take)).routes(routes!(take_batch))
}

/// A usage event, as Lago's API has it. For the document only: unknown fields are passed over.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes what is read as JSON")]
struct LagoEvent {
    /// Unique, for ever: sent again with the same content, it is counted once.
    #[schema(example = "t-0001")]
    transaction_id: String,
    /// Whose usage it is: a subscription that was imported.
    #[schema(example = "sub-acme")]
    external_subscription_id: Option<String>,
    /// In its place, a customer.
    external_customer_id: Option<String>,
    /// A billable metric that was imported.
    #[schema(example = "storage")]
    code: String,
    /// Seconds since 1970 in UTC, as a number or as text; when it is received, if absent.
    #[schema(value_type = Option<i64>, example = 1772366400)]
    timestamp: Option<Value>,
    /// The metric's property holds the quantity, in Lago's unit.
    #[schema(value_type = Option<Object>)]
    properties: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub struct LagoEventBody {
    #[schema(value_type = LagoEvent)]
    event: Value,
}

/// Up to 1,000 events.
#[derive(Deserialize, ToSchema)]
pub struct LagoEventsBody {
    #[schema(value_type = Vec<LagoEvent>)]
    events: Vec<Value>,
}

/// An event that was taken, as Lago shows one. `lago_id` is made of the transaction id.
#[derive(Serialize, ToSchema)]
pub struct LagoEventView {
    lago_id: String,
    transaction_id: String,
    lago_customer_id: String,
    code: String,
    timestamp: String,
    #[schema(value_type = Object)]
    properties: Value,
    lago_subscription_id: Option<String>,
    external_subscription_id: Option<String>,
    created_at: String,
}

#[derive(Serialize, ToSchema)]
pub struct LagoEventAnswer {
    event: LagoEventView,
}

#[derive(Serialize, ToSchema)]
pub struct LagoEventsAnswer {
    events: Vec<LagoEventView>,
}

/// Takes a usage event of Lago's. One that was taken before is taken again without being counted.
#[utoipa::path(post, path = "/api/v1/events", tag = "intake", request_body = LagoEventBody,
    responses((status = 200, body = LagoEventAnswer)), security(("api_key" = ["reading:*"])))]
async fn take(
    scope: ReadingScope,
    State(app): State<AppState>,
    request: Request,
) -> Result<Json<LagoEventAnswer>, Problem> {
    let body: LagoEventBody = body(request).await?;
    let mut views = events(scope, app, vec![("event".to_owned(), body.event)]).await?;
    let event = views.pop().ok_or_else(|| Problem::new(Code::Internal, "no event"))?;
    Ok(Json(LagoEventAnswer { event }))
}

/// Takes up to 1,000 usage events of Lago's. If one is not understood, none is counted; send them again once it is mended.
#[utoipa::path(post, path = "/api/v1/events/batch", tag = "intake", request_body = LagoEventsBody,
    responses((status = 200, body = LagoEventsAnswer)), security(("api_key" = ["reading:*"])))]
async fn take_batch(
    scope: ReadingScope,
    State(app): State<AppState>,
    request: Request,
) -> Result<Json<LagoEventsAnswer>, Problem> {
    let body: LagoEventsBody = body(request).await?;
    if body.events.is_empty() || body.events.len() > BATCH_LEN_MAX {
        return Err(Problem::field("events", format!("1 to {BATCH_LEN_MAX} events")));
    }
    let named = body.events.into_iter().enumerate().map(|(n, event)| (format!("events[{n}]"), event)).collect();
    Ok(Json(LagoEventsAnswer { events: events(scope, app, named).await? }))
}

async fn body<T: serde::de::DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers, &["application/json"])?;
    from_json(&read_body(body, BATCH_BYTES_MAX).await?)
}

/// What is known of Lago's names.
struct Names {
    metrics: BTreeMap<String, Metric>,
    subscriptions: BTreeMap<String, Vec<Holder>>,
    customers: BTreeMap<String, Vec<Holder>>,
    /// Of events without a timestamp: what was counted before.
    known: Vec<String>,
}

/// An event that can be counted: whose, of what, and when.
struct Placed {
    field: String,
    event: Event,
    holder: Holder,
    at: Timestamp,
    /// None: it is known to have been counted.
    reading: Option<IncomingReading>,
}

async fn events(
    scope: ReadingScope,
    app: AppState,
    named: Vec<(String, Value)>,
) -> Result<Vec<LagoEventView>, Problem> {
    let now = app.now();
    let read = named.into_iter().map(|(field, value)| match Event::read(&value) {
        Ok(event) => Ok((field, event)),
        Err(error) => Err(wrong(&field, &error)),
    });
    let read = read.collect::<Result<Vec<_>, Problem>>()?;
    let names = names(&app, &read).await?;
    let placed = read.into_iter().map(|(field, event)| place(&scope, &names, field, event, now));
    let placed = placed.collect::<Result<Vec<_>, Problem>>()?;
    let readings: Vec<IncomingReading> = placed.iter().filter_map(|p| p.reading.clone()).collect();
    if !readings.is_empty() {
        let fates = detached(async move { Ok(app.aggregator().take_readings(readings, now).await?) }).await?;
        for (placed, fate) in placed.iter().filter(|p| p.reading.is_some()).zip(fates) {
            told(&placed.field, fate)?;
        }
    }
    Ok(placed.into_iter().map(|placed| view(placed, now)).collect())
}

fn wrong(field: &str, error: &EventError) -> Problem {
    let at = if error.field.is_empty() { field.to_owned() } else { format!("{field}.{}", error.field) };
    Problem::new(Code::ReadingRefused, &error.reason).at(at).because("event_refused")
}

async fn names(app: &AppState, read: &[(String, Event)]) -> Result<Names, Problem> {
    let distinct = |of: fn(&Event) -> &String| {
        let mut ids: Vec<String> =
            read.iter().map(|(_, event)| of(event).clone()).filter(|id| !id.is_empty()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let undated: Vec<&Event> = read.iter().map(|(_, event)| event).filter(|event| event.timestamp.is_none()).collect();
    let keys: Vec<ReadingKey> = undated.iter().map(|event| key(event)).collect();
    let mut tx = app.db().begin_app().await?;
    let metrics = store::metrics(&mut tx).await?;
    let subscriptions = store::holders(&mut tx, Kind::Subscription, &distinct(|e| &e.external_subscription_id)).await?;
    let customers = store::holders(&mut tx, Kind::Customer, &distinct(|e| &e.external_customer_id)).await?;
    let known = readings::known(&mut tx, &keys.iter().collect::<Vec<_>>()).await?;
    let known = undated.iter().zip(known).filter(|(_, known)| *known).map(|(event, _)| event.transaction_id.clone());
    let metric = |record: MetricRecord| {
        let MetricRecord { code, sku, unit, per, property, rounds, lago_id: _ } = record;
        (code.clone(), Metric { code, sku, unit, per, property, rounds })
    };
    Ok(Names { metrics: metrics.into_iter().map(metric).collect(), subscriptions, customers, known: known.collect() })
}

fn key(event: &Event) -> ReadingKey {
    let id_sha256 = Sha256::digest(event.transaction_id.as_bytes()).into();
    ReadingKey { source: SOURCE.to_owned(), id_sha256, digest: NO_DIGEST }
}

fn place(scope: &ReadingScope, names: &Names, field: String, event: Event, now: Timestamp) -> Result<Placed, Problem> {
    let refused = |what: &str, detail: String| {
        Problem::new(Code::ReadingRefused, detail).at(format!("{field}.{what}")).because("event_refused")
    };
    let metric = names.metrics.get(&event.code);
    let metric = metric.ok_or_else(|| refused("code", format!("no metric '{}' was imported", shown(&event.code))))?;
    let Sku::Meter { meter, region } = &metric.sku else {
        return Err(refused("code", format!("{} is GPU time, which comes in signed reports only", metric.sku)));
    };
    if !scope.covers(meter) {
        let detail = format!("this takes a key with the scope 'reading:{meter}'");
        return Err(Problem::new(Code::Forbidden, detail).at(format!("{field}.code")));
    }
    let (what, id, holders) = if event.external_subscription_id.is_empty() {
        ("external_customer_id", &event.external_customer_id, &names.customers)
    } else {
        ("external_subscription_id", &event.external_subscription_id, &names.subscriptions)
    };
    let holder = match holders.get(id).map(Vec::as_slice) {
        Some([holder]) => holder.clone(),
        Some([_, ..]) => return Err(refused(what, "several sellers' imports name one of theirs so".to_owned())),
        _ => return Err(refused(what, format!("'{}' was not imported", shown(id)))),
    };
    let quantity = event.quantity(metric).map_err(|error| wrong(&field, &error))?;
    let at = event.timestamp.unwrap_or(now);
    let body = json!({
        "source": SOURCE, "id": event.transaction_id, "meter": meter, "region": region, "tenant": holder.tenant.to_string(),
        "quantity": quantity, "unit": metric.unit.name(), "from": at.to_string(), "to": at.plus_millis(1).to_string(),
    });
    let counted_before = event.timestamp.is_none() && names.known.contains(&event.transaction_id);
    let reading = if counted_before {
        None
    } else {
        let decoded = decode_reading(body.to_string().as_bytes());
        Some(decoded.map_err(|reject| refused(of_lago(&reject.field), reject.detail))?)
    };
    Ok(Placed { field, event, holder, at, reading })
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// Where a reading's field stands in an event.
fn of_lago(field: &str) -> &'static str {
    match field {
        "id" => "transaction_id",
        "quantity" => "properties",
        "from" | "to" => "timestamp",
        "tenant" | "key" => "external_subscription_id",
        _ => "code",
    }
}

/// What was taken is taken, whether it was counted now or before; other content under the same id is refused.
fn told(field: &str, fate: ReadingFate) -> Result<(), Problem> {
    match fate {
        ReadingFate::Counted | ReadingFate::Duplicate => Ok(()),
        ReadingFate::Quarantined { reason: releve_metering::Reason::ReadingConflict } => {
            let detail = "this id was used before with other content, which was counted; this one waits for a person";
            let problem = Problem::new(Code::ReadingRefused, detail).at(format!("{field}.transaction_id"));
            Err(problem.because(releve_metering::Reason::ReadingConflict.as_str()))
        }
        // It is safe here, and waits for a person: nothing that the sender could mend.
        ReadingFate::Quarantined { .. } => Ok(()),
        ReadingFate::Refused { field: what, detail } => {
            let at = format!("{field}.{}", of_lago(what));
            Err(Problem::new(Code::ReadingRefused, detail).at(at).because(format!("{what}_refused")))
        }
    }
}

fn view(placed: Placed, now: Timestamp) -> LagoEventView {
    let Placed { event, holder, at, .. } = placed;
    let digest: [u8; 32] = Sha256::digest(event.transaction_id.as_bytes()).into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    let subscribed = !event.external_subscription_id.is_empty();
    LagoEventView {
        lago_id: Uuid::new_v8(id).to_string(),
        transaction_id: event.transaction_id,
        lago_customer_id: holder.customer_lago_id,
        code: event.code,
        timestamp: at.to_string(),
        properties: if event.properties.is_null() { json!({}) } else { event.properties },
        lago_subscription_id: subscribed.then_some(holder.lago_id),
        external_subscription_id: subscribed.then_some(event.external_subscription_id),
        created_at: now.to_string(),
    }
}
