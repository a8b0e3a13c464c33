//! What can be asked about `intake`, and what is answered? Made from docs/openapi.json.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, request::Request};

/// What became of a report: it is safe here, and need not be sent again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FateView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// `counted`, `duplicate` (counted before), `late_known` (archived and counted before) or `quarantined`.
    pub fate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why it was understood but not believed; it waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The fate of one reading, or of each of an array, in its order. For the document only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FatesView {
    Fate(Box<FateView>),
    Many(Vec<ItemView>),
}

/// The answer for one message of a batch: a fate, or the problem for which it was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ItemView {
    Refused(Box<RefusedView>),
    Fate(Box<FateView>),
}

/// A usage event, as Lago's API has it. For the document only: unknown fields are passed over.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LagoEvent {
    /// A billable metric that was imported.
    pub code: String,
    /// In its place, a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_customer_id: Option<String>,
    /// Whose usage it is: a subscription that was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_subscription_id: Option<String>,
    /// The metric's property holds the quantity, in Lago's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// Seconds since 1970 in UTC, as a number or as text; when it is received, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// Unique, for ever: sent again with the same content, it is counted once.
    pub transaction_id: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LagoEventAnswer {
    pub event: LagoEventView,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LagoEventBody {
    pub event: LagoEvent,
}

/// An event that was taken, as Lago shows one. `lago_id` is made of the transaction id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LagoEventView {
    pub code: String,
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_subscription_id: Option<String>,
    pub lago_customer_id: String,
    pub lago_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lago_subscription_id: Option<String>,
    pub properties: Value,
    pub timestamp: String,
    pub transaction_id: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LagoEventsAnswer {
    pub events: Vec<LagoEventView>,
}

/// Up to 1,000 events.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LagoEventsBody {
    pub events: Vec<LagoEvent>,
}

/// The problem document, as it is written (application/problem+json).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// Stable; made for programs.
    pub code: String,
    /// Made for people; its wording may change.
    pub detail: String,
    /// What to look at: a path into the body, or the name of a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stable; tells the refusals of one code apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub status: u32,
    pub title: String,
    /// Where the code's page is served, relative to the API.
    #[serde(rename = "type")]
    pub type_: String,
}

/// A metered quantity inside one UTC hour. For the document only: what is read is decided by the wire format.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReadingBody {
    pub from: String,
    /// Unique for its source, for ever.
    pub id: String,
    /// The tenant key that rules map. Either this or `tenant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    pub meter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// In base units, not negative.
    pub quantity: u64,
    /// Part of the SKU; `default` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who measured.
    pub source: String,
    /// Whose it is, by id or name. Either this or `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub to: String,
    /// gib_second, byte, token or count.
    pub unit: String,
}

/// One reading, or up to 1,000. For the document only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReadingsBody {
    Reading(Box<ReadingBody>),
    Many(Vec<ReadingBody>),
}

/// A message of a batch that was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefusedView {
    /// `refused`.
    pub fate: String,
    pub problem: Problem,
}

/// What [`Client::create_reading`] is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum CreateReadingAnswer {
    /// 200
    Ok(Box<FatesView>),
    /// 202
    Accepted(Box<FateView>),
}

impl Client {
    /// Takes a usage event of Lago's. One that was taken before is taken again without being counted.
    ///
    /// `POST /api/v1/events`. With a key of `reading:*`.
    pub async fn create_api_event(&self, body: &LagoEventBody) -> Result<LagoEventAnswer, Error> {
        self.send(Request::new(Method::POST, &["api", "v1", "events"]).json("application/json", body)?).await?.json()
    }

    /// Takes up to 1,000 usage events of Lago's. If one is not understood, none is counted; send them again once it
    /// is mended.
    ///
    /// `POST /api/v1/events/batch`. With a key of `reading:*`.
    pub async fn batch_api_events(&self, body: &LagoEventsBody) -> Result<LagoEventsAnswer, Error> {
        self.send(Request::new(Method::POST, &["api", "v1", "events", "batch"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Takes a reading, or an array of up to 1,000: then each has its own fate, in the order of the array.
    ///
    /// `POST /v1/readings`. With a key of `reading:*`.
    pub async fn create_reading(&self, body: &ReadingsBody) -> Result<CreateReadingAnswer, Error> {
        let answer = self.send(Request::new(Method::POST, &["v1", "readings"]).json("application/json", body)?).await?;
        match answer.status {
            200 => Ok(CreateReadingAnswer::Ok(Box::new(answer.json()?))),
            202 => Ok(CreateReadingAnswer::Accepted(Box::new(answer.json()?))),
            other => Err(Error::Unexpected { status: other }),
        }
    }

    /// Takes one report, as its node signed it. Counted, known or quarantined: it is safe here. Refused: keep it.
    ///
    /// `POST /v1/reports`. With a key of `agent`.
    pub async fn create_report(&self, body: &Value) -> Result<FateView, Error> {
        self.send(Request::new(Method::POST, &["v1", "reports"]).json("application/cloudevents+json", body)?)
            .await?
            .json()
    }

    /// Takes up to 1,000 reports. Each has its own fate; the answer lists them in the order of the batch.
    ///
    /// `POST /v1/reports/batch`. With a key of `agent`.
    pub async fn batch_reports(&self, body: &[Value]) -> Result<Vec<ItemView>, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "reports", "batch"]).json("application/cloudevents-batch+json", body)?,
        )
        .await?
        .json()
    }
}
