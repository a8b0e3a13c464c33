//! What holds for every request? A time limit, a record of it, headers that narrow what a browser may do with the
//! answer, and a problem document whatever goes wrong.

use std::{
    any::Any,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::error::{Code, Problem, RETRY_SECONDS};

/// How long a request may take, in seconds. A change that has begun goes on without its caller.
pub const REQUEST_SECONDS_MAX: u64 = 30;

/// Headers of every answer. A page may bring a content policy of its own.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
];

pub(crate) async fn hardened(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Counts and times requests, by the route and never by the path: a path is anybody's text.
pub(crate) async fn observed(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let (took, status) = (started.elapsed(), response.status());
    metrics::counter!("releve_api_requests_total", "method" => method, "route" => route.clone(), "status" => status.as_str().to_owned())
        .increment(1);
    metrics::histogram!("releve_api_request_seconds", "route" => route.clone()).record(took);
    tracing::debug!(method, route, status = status.as_u16(), took_ms = took.as_millis(), "request");
    response
}

/// A label has few values, whatever is sent.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    let limit = Duration::from_secs(REQUEST_SECONDS_MAX);
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let detail =
            format!("more than {REQUEST_SECONDS_MAX} s; a change may still be made, so ask before you send it again");
        Problem { retry_after_s: Some(RETRY_SECONDS), ..Problem::new(Code::TimedOut, detail) }.into_response()
    })
}

pub(crate) async fn no_such_route(uri: Uri) -> Problem {
    Problem::not_found("resource", uri.path())
}

pub(crate) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::new(Code::MethodNotAllowed, format!("{path} does not take {}", method_name(&method)))
}

/// A panic is a fault of ours, and told like any other.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.as_deref().unwrap_or("no text"), "a handler panicked");
    Problem::new(Code::Internal, "the server's log has the cause").into_response()
}
