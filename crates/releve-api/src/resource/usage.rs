//! What did a tenant use? By hour, day or in all; whole, or by project, allocation or label.

use axum::{Json, extract::State};
use releve_store::{
    customers, usage_versions,
    usage_views::{self, After, Breakdown, Buckets, UsageSum},
};
use releve_types::{AllocationId, Hour, Period, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    AppState,
    auth::TenantScope,
    cursor::{self, Paged},
    error::Problem,
    input::{PageLen, Params, WholeHour},
    kept::{Keep, Kept},
    pieces::Wanted,
};

/// The longest stretch that is shown by the hour, in hours: a month and a day.
pub const HOURLY_HOURS_MAX: i64 = 32 * 24;
/// The longest stretch that is shown by the day or in all, in hours: a leap year and a day.
pub const DAILY_HOURS_MAX: i64 = 367 * 24;
/// The longest label that usage can be broken down by, in bytes.
pub const LABEL_BYTES_MAX: usize = 256;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Question {
    /// A whole UTC hour; the current month's beginning in the seller's zone if absent.
    #[param(inline)]
    from: Option<WholeHour>,
    /// A whole UTC hour, not included; the end of the current hour if absent.
    #[param(inline)]
    to: Option<WholeHour>,
    /// `hour`, `day` (of the seller's zone, so that a month's days add up to its invoice) or `all`; day if absent.
    interval: Option<String>,
    /// `project`, `allocation` or `label:<name>`; whole if absent. Readings belong to no allocation.
    by: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct UsageView {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation: Option<String>,
    /// The label's value; empty for allocations without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    sku: String,
    #[schema(example = "gpu_ms")]
    unit: &'static str,
    /// In base units: milliseconds for GPU time.
    quantity: i64,
    energy_mj: i64,
    /// What was counted until then is in it.
    as_of: String,
}

/// Sums that take long to add up, by whose, what was asked, and the page of it.
pub(crate) type KeptUsage = Kept<String, UsageSums>;
type UsageSums = Vec<UsageSum>;
impl Keep for UsageSums {}

/// Shows what a tenant used, by time and SKU.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/usage", tag = "tenant", params(("tenant" = String, Path), Question),
    responses((status = 200, body = Paged<UsageView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(question): Params<Question>,
) -> Result<Json<Paged<UsageView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let zone = zone_of(&mut tx, &scope).await?;
    let now = app.now();
    let from = question.from.map_or_else(|| zone.period_of(now).first_hour(), |from| from.0);
    let to = question.to.map_or_else(|| now.hour().next(), |to| to.0);
    let interval = question.interval.as_deref().unwrap_or("day");
    let buckets = buckets(&zone, from, to, interval)?;
    let breakdown = breakdown(question.by.as_deref())?;
    let request = format!("usage of {} {from} {to} {interval} {breakdown:?}", scope.id());
    let after: Option<(i64, String, String)> = cursor::decode(&request, question.cursor.as_deref())?;
    let after = after.map(|(bucket, part, sku)| Ok::<_, Problem>(After { bucket: cursor::hour(bucket)?, part, sku }));
    let after = after.transpose()?;
    let len_max = question.limit.and_one();
    let first = after.as_ref().map_or(from, |after| after.bucket);
    let wanted = Wanted {
        buckets: &buckets,
        breakdown: &breakdown,
        after: after.as_ref(),
        len_max: usize::try_from(len_max).unwrap_or(usize::MAX),
        versions: usage_versions::of_tenant(&mut tx, scope.id(), first, to).await?,
    };
    tx.commit().await?;
    let (rows, as_of) = match app.pieces().sums(&app, &scope, &wanted).await? {
        Some(rows) => (rows, now),
        None => {
            let is_labelled = matches!(breakdown, Breakdown::Label(_));
            let (here, buckets, breakdown) = (app.clone(), buckets.clone(), breakdown.clone());
            let asked = format!("{request} {after:?} {len_max}");
            let count = async move {
                let mut tx = scope.begin(&here).await?;
                let rows =
                    usage_views::usage(&mut tx, scope.id(), &buckets, &breakdown, after.as_ref(), len_max).await?;
                tx.commit().await?;
                Ok(rows)
            };
            // Labels are written anew, and erased: nothing of them is kept.
            if is_labelled {
                (count.await?, now)
            } else {
                let made = app.usage().get(asked, now, |_| true, count).await?;
                (UsageSums::clone(&made.value), made.as_of)
            }
        }
    };
    let place = |last: &UsageSum| (last.bucket.index(), last.part.clone(), last.sku.to_string());
    let view = |row| view(row, &buckets, &breakdown, as_of);
    Ok(Json(Paged::of(rows, question.limit, &request, place, view)?))
}

/// The zone that the tenant's months begin in: its seller's.
pub(super) async fn zone_of(conn: &mut PgConnection, scope: &TenantScope) -> Result<Zone, Problem> {
    let zone = customers::zones(conn, &[scope.account()]).await?.remove(&scope.account());
    zone.ok_or_else(|| Problem::not_found("tenant", &scope.tenant().name))
}

fn buckets(zone: &Zone, from: Hour, to: Hour, interval: &str) -> Result<Buckets, Problem> {
    let period = Period::of_hours(from, to).map_err(|error| Problem::field("to", error))?;
    let hours_max = match interval {
        "hour" => HOURLY_HOURS_MAX,
        "day" | "all" => DAILY_HOURS_MAX,
        _ => return Err(Problem::field("interval", "expected hour, day or all")),
    };
    if period.hours() > hours_max {
        let detail = format!("{} hours from {from}: at most {hours_max} are shown by {interval}", period.hours());
        return Err(Problem::field("to", detail));
    }
    let before = |hour: Hour| Hour::from_index(hour.index() - 1).start();
    let begins = |hour: &Hour| match interval {
        "hour" => true,
        "day" => *hour == from || zone.date(before(*hour)) != zone.date(hour.start()),
        _ => *hour == from,
    };
    let starts = (from.index()..to.index()).map(Hour::from_index).filter(begins).collect();
    Ok(Buckets { starts, end: to })
}

fn breakdown(by: Option<&str>) -> Result<Breakdown, Problem> {
    match by {
        None => Ok(Breakdown::Nothing),
        Some("project") => Ok(Breakdown::Project),
        Some("allocation") => Ok(Breakdown::Allocation),
        Some(other) => match other.strip_prefix("label:") {
            Some(label) if !label.is_empty() && label.len() <= LABEL_BYTES_MAX => {
                Ok(Breakdown::Label(label.to_owned()))
            }
            _ => Err(Problem::field("by", "expected project, allocation or label:<name>")),
        },
    }
}

fn view(row: UsageSum, buckets: &Buckets, breakdown: &Breakdown, as_of: Timestamp) -> UsageView {
    let next = buckets.starts.partition_point(|start| *start <= row.bucket);
    let to = buckets.starts.get(next).copied().unwrap_or(buckets.end);
    let part = |wanted: bool| wanted.then(|| row.part.clone());
    let allocation = |text: &String| Uuid::try_parse(text).ok().map(|id| AllocationId::from_uuid(id).to_string());
    UsageView {
        from: row.bucket.to_string(),
        to: to.to_string(),
        project: part(*breakdown == Breakdown::Project),
        allocation: part(*breakdown == Breakdown::Allocation).as_ref().and_then(allocation),
        label: part(matches!(breakdown, Breakdown::Label(_))),
        sku: row.sku.to_string(),
        unit: row.unit.name(),
        quantity: row.quantity,
        energy_mj: row.energy_mj,
        as_of: as_of.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(text: &str) -> Hour {
        text.parse::<WholeHour>().expect("a whole hour").0
    }

    #[test]
    fn days_are_the_sellers() {
        let paris = Zone::new("Europe/Paris").expect("a zone");
        let (from, to) = (hour("2026-03-27T23:00:00Z"), hour("2026-03-30T22:00:00Z"));
        let days = buckets(&paris, from, to, "day").expect("three days");
        let starts: Vec<String> = days.starts.iter().map(Hour::to_string).collect();
        assert_eq!(
            starts,
            ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
            "the day of the change has 23 hours"
        );
    }

    #[test]
    fn stretches_have_an_end_and_a_limit() {
        let utc = Zone::utc();
        let (from, to) = (hour("2026-03-01T00:00:00Z"), hour("2026-05-01T00:00:00Z"));
        for (from, to, interval, field) in [
            (to, from, "day", "to"),
            (from, from, "day", "to"),
            (from, to, "hour", "to"),
            (from, to, "week", "interval"),
        ] {
            let refused = buckets(&utc, from, to, interval).expect_err(interval);
            assert_eq!(refused.field.as_deref(), Some(field));
        }
        assert_eq!(buckets(&utc, from, to, "all").expect("one").starts, [from]);
    }
}
