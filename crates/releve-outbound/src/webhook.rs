//! How is a webhook sent? As Standard Webhooks 1.0.0 has it: one POST with `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, to an address that the guard lets through, and nowhere else.

use std::{error::Error, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ipnet::IpNet;
use releve_types::Timestamp;
use reqwest::{Response, Url, header};
use standardwebhooks::{
    HEADER_WEBHOOK_ID as ID, HEADER_WEBHOOK_SIGNATURE as SIGNATURE, HEADER_WEBHOOK_TIMESTAMP as TIMESTAMP, Webhook,
};

use crate::guard::{Lookup, Ways, system_lookup};

/// The longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// How long one try may take, from the look-up to the last byte that is read, in seconds.
pub const TRY_SECONDS_MAX: u64 = 15;
/// How much of an answer's body is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 4_096;
/// How much of it is kept, in characters.
pub const ANSWER_CHARS_KEPT: usize = 500;
/// What a secret's text begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// The bytes of a new secret.
pub const SECRET_BYTES: usize = 32;

/// Why an address is none that can be posted to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrlRefused {
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    Long,
    #[error("expected an absolute address like https://example.com/hooks")]
    NotAbsolute,
    #[error("expected https://, or http:// within a network that the operator allows")]
    Scheme,
    #[error("a user or password in an address ends up in logs: a message is known by its signature")]
    Credentials,
    #[error("what stands behind '#' is never sent")]
    Fragment,
}

/// Reads an address as far as it can be judged without asking anybody.
pub fn parse_url(text: &str) -> Result<Url, UrlRefused> {
    if text.len() > URL_BYTES_MAX {
        return Err(UrlRefused::Long);
    }
    let url = Url::parse(text).map_err(|_| UrlRefused::NotAbsolute)?;
    if !["https", "http"].contains(&url.scheme()) {
        return Err(UrlRefused::Scheme);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UrlRefused::NotAbsolute);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefused::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlRefused::Fragment);
    }
    Ok(url)
}

/// A secret as its owner is shown it.
pub fn secret_text(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", BASE64.encode(secret))
}

/// What is sent. The same id on every try.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub url: &'a str,
    pub id: &'a str,
    pub at: Timestamp,
    pub body: &'a str,
    /// Each signs; the receiver takes whichever it knows.
    pub secrets: &'a [Vec<u8>],
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub status: u16,
    /// How the body begins, without control characters.
    pub body: String,
    /// How long the receiver asks us to wait.
    pub retry_after: Option<Duration>,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the address is none that can be posted to: {0}")]
    Url(#[from] UrlRefused),
    #[error("{0}")]
    Forbidden(#[from] crate::guard::Forbidden),
    #[error("{0}")]
    Mail(#[from] crate::mail::MailError),
    #[error("no signature could be made: {0}")]
    Sign(#[from] standardwebhooks::WebhookError),
    #[error("no answer in time ({TRY_SECONDS_MAX} s)")]
    Timeout,
    #[error("{0}")]
    NoAnswer(String),
}

/// Sends webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebhookSender(Ways);

impl WebhookSender {
    /// `allowed` are networks that are not public and that messages may go to nevertheless.
    pub fn new(allowed: &[IpNet]) -> Result<Self, SendError> {
        Self::with(allowed, system_lookup(), Duration::from_secs(TRY_SECONDS_MAX))
    }

    /// With names looked up in another way, and another patience.
    pub fn with(allowed: &[IpNet], lookup: Lookup, try_max: Duration) -> Result<Self, SendError> {
        let ways = Ways::new(allowed, &lookup, try_max).map_err(|error| SendError::NoAnswer(with_causes(&error)))?;
        Ok(Self(ways))
    }

    /// Posts a message once. Any status is an answer, a redirect too.
    pub async fn send(&self, message: Message<'_>) -> Result<Answer, SendError> {
        let url = parse_url(message.url)?;
        let client = self.0.to(&url)?;
        let seconds = message.at.as_millis().div_euclid(1_000);
        let signatures = message
            .secrets
            .iter()
            .map(|secret| Webhook::from_bytes(secret.clone())?.sign(message.id, seconds, message.body.as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(ID, message.id)
            .header(TIMESTAMP, seconds)
            .header(SIGNATURE, signatures.join(" "))
            .body(message.body.to_owned());
        read(request.send().await.map_err(no_answer)?).await
    }
}

async fn read(mut response: Response) -> Result<Answer, SendError> {
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|text| text.to_str().ok()?.parse().ok());
    let (status, retry_after) = (response.status().as_u16(), seconds.map(Duration::from_secs));
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX
        && let Some(chunk) = response.chunk().await.map_err(no_answer)?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(ANSWER_BYTES_MAX);
    Ok(Answer { status, body: kept(&String::from_utf8_lossy(&body)), retry_after })
}

/// What is kept of what a receiver said: how it begins, without control characters.
pub(crate) fn kept(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(ANSWER_CHARS_KEPT).collect()
}

fn no_answer(error: reqwest::Error) -> SendError {
    if error.is_timeout() { SendError::Timeout } else { SendError::NoAnswer(with_causes(&error.without_url())) }
}

/// The whole chain: what went wrong is said by the last link.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_far_as_they_say_themselves() {
        let refused = |text: &str| parse_url(text).err();
        assert_eq!(refused("https://example.com/hooks?from=releve"), None);
        assert_eq!(refused("http://10.0.0.7:8000/"), None, "an operator may allow it");
        assert_eq!(refused("example.com/hooks"), Some(UrlRefused::NotAbsolute));
        assert_eq!(refused("https://"), Some(UrlRefused::NotAbsolute));
        assert_eq!(refused("file:///etc/passwd"), Some(UrlRefused::Scheme));
        assert_eq!(refused("gopher://example.com/"), Some(UrlRefused::Scheme));
        assert_eq!(refused("https://me:secret@example.com/"), Some(UrlRefused::Credentials));
        assert_eq!(refused("https://example.com/#part"), Some(UrlRefused::Fragment));
        assert_eq!(refused(&format!("https://example.com/{}", "a".repeat(2_048))), Some(UrlRefused::Long));
    }
}
