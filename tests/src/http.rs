//! What does the API say? JSON over HTTP, with as little in between as possible.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

const REQUEST_WAIT_MAX: Duration = Duration::from_secs(60);

/// One server, and whom we are to it.
#[derive(Debug, Clone)]
pub struct Http {
    base: String,
    client: Client,
    token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The body of an answer that must have this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl Http {
    pub fn new(base: &str) -> Self {
        let client = Client::builder().timeout(REQUEST_WAIT_MAX).no_proxy().build().expect("a client can be built");
        Self { base: base.to_owned(), client, token: None }
    }

    /// The same server, with an API key.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// `None` if nobody answers.
    pub async fn try_get(&self, path: &str) -> Option<Answer> {
        self.try_send(Method::GET, path, None, &[]).await.ok()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = ("application/json", body.to_string().into_bytes());
        self.send(Method::POST, path, Some(body), &[]).await
    }

    /// Any method, bytes as they are, and headers.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let answer = self.try_send(method, path, body, headers).await;
        answer.unwrap_or_else(|error| panic!("{}{path}: {error}", self.base))
    }

    /// An error if nobody answers.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((content_type, bytes)) = body {
            request = request.header("content-type", content_type).body(bytes);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        Ok(Answer { status, content_type, body: response.text().await? })
    }
}
