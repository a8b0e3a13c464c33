//! What can be asked about `catalog`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Page, Pages, Paging, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceView {
    pub gpu: String,
    /// In the order of time; the last is where it sits now.
    pub stays: Vec<StayView>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FlagView {
    pub detail: String,
    /// `sequence_gap`, `sequence_backwards`, `broken_chain`, `clock_unsynced`, `clock_step` or `device_not_ok`.
    pub flag: String,
    pub from: String,
    /// Reports that show it: windows on end that show the same, and reports of one window, are one flag.
    pub reports: u64,
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyRuleView {
    pub created_at: String,
    pub created_by: String,
    pub from: String,
    pub id: String,
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyView {
    pub from: String,
    pub keyid: String,
    pub public_key: String,
    /// False from where it is revoked.
    pub valid: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewKey {
    /// Judged at a window's end. From the start of the node's first state if absent, or now for a later key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// As the node writes it beside its signatures.
    pub keyid: String,
    /// Ed25519: 32 bytes, as 64 hexadecimal digits or as base64.
    pub public_key: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewKeyRule {
    /// The current whole hour if absent. What was counted before the rule was written stays where it is until it is
    /// re-attributed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `k8s:<cluster>/<namespace>`, `slurm:<cluster>/<account>` or `static:<name>`.
    pub key: String,
    /// By id or name. Null: nobody, so usage under this key goes to suspense from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewMove {
    pub from: String,
    /// Where it sits from then on, by id or name.
    pub node: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewNode {
    /// Since when it serves; the current whole hour if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Made if absent. An agent that made its own id brings it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the node signs with; more can be added later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<NewKey>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    pub region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeDetailView {
    pub created_at: String,
    pub id: String,
    pub keys: Vec<KeyView>,
    pub name: String,
    pub states: Vec<StateView>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeView {
    pub created_at: String,
    pub id: String,
    pub name: String,
    /// Where it stands now; none before its first state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateView>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Revocation {
    /// Reports of windows that end later are not believed. Now if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SkuView {
    pub created_at: String,
    /// What a price of it is for.
    pub priced_per: String,
    pub sku: String,
    /// What its usage is counted in.
    pub unit: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StateChange {
    /// The current whole hour if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    /// Part of the SKU.
    pub region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// `in_service` (expected to report), `maintenance` (may report) or `retired` (may not).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StateView {
    pub from: String,
    pub rack: String,
    pub region: String,
    pub site: String,
    pub state: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StayView {
    /// Since ever, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    pub node: String,
    /// Until further notice, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What [`Client::list_key_rules`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListKeyRulesQuery {
    /// Of this tenant key only.
    pub key: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListKeyRulesQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("key", self.key.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_node_flags`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListNodeFlagsQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListNodeFlagsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Shows in which nodes a GPU sat.
    ///
    /// `GET /v1/devices/{gpu}`. With a key of `operator:read`.
    pub async fn get_device(&self, gpu: &str) -> Result<DeviceView, Error> {
        self.send(Request::new(Method::GET, &["v1", "devices", gpu])).await?.json()
    }

    /// Records that a GPU moved to another node at a whole hour. Refused where time since then was counted
    /// elsewhere: then either the move was later, or those reports are wrong.
    ///
    /// `POST /v1/devices/{gpu}/moves`. With a key of `operator:write`.
    pub async fn create_device_move(&self, gpu: &str, body: &NewMove) -> Result<DeviceView, Error> {
        self.send(Request::new(Method::POST, &["v1", "devices", gpu, "moves"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists rules in the order they were written.
    ///
    /// `GET /v1/key-rules`. With a key of `operator:read`.
    pub async fn list_key_rules(&self, query: &ListKeyRulesQuery) -> Result<Page<KeyRuleView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "key-rules"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_key_rules`], page after page.
    pub fn all_key_rules(&self, query: &ListKeyRulesQuery) -> Pages<'_, KeyRuleView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "key-rules"]).query(query.pairs()))
    }

    /// Says who is behind a tenant key from an hour on.
    ///
    /// `POST /v1/key-rules`. With a key of `operator:write`.
    pub async fn create_key_rule(&self, body: &NewKeyRule) -> Result<KeyRuleView, Error> {
        self.send(Request::new(Method::POST, &["v1", "key-rules"]).json("application/json", body)?).await?.json()
    }

    /// Lists nodes by name, with their state now.
    ///
    /// `GET /v1/nodes`. With a key of `operator:read`.
    pub async fn list_nodes(&self, query: &Paging) -> Result<Page<NodeView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "nodes"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_nodes`], page after page.
    pub fn all_nodes(&self, query: &Paging) -> Pages<'_, NodeView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "nodes"]).query(query.pairs()))
    }

    /// Registers a node with its first state, and its key if it is known.
    ///
    /// `POST /v1/nodes`. With a key of `operator:write`.
    pub async fn create_node(&self, body: &NewNode) -> Result<NodeDetailView, Error> {
        self.send(Request::new(Method::POST, &["v1", "nodes"]).json("application/json", body)?).await?.json()
    }

    /// Shows a node with all its states and keys, by id or name.
    ///
    /// `GET /v1/nodes/{node}`. With a key of `operator:read`.
    pub async fn get_node(&self, node: &str) -> Result<NodeDetailView, Error> {
        self.send(Request::new(Method::GET, &["v1", "nodes", node])).await?.json()
    }

    /// Lists what is odd about a node's counted reports of at most a day, by time: breaks in their sequence or
    /// their chain of digests, a clock not to be believed, devices held while they were not well. A break is told
    /// where the report after it begins, if that is within a day. Flags decide nothing. Archived days have left the
    /// database and show none.
    ///
    /// `GET /v1/nodes/{node}/flags`. With a key of `operator:read`.
    pub async fn list_node_flags(&self, node: &str, query: &ListNodeFlagsQuery) -> Result<Page<FlagView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "nodes", node, "flags"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_node_flags`], page after page.
    pub fn all_node_flags(&self, node: &str, query: &ListNodeFlagsQuery) -> Pages<'_, FlagView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "nodes", node, "flags"]).query(query.pairs()))
    }

    /// Adds a key that a node signs with.
    ///
    /// `POST /v1/nodes/{node}/keys`. With a key of `operator:write`.
    pub async fn create_node_key(&self, node: &str, body: &NewKey) -> Result<KeyView, Error> {
        self.send(Request::new(Method::POST, &["v1", "nodes", node, "keys"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Revokes a node's key from an instant on.
    ///
    /// `POST /v1/nodes/{node}/keys/{keyid}/revoke`. With a key of `operator:write`.
    pub async fn revoke_node_key(&self, node: &str, keyid: &str, body: &Revocation) -> Result<KeyView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "nodes", node, "keys", keyid, "revoke"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Says where a node stands and whether it serves, from an hour on.
    ///
    /// `POST /v1/nodes/{node}/states`. With a key of `operator:write`.
    pub async fn create_node_state(&self, node: &str, body: &StateChange) -> Result<StateView, Error> {
        self.send(Request::new(Method::POST, &["v1", "nodes", node, "states"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists SKUs by name. They come to be by being used or priced.
    ///
    /// `GET /v1/skus`. With a key of `operator:read`.
    pub async fn list_skus(&self, query: &Paging) -> Result<Page<SkuView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "skus"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_skus`], page after page.
    pub fn all_skus(&self, query: &Paging) -> Pages<'_, SkuView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "skus"]).query(query.pairs()))
    }
}
