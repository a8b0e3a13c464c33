//! Whose usage has nobody? Tenant keys without a rule: looked at, weighed, mapped to a tenant by filter.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use releve_aggregator::Moved;
use releve_store::{
    audit_log::{self, Change},
    catalog,
    rules::{self, KeyRule},
    suspense_views::{self, SuspenseKey},
};
use releve_types::{Hour, TenantId, TenantKey, Timestamp, ids::KeyRuleId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Line, PageLen, Params, WholeHour},
    lookup,
    worth::{MoneyView, Usage, gpu_hours, worth},
    write::detached,
};

/// Keys that one request maps or moves at most; a narrower prefix takes fewer.
pub const KEYS_LEN_MAX: i64 = 500;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(map)).routes(routes!(reattribute))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Keys that start with this.
    prefix: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SuspenseKeyView {
    key: String,
    /// The first and the last hour with usage.
    first: String,
    last: String,
    gpu_ms: i64,
    /// The same, to read.
    #[schema(example = "12.500")]
    gpu_hours: String,
    /// How many SKUs there is usage of, other meters' among them.
    skus: i64,
}

impl From<SuspenseKey> for SuspenseKeyView {
    fn from(row: SuspenseKey) -> Self {
        Self {
            key: row.key.to_string(),
            first: row.first.to_string(),
            last: row.last.to_string(),
            gpu_ms: row.gpu_ms,
            gpu_hours: gpu_hours(row.gpu_ms),
            skus: row.skus,
        }
    }
}

/// Lists tenant keys with usage that no rule gives to anybody.
#[utoipa::path(get, path = "/v1/suspense", tag = "quarantine", params(Listing),
    responses((status = 200, body = Paged<SuspenseKeyView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<SuspenseKeyView>>, Problem> {
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let request = format!("suspense under {prefix}");
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let after = after.as_deref().unwrap_or_default();
    let rows = suspense_views::keys(&mut tx, prefix, after, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.key.to_string(), SuspenseKeyView::from)?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Which keys: all in suspense that start with this. A whole key takes in itself.
    #[schema(example = "slurm:jz/")]
    prefix: Line,
    /// Whose they are, by id or name.
    tenant: String,
    /// From when; from each key's first hour in suspense if absent.
    from: Option<WholeHour>,
    /// Shows what it is about, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reattribution {
    /// Which key's usage is moved to whom the rules name now.
    #[schema(example = "slurm:jz/abc")]
    key: String,
    /// Shows what it is about, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, ToSchema)]
pub struct MovedView {
    dry_run: bool,
    keys: Vec<String>,
    /// What moves, or moved.
    gpu_ms: i64,
    /// The same, to read.
    #[schema(example = "12.500")]
    gpu_hours: String,
    /// What leaves suspense comes to, at list price. One per currency.
    money: Vec<MoneyView>,
    /// GPU time that has no price, or nobody to pay it.
    unpriced_gpu_ms: i64,
    /// Rows of usage hours by allocation, and of other meters, that moved.
    allocation_hours: i64,
    meter_hours: i64,
}

impl MovedView {
    /// What moved, in place of what was expected to.
    fn moved(self, Moved { gpu_ms, allocation_hours, meter_hours }: Moved) -> Self {
        Self { gpu_ms, gpu_hours: gpu_hours(gpu_ms), allocation_hours, meter_hours, ..self }
    }
}

/// Gives keys in suspense to a tenant: writes a rule for each, and moves what was counted under them. Doing it again
/// moves nothing more.
#[utoipa::path(post, path = "/v1/suspense/map", tag = "quarantine", request_body = Mapping,
    responses((status = 200, body = MovedView)), security(("api_key" = ["operator:write"])))]
async fn map(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<Mapping>,
) -> Result<Json<MovedView>, Problem> {
    repeat.without_key()?;
    if input.prefix.0.is_empty() {
        return Err(Problem::field("prefix", "say which keys: an empty one would take in all of them"));
    }
    let actor = scope.caller().actor();
    detached(async move {
        let now = app.now();
        let mut tx = app.db().begin_app().await?;
        let tenant = lookup::tenant(&mut tx, &input.tenant).await.map_err(|p| lookup::in_field(p, "tenant"))?.id;
        let keys = suspense_views::keys(&mut tx, &input.prefix.0, "", KEYS_LEN_MAX + 1).await?;
        if i64::try_from(keys.len()).unwrap_or(i64::MAX) > KEYS_LEN_MAX {
            return Err(Problem::field("prefix", format!("it takes in more than {KEYS_LEN_MAX} keys")));
        }
        let mut usage = Usage::new();
        let mut starts: Vec<(TenantKey, Hour)> = Vec::new();
        for row in keys {
            let from = input.from.as_ref().map_or(row.first, |from| from.0);
            for hour in suspense_views::hours(&mut tx, &row.key, from).await? {
                *usage.entry((tenant, hour.sku, hour.hour)).or_default() += hour.quantity;
            }
            starts.push((row.key, from));
        }
        let view = weighed(&mut tx, &usage, &starts, input.dry_run).await?;
        if input.dry_run {
            return Ok(Json(view));
        }
        write_rules(&mut tx, &starts, tenant, &actor, now).await?;
        tx.commit().await?;
        let moved = move_usage(&app, &starts, &actor, now).await?;
        Ok(Json(view.moved(moved)))
    })
    .await
}

/// What would leave suspense, in time and money.
async fn weighed(
    conn: &mut PgConnection,
    usage: &Usage,
    keys: &[(TenantKey, Hour)],
    dry_run: bool,
) -> Result<MovedView, Problem> {
    let worth = worth(conn, usage).await?;
    let gpu = |sku: &releve_types::Sku| matches!(sku, releve_types::Sku::Gpu { .. });
    let gpu_ms = usage.iter().filter(|((_, sku, _), _)| gpu(sku)).map(|(_, quantity)| quantity).sum();
    Ok(MovedView {
        dry_run,
        keys: keys.iter().map(|(key, _)| key.to_string()).collect(),
        gpu_ms,
        gpu_hours: gpu_hours(gpu_ms),
        money: worth.money,
        unpriced_gpu_ms: worth.unpriced_gpu_ms,
        allocation_hours: 0,
        meter_hours: 0,
    })
}

async fn write_rules(
    conn: &mut PgConnection,
    starts: &[(TenantKey, Hour)],
    tenant: TenantId,
    actor: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if starts.is_empty() {
        return Ok(());
    }
    let version = catalog::bump(conn).await?;
    for (key, from) in starts {
        let rule = KeyRule {
            id: KeyRuleId::fresh(now),
            key: key.clone(),
            from: *from,
            tenant: Some(tenant),
            created_at: now,
            created_by: actor.to_owned(),
        };
        rules::append(conn, &rule, version).await?;
        let after = json!({ "key": key.as_str(), "tenant": tenant.to_string(), "from": from.to_string() });
        let change = Change {
            actor: actor.to_owned(),
            action: "key_rule.create",
            subject: rule.id.to_string(),
            before: None,
            after: Some(after),
        };
        audit_log::add(conn, &change, now).await?;
    }
    Ok(())
}

/// Moves a key at a time, each a UTC day a transaction: broken off, it is gone on with by asking again.
async fn move_usage(app: &AppState, keys: &[(TenantKey, Hour)], actor: &str, now: Timestamp) -> Result<Moved, Problem> {
    let mut all = Moved::default();
    for (key, _) in keys {
        let moved = app.aggregator().reattribute(key, actor, false, now).await?;
        let after = json!({
            "gpu_ms": moved.gpu_ms,
            "allocation_hours": moved.allocation_hours,
            "meter_hours": moved.meter_hours,
        });
        let change = Change {
            actor: actor.to_owned(),
            action: "usage.reattribute",
            subject: key.to_string(),
            before: None,
            after: Some(after),
        };
        let mut tx = app.db().begin_app().await?;
        audit_log::add(&mut tx, &change, now).await?;
        tx.commit().await?;
        all += moved;
    }
    Ok(all)
}

/// Moves what was counted under a key to whom the rules name for each hour, out of suspense and between tenants.
/// Doing it again moves nothing more.
#[utoipa::path(post, path = "/v1/suspense/reattribute", tag = "quarantine", request_body = Reattribution,
    responses((status = 200, body = MovedView)), security(("api_key" = ["operator:write"])))]
async fn reattribute(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<Reattribution>,
) -> Result<Json<MovedView>, Problem> {
    repeat.without_key()?;
    let key: TenantKey = lookup::parsed("key", &input.key)?;
    let actor = scope.caller().actor();
    detached(async move {
        let now = app.now();
        let mut tx = app.db().begin_app().await?;
        let rules = suspense_views::rules_of(&mut tx, &key).await?;
        if rules.is_empty() {
            return Err(Problem::new(Code::InvalidField, "no rule names this key: add one first").at("key"));
        }
        let rules: BTreeMap<Hour, Option<TenantId>> = rules.into_iter().collect();
        let first = Hour::from_index(0);
        let mut usage = Usage::new();
        for hour in suspense_views::hours(&mut tx, &key, first).await? {
            let rule = rules.range(..=hour.hour).next_back();
            if let Some((_, Some(tenant))) = rule {
                *usage.entry((*tenant, hour.sku, hour.hour)).or_default() += hour.quantity;
            }
        }
        let keys = [(key, first)];
        let view = weighed(&mut tx, &usage, &keys, input.dry_run).await?;
        tx.commit().await?;
        let moved = if input.dry_run {
            app.aggregator().reattribute(&keys[0].0, &actor, true, now).await?
        } else {
            move_usage(&app, &keys, &actor, now).await?
        };
        Ok(Json(view.moved(moved)))
    })
    .await
}
