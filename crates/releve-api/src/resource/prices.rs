//! What does a SKU cost, from when? Dated prices; what has begun to hold is never changed.

use axum::{Json, extract::State, response::Response};
use releve_billing::{Model, Price, PriceError, Rounding, Tier, UnitPrice, check_new_price, tax::RateClass};
use releve_store::{
    audit_log::{self, Change},
    prices::{self, PriceRecord},
};
use releve_types::{Hour, Sku, Timestamp, Unit, ids::PriceId};
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
    input::{Command, Instant, PageLen, Params},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// By id or name; the only one, or the one called `default`, if absent.
    price_book: Option<String>,
    #[schema(example = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west")]
    sku: String,
    /// gpu_ms, gib_second, byte, token or count; the SKU's if it is known, gpu_ms for a GPU's.
    unit: Option<String>,
    /// How the price grows with what the account uses of the SKU in its period. If absent: per_unit with a `price`,
    /// graduated with `tiers`.
    ///
    /// - per_unit: each unit costs the same.
    /// - graduated: each unit costs what its tier says; the first units stay in the first tier.
    /// - volume: all units cost what the tier says that the period's total comes to. Where a higher tier is cheaper, a
    ///   spend falls as that tier is reached.
    /// - package: each package that is begun costs the same. One tier, whose `up_to` is what a package holds and whose
    ///   `price` is for all of it. Packages are counted over the account, and anew for each price and period.
    #[schema(example = "per_unit")]
    model: Option<String>,
    /// Per base quantity of the unit (GPU-hour, GiB-hour, GiB, million tokens, unit): a decimal as text, with at
    /// most 6 decimals. Either this or `tiers`.
    #[schema(example = "2.50")]
    price: Option<String>,
    /// Of a graduated or a volume price: ascending, the last without an end. Of a package price: one, with an end.
    tiers: Option<Vec<NewTier>>,
    /// `standard` (if absent) or `reduced`: which of a country's VAT rates it bears.
    vat_class: Option<String>,
    /// exact (if absent), second, second_min_60, started_minute or started_hour: GPU time only, and not of a package.
    rounding: Option<String>,
    /// A whole UTC hour. If absent: the current one for a SKU's first price, the next one for a change.
    from: Option<Instant>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTier {
    /// In base units of the unit (milliseconds for GPU time), summed over the account's period, also across a change of
    /// price. The last unit belongs to the tier. Absent in the last tier. Of a package: how much one holds, for GPU time
    /// in whole seconds.
    up_to: Option<i64>,
    /// Per base quantity of the unit; of a package, for the whole package.
    #[schema(example = "2.50")]
    price: String,
}

#[derive(Serialize, ToSchema)]
pub struct PriceView {
    id: String,
    price_book: String,
    sku: String,
    unit: &'static str,
    /// What the price is for: as in `GPU-hour`, or `package of 10 × million tokens`.
    priced_per: String,
    from: String,
    /// per_unit, graduated, volume or package.
    model: &'static str,
    tiers: Vec<TierView>,
    rounding: &'static str,
    vat_class: &'static str,
    created_at: String,
    created_by: String,
}

#[derive(Serialize, ToSchema)]
pub struct TierView {
    /// In base units; absent in the last tier. Of a package: how much one holds.
    up_to: Option<i64>,
    price: String,
}

impl From<&Tier> for TierView {
    fn from(tier: &Tier) -> Self {
        Self { up_to: tier.up_to, price: tier.price.to_string() }
    }
}

impl From<&PriceRecord> for PriceView {
    fn from(record: &PriceRecord) -> Self {
        let price = &record.price;
        Self {
            id: price.id().to_string(),
            price_book: record.book.to_string(),
            sku: price.sku().to_string(),
            unit: price.unit().name(),
            priced_per: price.priced_per().into_owned(),
            from: price.from().to_string(),
            model: price.model().name(),
            tiers: price.model().tiers().iter().map(TierView::from).collect(),
            rounding: price.rounding().name(),
            vat_class: price.class().name(),
            created_at: record.created_at.to_string(),
            created_by: record.created_by.clone(),
        }
    }
}

/// Adds a price. It holds from its start until the next one of the SKU; time that had a price and has begun keeps it.
#[utoipa::path(post, path = "/v1/prices", tag = "prices", request_body = NewPrice,
    responses((status = 201, body = PriceView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewPrice>,
) -> Result<Response, Problem> {
    let sku: Sku = lookup::parsed("sku", &input.sku)?;
    let model = model_of(input.model.as_deref(), input.price, input.tiers)?;
    let rounding: Rounding = input.rounding.as_deref().unwrap_or("exact").parse()?;
    let class: RateClass = lookup::parsed("vat_class", input.vat_class.as_deref().unwrap_or("standard"))?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let book = lookup::book_or_default(conn, input.price_book.as_deref()).await?;
            prices::lock_book(conn, book.id).await?;
            let missing = || Problem::not_found("price book", &book.name);
            let loaded = prices::load_book(conn, book.id).await?.ok_or_else(missing)?;
            let unit = unit_of(conn, &sku, input.unit.as_deref()).await?;
            let from = input.from.map_or_else(|| first_hour(&loaded, &sku, now).start(), |from| from.0);
            let price = Price::new(PriceId::fresh(now), sku, unit, from, model, rounding)?.taxed(class);
            check_new_price(&loaded, &price, now)?;
            let number = prices::ensure_sku(conn, price.sku(), unit, now).await?;
            let number = number.ok_or_else(|| wrong_unit(price.sku(), unit))?;
            let record = PriceRecord { book: book.id, price, created_at: now, created_by: actor.clone() };
            prices::insert_price(conn, &record, number).await?;
            let view = PriceView::from(&record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "price.create", subject, before: None, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

fn model_of(name: Option<&str>, price: Option<String>, tiers: Option<Vec<NewTier>>) -> Result<Model, Problem> {
    match (name, price, tiers) {
        (_, Some(_), Some(_)) => Err(Problem::field("tiers", "a price is either one price or tiers")),
        (None | Some("per_unit"), Some(price), None) => Ok(Model::PerUnit { price: price.parse::<UnitPrice>()? }),
        (None | Some("per_unit"), None, None) => {
            Err(Problem::field("price", "missing field `price`: give it, or tiers"))
        }
        // Every other model is made of tiers: without any, it says how many it needs.
        (name, _, tiers) => {
            let at = |n: usize| move |error: PriceError| PriceError { field: format!("tiers[{n}].price"), ..error };
            let tiers = tiers.unwrap_or_default().into_iter().enumerate().map(|(n, tier)| {
                let price = tier.price.parse::<UnitPrice>().map_err(at(n))?;
                Ok(Tier { up_to: tier.up_to, price })
            });
            let tiers = tiers.collect::<Result<Vec<_>, PriceError>>()?;
            Ok(Model::from_parts(name.unwrap_or("graduated"), tiers)?)
        }
    }
}

/// The unit that was given, or the one that the SKU is known in, or the only one that a GPU's can have.
async fn unit_of(conn: &mut PgConnection, sku: &Sku, given: Option<&str>) -> Result<Unit, Problem> {
    if let Some(text) = given {
        return lookup::parsed("unit", text);
    }
    match (prices::unit_of(conn, sku).await?, sku) {
        (Some(unit), _) => Ok(unit),
        (None, Sku::Gpu { .. }) => Ok(Unit::GpuMs),
        (None, Sku::Fee { .. }) => Ok(Unit::Count),
        (None, Sku::Meter { .. }) => Err(Problem::field("unit", "missing field `unit`: the SKU is new")),
    }
}

fn first_hour(book: &releve_billing::PriceBook, sku: &Sku, now: Timestamp) -> Hour {
    let current = now.hour();
    if book.price_at(sku, current).is_none() || current.start() == now { current } else { current.next() }
}

fn wrong_unit(sku: &Sku, unit: Unit) -> Problem {
    let detail = format!("{sku} is not counted in {unit}: it was used or priced in another unit before");
    Problem::new(Code::PriceRefused, detail).at("unit").because("wrong_unit")
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// By id or name; the only one, or the one called `default`, if absent.
    price_book: Option<String>,
    /// Of this SKU only.
    sku: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists a price book's prices by SKU and start.
#[utoipa::path(get, path = "/v1/prices", tag = "prices", params(Listing),
    responses((status = 200, body = Paged<PriceView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<PriceView>>, Problem> {
    let sku: Option<Sku> = query.sku.as_deref().map(|sku| lookup::parsed("sku", sku)).transpose()?;
    let filters = (query.price_book.as_deref(), query.sku.as_deref());
    let request = format!("prices of {filters:?}");
    let after: Option<(String, i64)> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let book = lookup::book_or_default(&mut tx, query.price_book.as_deref()).await?;
    let after = after.as_ref().map(|(sku, hour)| Ok::<_, Problem>((sku.as_str(), cursor::hour(*hour)?))).transpose()?;
    let rows = prices::prices(&mut tx, book.id, sku.as_ref(), after, query.limit.and_one()).await?;
    let place = |last: &PriceRecord| (last.price.sku().to_string(), last.price.from().index());
    Ok(Json(Paged::of(rows, query.limit, &request, place, |record| PriceView::from(&record))?))
}
