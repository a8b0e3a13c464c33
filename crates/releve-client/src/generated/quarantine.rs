//! What can be asked about `quarantine`, and what is answered? Made from docs/openapi.json.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::MoneyView;
use crate::{Client, Error, Page, Pages, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConcernedView {
    pub gpu_ms: i64,
    pub tenant: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DecisionView {
    pub dry_run: bool,
    /// What became of them, by fate.
    pub fates: BTreeMap<String, i64>,
    /// The same, to read.
    pub gpu_hours: String,
    pub gpu_ms: i64,
    /// How many messages it is about; of a re-drive, on this page.
    pub messages: i64,
    /// Of a dry run: what the messages that can be understood today come to, at list price. One per currency.
    pub money: Vec<MoneyView>,
    /// Where to go on, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Of a dry run: GPU time that has no price, or nobody to pay it.
    pub unpriced_gpu_ms: i64,
    /// Of a dry run: messages that can't be understood today, and are not in `money`.
    pub unweighed_messages: i64,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Mapping {
    /// Shows what it is about, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// From when; from each key's first hour in suspense if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Which keys: all in suspense that start with this. A whole key takes in itself.
    pub prefix: String,
    /// Whose they are, by id or name.
    pub tenant: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MovedView {
    /// Rows of usage hours by allocation, and of other meters, that moved.
    pub allocation_hours: i64,
    pub dry_run: bool,
    /// The same, to read.
    pub gpu_hours: String,
    /// What moves, or moved.
    pub gpu_ms: i64,
    pub keys: Vec<String>,
    pub meter_hours: i64,
    /// What leaves suspense comes to, at list price. One per currency.
    pub money: Vec<MoneyView>,
    /// GPU time that has no price, or nobody to pay it.
    pub unpriced_gpu_ms: i64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeReportView {
    pub agent: String,
    /// GPU time that it says was held, by anybody.
    pub gpu_ms: i64,
    /// SHA-256 of its signed head.
    pub head_sha256: String,
    pub received_at: String,
    pub run: String,
    pub seq: i64,
    /// `counted`, `superseded` or `withdrawn`.
    pub status: String,
    /// The head of the report that counts in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// Since when it counts no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_back_at: Option<String>,
    pub window_end: String,
    pub window_start: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuarantineGroupView {
    pub agent: String,
    pub first_received: String,
    /// The same, to read.
    pub gpu_hours: String,
    pub gpu_ms: i64,
    pub kind: String,
    pub last_received: String,
    pub messages: i64,
    pub nodes: i64,
    pub rack: String,
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuarantineView {
    pub agent: String,
    pub bytes: i64,
    pub detail: String,
    pub field: String,
    pub id: String,
    /// `report` or `reading`.
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    pub rack: String,
    pub reason: String,
    pub received_at: String,
    /// `amqp`, `http` or `dead_letter`.
    pub source: String,
    pub status: String,
    /// Whom it concerns, as far as that is known.
    pub tenants: Vec<ConcernedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_start: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Reattribution {
    /// Shows what it is about, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Which key's usage is moved to whom the rules name now.
    pub key: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Redrive {
    /// Goes on after this one: the `next` of an earlier answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Shows what it is about, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    pub filter: Which,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rejection {
    /// Shows what it is about, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    pub filter: Which,
    /// Why it is not to be counted.
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReportAmendment {
    /// Goes on after this one: the `next` of an earlier answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Shows what it is about, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Which waiting messages are to count.
    pub filter: Which,
    /// Why they are believed rather than what was counted.
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReportWithdrawal {
    /// Shows what it is about, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    pub from: String,
    /// Why the node is not believed: what the next person, and the auditor, read.
    pub reason: String,
    /// Not included.
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SuspenseKeyView {
    /// The first and the last hour with usage.
    pub first: String,
    /// The same, to read.
    pub gpu_hours: String,
    pub gpu_ms: i64,
    pub key: String,
    pub last: String,
    /// How many SKUs there is usage of, other meters' among them.
    pub skus: i64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenBackView {
    pub dry_run: bool,
    /// What became of the waiting messages, by fate.
    pub fates: BTreeMap<String, i64>,
    /// The same, to read.
    pub gpu_hours: String,
    /// GPU time that tenants hold more of; below zero: less.
    pub gpu_ms: i64,
    /// What that comes to at list price. One amount per currency.
    pub money: Vec<MoneyView>,
    /// Where to go on, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Reports that count no more. They are kept.
    pub taken_back: u64,
    /// A node's time that nobody vouches for any more: a gap.
    pub uncovered_ms: i64,
    /// GPU time of it that has no price, or nobody to pay it.
    pub unpriced_gpu_ms: i64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VerdictView {
    pub at: String,
    pub by: String,
    pub reason: String,
}

/// Which messages. What is absent means any; an empty `agent` or `rack` means those without one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Which {
    /// Name and version of the program that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// By id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_to: Option<String>,
    /// Whom it concerns, by id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// What [`Client::list_node_reports`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListNodeReportsQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListNodeReportsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_quarantine`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListQuarantineQuery {
    /// `waiting` (if absent), `counted`, `duplicate`, `rejected` or `any`.
    pub status: Option<String>,
    pub reason: Option<String>,
    /// Empty means those without one.
    pub agent: Option<String>,
    /// Empty means those without one.
    pub rack: Option<String>,
    /// By id or name.
    pub node: Option<String>,
    /// Whom it concerns, by id or name.
    pub tenant: Option<String>,
    /// An instant: RFC 3339 in UTC with `Z`, at most milliseconds.
    pub received_from: Option<String>,
    /// An instant: RFC 3339 in UTC with `Z`, at most milliseconds.
    pub received_to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListQuarantineQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("status", self.status.as_ref().map(ToString::to_string)),
            ("reason", self.reason.as_ref().map(ToString::to_string)),
            ("agent", self.agent.as_ref().map(ToString::to_string)),
            ("rack", self.rack.as_ref().map(ToString::to_string)),
            ("node", self.node.as_ref().map(ToString::to_string)),
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
            ("received_from", self.received_from.as_ref().map(ToString::to_string)),
            ("received_to", self.received_to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_quarantine_groups`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListQuarantineGroupsQuery {
    /// `waiting` (if absent), `counted`, `duplicate`, `rejected` or `any`.
    pub status: Option<String>,
    pub reason: Option<String>,
    /// Empty means those without one.
    pub agent: Option<String>,
    /// Empty means those without one.
    pub rack: Option<String>,
    /// By id or name.
    pub node: Option<String>,
    /// Whom it concerns, by id or name.
    pub tenant: Option<String>,
    /// An instant: RFC 3339 in UTC with `Z`, at most milliseconds.
    pub received_from: Option<String>,
    /// An instant: RFC 3339 in UTC with `Z`, at most milliseconds.
    pub received_to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListQuarantineGroupsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("status", self.status.as_ref().map(ToString::to_string)),
            ("reason", self.reason.as_ref().map(ToString::to_string)),
            ("agent", self.agent.as_ref().map(ToString::to_string)),
            ("rack", self.rack.as_ref().map(ToString::to_string)),
            ("node", self.node.as_ref().map(ToString::to_string)),
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
            ("received_from", self.received_from.as_ref().map(ToString::to_string)),
            ("received_to", self.received_to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_suspense`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListSuspenseQuery {
    /// Keys that start with this.
    pub prefix: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListSuspenseQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("prefix", self.prefix.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists a node's stored reports by window, those that count no more among them. Days that were archived have
    /// left the database.
    ///
    /// `GET /v1/nodes/{node}/reports`. With a key of `operator:read`.
    pub async fn list_node_reports(
        &self,
        node: &str,
        query: &ListNodeReportsQuery,
    ) -> Result<Page<NodeReportView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "nodes", node, "reports"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_node_reports`], page after page.
    pub fn all_node_reports(&self, node: &str, query: &ListNodeReportsQuery) -> Pages<'_, NodeReportView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "nodes", node, "reports"]).query(query.pairs()))
    }

    /// Withdraws a node's counted reports whose windows lie in a stretch: what they counted is taken back from
    /// whoever it stands with by now, and the time is a gap until another report of it comes. The reports are kept.
    /// What is on an invoice comes back by a correction. A UTC day a transaction; doing it again takes back nothing
    /// more.
    ///
    /// `POST /v1/nodes/{node}/reports/withdraw`. With a key of `operator:write`.
    pub async fn withdraw_node_reports(&self, node: &str, body: &ReportWithdrawal) -> Result<TakenBackView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "nodes", node, "reports", "withdraw"]).json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists quarantined messages in the order they came.
    ///
    /// `GET /v1/quarantine`. With a key of `operator:read`.
    pub async fn list_quarantine(&self, query: &ListQuarantineQuery) -> Result<Page<QuarantineView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "quarantine"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_quarantine`], page after page.
    pub fn all_quarantine(&self, query: &ListQuarantineQuery) -> Pages<'_, QuarantineView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "quarantine"]).query(query.pairs()))
    }

    /// Counts waiting reports in place of the counted ones that they overlap, a page at a time, in the order they
    /// came: of two that overlap, the later one stands. What is superseded is kept, and taken back from whoever it
    /// stands with by now. A message that is not believed for another reason waits on. Doing it again changes
    /// nothing more.
    ///
    /// `POST /v1/quarantine/amend`. With a key of `operator:write`.
    pub async fn amend_quarantine(&self, body: &ReportAmendment) -> Result<TakenBackView, Error> {
        self.send(Request::new(Method::POST, &["v1", "quarantine", "amend"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Groups quarantined messages by reason, agent version and rack, the largest group first.
    ///
    /// `GET /v1/quarantine/groups`. With a key of `operator:read`.
    pub async fn list_quarantine_groups(
        &self,
        query: &ListQuarantineGroupsQuery,
    ) -> Result<Page<QuarantineGroupView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "quarantine", "groups"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_quarantine_groups`], page after page.
    pub fn all_quarantine_groups(&self, query: &ListQuarantineGroupsQuery) -> Pages<'_, QuarantineGroupView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "quarantine", "groups"]).query(query.pairs()))
    }

    /// Judges waiting reports again, after what stood in their way was mended: a page at a time, in the order they
    /// came. Doing it twice is harmless, so it takes no idempotency key.
    ///
    /// `POST /v1/quarantine/redrive`. With a key of `operator:write`.
    pub async fn redrive_quarantine(&self, body: &Redrive) -> Result<DecisionView, Error> {
        self.send(Request::new(Method::POST, &["v1", "quarantine", "redrive"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Decides that waiting messages are not to be counted. Their bytes stay, and the verdict stands on redelivery.
    ///
    /// `POST /v1/quarantine/reject`. With a key of `operator:write`.
    pub async fn reject_quarantine(&self, body: &Rejection) -> Result<DecisionView, Error> {
        self.send(Request::new(Method::POST, &["v1", "quarantine", "reject"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Shows a quarantined message.
    ///
    /// `GET /v1/quarantine/{id}`. With a key of `operator:read`.
    pub async fn get_quarantine(&self, id: &str) -> Result<QuarantineView, Error> {
        self.send(Request::new(Method::GET, &["v1", "quarantine", id])).await?.json()
    }

    /// Gives the bytes of a quarantined message as they came (unsigned ones up to a limit).
    ///
    /// `GET /v1/quarantine/{id}/body`. With a key of `operator:read`.
    pub async fn get_quarantine_body(&self, id: &str) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "quarantine", id, "body"])).await?.bytes()
    }

    /// Lists tenant keys with usage that no rule gives to anybody.
    ///
    /// `GET /v1/suspense`. With a key of `operator:read`.
    pub async fn list_suspense(&self, query: &ListSuspenseQuery) -> Result<Page<SuspenseKeyView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "suspense"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_suspense`], page after page.
    pub fn all_suspense(&self, query: &ListSuspenseQuery) -> Pages<'_, SuspenseKeyView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "suspense"]).query(query.pairs()))
    }

    /// Gives keys in suspense to a tenant: writes a rule for each, and moves what was counted under them. Doing it
    /// again moves nothing more.
    ///
    /// `POST /v1/suspense/map`. With a key of `operator:write`.
    pub async fn map_suspense(&self, body: &Mapping) -> Result<MovedView, Error> {
        self.send(Request::new(Method::POST, &["v1", "suspense", "map"]).json("application/json", body)?).await?.json()
    }

    /// Moves what was counted under a key to whom the rules name for each hour, out of suspense and between
    /// tenants. Doing it again moves nothing more.
    ///
    /// `POST /v1/suspense/reattribute`. With a key of `operator:write`.
    pub async fn reattribute_suspense(&self, body: &Reattribution) -> Result<MovedView, Error> {
        self.send(Request::new(Method::POST, &["v1", "suspense", "reattribute"]).json("application/json", body)?)
            .await?
            .json()
    }
}
