//! What is odd about what a node said, though it was counted?

use axum::{Json, extract::State};
use releve_jobs::flags::{self, FLAGS_HOURS_MAX};
use releve_metering::Flag;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::gaps::Listing;
use crate::{
    AppState,
    auth::OperatorScope,
    cursor::{self, Paged},
    error::Problem,
    input::{Params, PathOf},
    lookup,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
pub struct FlagView {
    from: String,
    to: String,
    /// `sequence_gap`, `sequence_backwards`, `broken_chain`, `clock_unsynced`, `clock_step` or `device_not_ok`.
    flag: &'static str,
    /// Reports that show it: windows on end that show the same, and reports of one window, are one flag.
    reports: usize,
    detail: String,
}

impl From<Flag> for FlagView {
    fn from(flag: Flag) -> Self {
        let Flag { from, to, kind, reports, detail } = flag;
        Self { from: from.to_string(), to: to.to_string(), flag: kind.as_str(), reports, detail }
    }
}

/// Lists what is odd about a node's counted reports of at most a day, by time: breaks in their sequence or their chain
/// of digests, a clock not to be believed, devices held while they were not well. A break is told where the report
/// after it begins, if that is within a day. Flags decide nothing. Archived days have left the database and show none.
#[utoipa::path(get, path = "/v1/nodes/{node}/flags", tag = "catalog", params(("node" = String, Path), Listing),
    responses((status = 200, body = Paged<FlagView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<FlagView>>, Problem> {
    let stretch = query.stretch(app.now())?;
    if stretch.hours() > FLAGS_HOURS_MAX {
        return Err(Problem::field(
            "to",
            format!("at most {FLAGS_HOURS_MAX} hours of a node are looked through at once"),
        ));
    }
    let mut tx = app.db().begin_app().await?;
    let node = lookup::node(&mut tx, &reference).await?;
    tx.commit().await?;
    let request = format!("flags of {} in {stretch}", node.id);
    let after: Option<(i64, String, String)> = cursor::decode(&request, query.cursor.as_deref())?;
    let place = |flag: &Flag| (flag.from.as_millis(), flag.kind.as_str().to_owned(), flag.detail.clone());
    let mut rows = flags::of_node(app.db(), node.id, stretch).await?;
    rows.retain(|flag| after.as_ref().is_none_or(|after| *after < place(flag)));
    rows.sort_by_key(place);
    rows.truncate(usize::try_from(query.limit.and_one()).unwrap_or(usize::MAX));
    Ok(Json(Paged::of(rows, query.limit, &request, place, FlagView::from)?))
}
