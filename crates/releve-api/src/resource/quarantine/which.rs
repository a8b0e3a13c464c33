//! Which messages are meant? Filters of a list and of a decision, and whom they name.

use releve_store::quarantine_views::Filter;
use releve_types::{NodeId, TenantId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::Problem,
    input::{Instant, Line, PageLen},
    lookup,
};

/// Which messages. What is absent means any; an empty `agent` or `rack` means those without one.
#[derive(Deserialize, Serialize, ToSchema, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct Which {
    pub(super) id: Option<String>,
    reason: Option<String>,
    /// Name and version of the program that made it.
    agent: Option<String>,
    rack: Option<String>,
    /// By id or name.
    node: Option<String>,
    /// Whom it concerns, by id or name.
    tenant: Option<String>,
    received_from: Option<Instant>,
    received_to: Option<Instant>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// `waiting` (if absent), `counted`, `duplicate`, `rejected` or `any`.
    status: Option<String>,
    reason: Option<String>,
    /// Empty means those without one.
    agent: Option<String>,
    /// Empty means those without one.
    rack: Option<String>,
    /// By id or name.
    node: Option<String>,
    /// Whom it concerns, by id or name.
    tenant: Option<String>,
    #[param(inline)]
    received_from: Option<Instant>,
    #[param(inline)]
    received_to: Option<Instant>,
    #[serde(default)]
    #[param(inline)]
    pub(super) limit: PageLen,
    pub(super) cursor: Option<String>,
}

impl Listing {
    pub(super) async fn filter(&self, conn: &mut PgConnection) -> Result<Filter, Problem> {
        let status = match self.status.as_deref().unwrap_or("waiting") {
            "any" => None,
            known @ ("waiting" | "counted" | "duplicate" | "rejected") => Some(known.to_owned()),
            _ => return Err(Problem::field("status", "expected waiting, counted, duplicate, rejected or any")),
        };
        let which = Which {
            id: None,
            reason: self.reason.clone(),
            agent: self.agent.clone(),
            rack: self.rack.clone(),
            node: self.node.clone(),
            tenant: self.tenant.clone(),
            received_from: self.received_from.clone(),
            received_to: self.received_to.clone(),
        };
        Ok(Filter { status, ..which.waiting(conn, "").await? })
    }

    pub(super) fn request(&self) -> String {
        let times = (&self.received_from, &self.received_to);
        let of = (&self.status, &self.reason, &self.agent, &self.rack, &self.node, &self.tenant, times);
        format!("quarantine {of:?}")
    }
}

impl Which {
    /// The waiting ones among them. `at` is where the filter stands in the request.
    pub(super) async fn waiting(&self, conn: &mut PgConnection, at: &str) -> Result<Filter, Problem> {
        for text in [&self.reason, &self.agent, &self.rack].into_iter().flatten() {
            text.parse::<Line>().map_err(|error| Problem::field(at.trim_end_matches('.'), error))?;
        }
        let node: Option<NodeId> = match &self.node {
            Some(reference) => Some(known_node(conn, reference, &format!("{at}node")).await?),
            None => None,
        };
        let tenant: Option<TenantId> = match &self.tenant {
            Some(reference) => Some(known_tenant(conn, reference, &format!("{at}tenant")).await?),
            None => None,
        };
        Ok(Filter {
            id: self.id.as_deref().map(|id| lookup::parsed(&format!("{at}id"), id)).transpose()?,
            status: Some("waiting".to_owned()),
            reason: self.reason.clone(),
            agent: self.agent.clone(),
            rack: self.rack.clone(),
            node,
            tenant,
            received_from: self.received_from.as_ref().map(|at| at.0),
            received_to: self.received_to.as_ref().map(|at| at.0),
        })
    }
}

/// A node that nobody registered is quarantined under its id all the same.
async fn known_node(conn: &mut PgConnection, reference: &str, field: &str) -> Result<NodeId, Problem> {
    match reference.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(lookup::node(conn, reference).await.map_err(|p| lookup::in_field(p, field))?.id),
    }
}

/// A suspense tenant is nobody's, and known by its id all the same.
async fn known_tenant(conn: &mut PgConnection, reference: &str, field: &str) -> Result<TenantId, Problem> {
    match reference.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(lookup::tenant(conn, reference).await.map_err(|p| lookup::in_field(p, field))?.id),
    }
}
