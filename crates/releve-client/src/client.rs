//! How is the API asked, and how long is waited for it?
//!
//! A refusal for too many requests is waited out as long as the API says; so is a database that is away, where asking twice
//! does no harm. Nothing else is asked again.

use std::{fmt, time::Duration};

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{self, HeaderName},
    redirect::Policy,
};
use serde::de::DeserializeOwned;

use crate::{Error, Problem, request::Request};

/// How long one request may take.
pub const REQUEST_SECONDS_MAX: u64 = 60;
/// How long is waited in all, where the API asks for patience, unless told otherwise.
pub const WAIT_SECONDS_MAX: u64 = 60;
/// The longest answer that is read.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// One server, and who we are to it. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
    idempotency_key: Option<String>,
    wait_max: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// An answer that is no refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    body: Vec<u8>,
}

impl Client {
    /// `base` is where the API listens, as `https://billing.example.com`; `key` an API key or a session's.
    pub fn new(base: &str, key: &str) -> Result<Self, Error> {
        // The API never redirects, and a key is for nobody else.
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(REQUEST_SECONDS_MAX))
            .redirect(Policy::none())
            .build()
            .map_err(Error::Transport)?;
        Self::with_http(http, base, key)
    }

    /// With timeouts, proxies and certificates of one's own.
    pub fn with_http(http: reqwest::Client, base: &str, key: &str) -> Result<Self, Error> {
        let base = base.parse().map_err(|error| Error::Address(format!("{base}: {error}")))?;
        let key = (!key.is_empty()).then(|| key.to_owned());
        Ok(Self { http, base, key, idempotency_key: None, wait_max: Duration::from_secs(WAIT_SECONDS_MAX) })
    }

    /// The same client, whose next POST is done once however often it is sent with this key.
    #[must_use]
    pub fn idempotent(&self, key: &str) -> Self {
        Self { idempotency_key: Some(key.to_owned()), ..self.clone() }
    }

    /// The same client, which waits no longer than this in all where the API asks for patience.
    #[must_use]
    pub fn waiting_at_most(&self, wait_max: Duration) -> Self {
        Self { wait_max, ..self.clone() }
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let key = self.idempotency_key.as_ref().filter(|_| request.method == Method::POST);
        let repeatable = [Method::GET, Method::DELETE].contains(&request.method) || key.is_some();
        let mut waited = Duration::ZERO;
        loop {
            let mut asked = self.http.request(request.method.clone(), request.url(&self.base)?);
            if let Some(key) = &self.key {
                asked = asked.bearer_auth(key);
            }
            if let Some(key) = key {
                asked = asked.header(IDEMPOTENCY_KEY, key);
            }
            if let Some((content_type, bytes)) = &request.body {
                asked = asked.header(header::CONTENT_TYPE, *content_type).body(bytes.clone());
            }
            let response = asked.send().await.map_err(Error::Transport)?;
            let (status, wait) = (response.status(), retry_after(&response));
            let body = read(response).await?;
            if status.is_success() {
                return Ok(Answer { status: status.as_u16(), body });
            }
            // What was refused for its rate was not begun; what found no database may have been.
            let passing =
                status == StatusCode::TOO_MANY_REQUESTS || (status == StatusCode::SERVICE_UNAVAILABLE && repeatable);
            match wait.filter(|wait| passing && waited + *wait <= self.wait_max) {
                Some(wait) => {
                    tokio::time::sleep(wait).await;
                    waited += wait;
                }
                None => return Err(refused(status, &body)),
            }
        }
    }
}

impl Answer {
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(Error::Malformed)
    }

    pub fn text(self) -> Result<String, Error> {
        let text = String::from_utf8(self.body);
        text.map_err(|error| Error::Malformed(serde::de::Error::custom(error)))
    }

    pub fn bytes(self) -> Result<Vec<u8>, Error> {
        Ok(self.body)
    }

    pub fn nothing(self) -> Result<(), Error> {
        Ok(())
    }
}

/// At least a second. The API gives seconds, never a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.max(1)))
}

async fn read(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::Transport)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Error::TooLarge { max: ANSWER_BYTES_MAX });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn refused(status: StatusCode, body: &[u8]) -> Error {
    let problem = serde_json::from_slice::<Problem>(body);
    problem.map_or(Error::Unexpected { status: status.as_u16() }, |problem| Error::Refused(Box::new(problem)))
}
