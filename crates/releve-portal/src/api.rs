//! Where do pages get what they show? From the API itself, in this process, with the visitor's own credential: a page can show nothing
//! that the API would not.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::html;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tower::ServiceExt;

use crate::layout;

/// The largest answer that is read whole, in bytes.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

pub(crate) struct Api {
    router: Router,
}

/// A list, as the API pages it.
#[derive(Deserialize)]
pub(crate) struct Paged<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl Api {
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    pub async fn get<T: DeserializeOwned>(&self, bearer: &str, path: &str) -> Result<T, Failure> {
        read(self.send(Method::GET, bearer, path, None).await?).await
    }

    pub async fn post<T: DeserializeOwned>(&self, bearer: &str, path: &str, body: &Value) -> Result<T, Failure> {
        read(self.send(Method::POST, bearer, path, Some(body)).await?).await
    }

    /// For a change without an answer.
    pub async fn delete(&self, bearer: &str, path: &str) -> Result<(), Failure> {
        self.send(Method::DELETE, bearer, path, None).await.map(drop)
    }

    /// An answer as it comes, for files.
    pub async fn send(
        &self,
        method: Method,
        bearer: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, Failure> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        let request = request.body(body).map_err(|_| Failure::not_found())?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(|error| broken(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::fmt::Display) -> Failure {
    tracing::error!(%error, "an answer of the API was not understood");
    Failure::internal()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    title: String,
    detail: String,
    reason: Option<String>,
}

async fn refused(response: Response) -> Failure {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.unwrap_or_default();
    let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
    // What the visitor may not read is not there for it.
    if status == StatusCode::NOT_FOUND || (status == StatusCode::FORBIDDEN && refusal.reason.is_none()) {
        return Failure { status: StatusCode::NOT_FOUND, ..Failure::not_found() };
    }
    Failure { status, title: refusal.title, detail: refusal.detail }
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: StatusCode,
    pub title: String,
    pub detail: String,
}

impl Failure {
    pub fn new(status: StatusCode, title: &str, detail: &str) -> Self {
        Self { status, title: title.to_owned(), detail: detail.to_owned() }
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such page", "It may have moved, or it is not yours to see.")
    }

    pub fn internal() -> Self {
        let detail = "The server's log has the cause. Nothing was changed by looking.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side", detail)
    }

    /// What was typed into a field and can't be sent on.
    pub fn field(field: &str, text: &str) -> Self {
        let detail = format!("{field} takes a whole number, and not '{text}'");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "This can't be read", &detail)
    }

    pub fn forged() -> Self {
        let detail =
            "The form did not come from a page of yours, or that page is old. Go back, reload and send it again.";
        Self::new(StatusCode::FORBIDDEN, "This was not done", detail)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // Whoever is not signed in, or no longer, signs in.
        if self.status == StatusCode::UNAUTHORIZED {
            return Redirect::to("/portal/login").into_response();
        }
        let page = layout::bare(
            &self.title,
            html! {
                p { (self.detail) }
                p { a class="button" href="/portal" { "Go to the start" } }
            },
        );
        (self.status, HeaderMap::new(), page).into_response()
    }
}

/// A path of the API with each segment escaped: a name may hold anything.
pub(crate) fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        // A dot segment would be a way up.
        if segment.chars().all(|c| c == '.') {
            path.extend(segment.chars().map(|_| "%2E"));
        } else {
            escape(segment, &mut path);
        }
    }
    path
}

/// The same with parameters; those without a value are left out.
pub(crate) fn with_query(mut path: String, parameters: &[(&str, Option<&str>)]) -> String {
    let mut mark = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            path.push(mark);
            path.push_str(name);
            path.push('=');
            escape(value, &mut path);
            mark = '&';
        }
    }
    path
}

fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => into.push(char::from(byte)),
            other => into.push_str(&format!("%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_segment() {
        assert_eq!(path(&["v1", "tenants", "a/b?c#d ü"]), "/v1/tenants/a%2Fb%3Fc%23d%20%C3%BC");
        assert_eq!(path(&["v1", "tenants", ".."]), "/v1/tenants/%2E%2E");
        assert_eq!(with_query(path(&["v1"]), &[("a", Some("=&")), ("b", None), ("c", Some("1"))]), "/v1?a=%3D%26&c=1");
    }
}
