//! What do pages load? One style sheet and one small script, under a path that names their content, so that they are kept for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::api::Failure;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
pub(crate) const STYLE_ROUTE: &str = "/portal/assets/{digest}/style.css";
pub(crate) const SCRIPT_ROUTE: &str = "/portal/assets/{digest}/script.js";

static STYLE_DIGEST: LazyLock<String> = LazyLock::new(|| digest(STYLE));
static SCRIPT_DIGEST: LazyLock<String> = LazyLock::new(|| digest(SCRIPT));

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

pub(crate) fn style_path() -> String {
    STYLE_ROUTE.replace("{digest}", &STYLE_DIGEST)
}

pub(crate) fn script_path() -> String {
    SCRIPT_ROUTE.replace("{digest}", &SCRIPT_DIGEST)
}

pub(crate) async fn style(Path(digest): Path<String>) -> Result<Response, Failure> {
    asset(&digest, &STYLE_DIGEST, "text/css; charset=utf-8", STYLE)
}

pub(crate) async fn script(Path(digest): Path<String>) -> Result<Response, Failure> {
    asset(&digest, &SCRIPT_DIGEST, "text/javascript; charset=utf-8", SCRIPT)
}

fn asset(asked: &str, digest: &str, media_type: &'static str, text: &'static str) -> Result<Response, Failure> {
    if asked != digest {
        return Err(Failure::not_found());
    }
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, text).into_response())
}
