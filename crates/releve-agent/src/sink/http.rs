//! To the API: a report is delivered once the API has said what became of it.

use reqwest::{Client, StatusCode, Url, header, redirect};

use super::{ANSWER_WAIT_MAX, Outcome, on_its_way};
use crate::{
    config::{ConfigError, HttpConfig},
    spool::Record,
};

/// What is kept of an answer, for a person.
const ANSWER_BYTES_MAX: usize = 4_096;

#[derive(Debug)]
pub struct HttpSink {
    client: Client,
    reports: Url,
    health: Url,
    api_key: Option<String>,
}

fn field(name: &str, problem: impl ToString) -> ConfigError {
    ConfigError::Field { field: format!("publish.http.{name}"), problem: problem.to_string() }
}

impl HttpSink {
    pub fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let api_key = match &config.api_key_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| field("api_key_file", e))?;
                Some(text.trim().to_owned())
            }
            None => config.api_key.clone(),
        };
        // A redirect would turn the POST into a GET, whose 200 says nothing about the report.
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(ANSWER_WAIT_MAX);
        let client = client.user_agent(crate::AGENT).build().map_err(|e| field("url", e))?;
        let base = config.url.trim_end_matches('/');
        let url = |path: &str| Url::parse(&format!("{base}{path}")).map_err(|e| field("url", e));
        Ok(Self { client, reports: url("/v1/reports")?, health: url("/healthz")?, api_key })
    }

    pub async fn deliver(&self, records: &[Record]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for record in records {
            let outcome = on_its_way(self.post(record)).await;
            let stop = matches!(outcome, Outcome::Later(_));
            outcomes.push(outcome);
            if stop {
                break;
            }
        }
        outcomes
    }

    async fn post(&self, record: &Record) -> Outcome {
        let mut request = self.client.post(self.reports.clone()).body(record.body.clone());
        request = request.header(header::CONTENT_TYPE, "application/cloudevents+json");
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Outcome::Later(with_causes(&error)),
        };
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        match answer.text().await {
            Ok(text) => judge(status, &kind, &text),
            Err(error) => Outcome::Later(with_causes(&error)),
        }
    }

    /// Anything that answers at that address is reached; whether it takes reports shows with the first.
    pub async fn reach(&self) -> Result<String, String> {
        let answer = self.client.get(self.health.clone()).send().await.map_err(|e| with_causes(&e))?;
        Ok(format!("{} answers {}", self.health, answer.status()))
    }
}

/// What an answer means. Only Relevé's own answers decide over a report: a page that a proxy puts in between
/// neither delivers nor refuses it, and a wrong credential or address says nothing about it either.
fn judge(status: StatusCode, kind: &str, text: &str) -> Outcome {
    let cut: String = text.chars().take(ANSWER_BYTES_MAX).collect();
    let fate = || serde_json::from_str::<serde_json::Value>(text).is_ok_and(|answer| answer["fate"].is_string());
    match status.as_u16() {
        200..=299 if fate() => Outcome::Delivered,
        200..=299 => Outcome::Later(format!("{status}, but it is no answer to a report: {cut}")),
        409 if kind.contains("json") => Outcome::Delivered,
        401 | 403..=405 | 407 | 408 | 421 | 425 | 429 => Outcome::Later(format!("{status}: {cut}")),
        400..=499 if kind.starts_with("application/problem+json") => Outcome::Refused(format!("{status}\n{cut}")),
        _ => Outcome::Later(format!("{status}: {cut}")),
    }
}

fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_api_decides_over_a_report() {
        let (json, problem, page) = ("application/json", "application/problem+json", "text/html");
        let fate = "{\"fate\":\"counted\"}";
        let mut table = String::new();
        for (status, kind, text) in [
            (200, json, fate),
            (200, json, "{\"fate\":\"duplicate\"}"),
            (202, json, "{\"fate\":\"quarantined\",\"reason\":\"unknown_node\"}"),
            (200, page, "<h1>please log in</h1>"),
            (302, page, ""),
            (400, problem, "{\"code\":\"not_json\"}"),
            (422, problem, "{\"code\":\"bad_signature\"}"),
            (400, page, "bad gateway"),
            (401, problem, "{}"),
            (404, page, "no such path"),
            (408, problem, "{}"),
            (409, problem, "{}"),
            (413, problem, "{}"),
            (425, problem, "{}"),
            (429, problem, "{}"),
            (500, problem, "{}"),
            (503, page, ""),
        ] {
            let outcome = match judge(StatusCode::from_u16(status).unwrap(), kind, text) {
                Outcome::Delivered => "delivered",
                Outcome::Refused(_) => "refused",
                Outcome::Later(_) => "later",
            };
            table += &format!("{status} {kind} {outcome}\n");
        }
        expect_test::expect![[r#"
            200 application/json delivered
            200 application/json delivered
            202 application/json delivered
            200 text/html later
            302 text/html later
            400 application/problem+json refused
            422 application/problem+json refused
            400 text/html later
            401 application/problem+json later
            404 text/html later
            408 application/problem+json later
            409 application/problem+json delivered
            413 application/problem+json refused
            425 application/problem+json later
            429 application/problem+json later
            500 application/problem+json later
            503 text/html later
        "#]]
        .assert_eq(&table);
    }
}
