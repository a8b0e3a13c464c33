//! How do a seller's documents look? Its colour, and its logo.

use axum::{Json, extract::State, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use releve_documents::{Accent, Logo};
use releve_store::{
    audit_log::{self, Change},
    customers::{self, BrandRecord},
};
use releve_types::ids::fresh_uuid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    error::Problem,
    input::{Command, PathOf},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, put))
}

/// What is absent or empty is as documents come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBrand {
    /// Of what stands out. It must be dark enough to be read on white paper: luma (Rec. 601) at most 160 of 255.
    #[schema(example = "#0b6e6e")]
    accent: Option<String>,
    /// A PNG in base64: at most 64 KiB, and 2,000 pixels a side.
    logo: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct BrandView {
    /// Empty: as documents come.
    accent: String,
    /// A PNG in base64.
    logo: Option<String>,
}

impl From<Option<BrandRecord>> for BrandView {
    fn from(brand: Option<BrandRecord>) -> Self {
        let (accent, logo) = brand.map(|brand| (brand.accent, brand.logo)).unwrap_or_default();
        Self { accent, logo: logo.map(|png| STANDARD.encode(png)) }
    }
}

/// Shows how an issuer's next documents look.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/brand", tag = "customers", params(("issuer" = String, Path)),
    responses((status = 200, body = BrandView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(issuer): PathOf<String>,
) -> Result<Json<BrandView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer(&mut tx, &issuer).await?;
    Ok(Json(customers::brand(&mut tx, issuer.id).await?.into()))
}

/// Says how an issuer's documents look that are issued from now on: their page, and their PDF. What is issued stays as it is.
#[utoipa::path(put, path = "/v1/issuers/{issuer}/brand", tag = "customers", params(("issuer" = String, Path)),
    request_body = NewBrand, responses((status = 200, body = BrandView)), security(("api_key" = ["operator:write"])))]
async fn put(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewBrand>,
) -> Result<Response, Problem> {
    let accent = input.accent.filter(|accent| !accent.is_empty());
    let accent: Option<Accent> = accent.map(|text| lookup::parsed("accent", &text)).transpose()?;
    let logo = input.logo.filter(|logo| !logo.is_empty()).map(|text| logo(&text)).transpose()?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let issuer = lookup::issuer(conn, &reference).await?;
            let before = customers::brand(conn, issuer.id).await?.map(|brand| on_record(&brand));
            let brand = BrandRecord {
                id: fresh_uuid(now),
                issuer: issuer.id,
                accent: accent.map(|accent| accent.to_string()).unwrap_or_default(),
                logo: logo.map(|logo| logo.png().to_vec()),
            };
            customers::put_brand(conn, &brand, &actor, now).await?;
            let (subject, after) = (issuer.id.to_string(), Some(on_record(&brand)));
            audit_log::add(conn, &Change { actor, action: "issuer.brand", subject, before, after }, now).await?;
            Answer::done(&BrandView::from(Some(brand)))
        })
    })
    .await
}

fn logo(text: &str) -> Result<Logo, Problem> {
    let png = STANDARD.decode(text).map_err(|error| Problem::field("logo", format!("no base64: {error}")))?;
    Logo::new(png).map_err(|error| Problem::field("logo", error))
}

/// A logo is on record by its digest.
fn on_record(brand: &BrandRecord) -> Value {
    let logo = brand.logo.as_ref().map(|png| hex::encode(Sha256::digest(png)));
    json!({ "brand": brand.id.to_string(), "accent": brand.accent, "logo_sha256": logo })
}
