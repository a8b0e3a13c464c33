//! What did the caller send? Bodies, queries and path parameters, read into types that hold only what can be used.
//!
//! Unknown fields, duplicate parameters and values that can't be used are refused with the field's name.

use std::{str::FromStr, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use futures_util::StreamExt;
use releve_billing::tax::id::{Bic, Iban, VatId};
use releve_types::{Hour, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Code, Problem};

/// The largest JSON body outside intake, in bytes.
pub const JSON_BYTES_MAX: usize = 256 * 1024;
/// How long a body may take to arrive, in seconds.
pub const BODY_SECONDS_MAX: u64 = 15;
/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// The longest text of several lines, in bytes.
pub const LINES_BYTES_MAX: usize = 2_000;
/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Rows of a page when the request does not say.
pub const PAGE_LEN_DEFAULT: i64 = 100;
/// Rows of a page at most.
pub const PAGE_LEN_MAX: i64 = 1_000;

/// Reads a body whole, up to a size and within a time.
pub async fn read_body(body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("at most {bytes_max} bytes are taken here"));
    let whole = async {
        let (mut stream, mut bytes) = (body.into_data_stream(), Vec::new());
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Problem::new(Code::MalformedJson, "the body broke off"))?;
            if bytes.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let late = || Problem::new(Code::BodyTimeout, format!("it has to arrive within {BODY_SECONDS_MAX} s"));
    tokio::time::timeout(Duration::from_secs(BODY_SECONDS_MAX), whole).await.unwrap_or_else(|_| Err(late()))
}

/// Refuses a body of another type than one of these. Parameters (`charset=utf-8`) may follow.
pub fn check_content_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if taken.iter().any(|t| t.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, format!("send it with Content-Type: {}", taken.join(" or "))))
}

/// What makes a request the same when it is sent again.
#[derive(Clone, Debug)]
pub struct Repeat {
    pub key: Option<String>,
    pub digest: [u8; 32],
}

impl Repeat {
    /// For a change that has the same effect when it is sent twice.
    pub const fn harmless() -> Self {
        Self { key: None, digest: [0; 32] }
    }

    /// Refuses a key, where doing it again is harmless and its answer is not kept.
    pub fn without_key(&self) -> Result<(), Problem> {
        match &self.key {
            Some(_) => {
                Err(Problem::new(Code::IdempotencyNotOffered, "doing it again is harmless").at("Idempotency-Key"))
            }
            None => Ok(()),
        }
    }
}

/// A JSON body that changes something, and what it takes to know it again.
#[derive(Debug)]
pub struct Command<T> {
    pub input: T,
    pub repeat: Repeat,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Command<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_content_type(&parts.headers, &["application/json"])?;
        let key = idempotency_key(&parts.headers)?;
        let bytes = read_body(body, JSON_BYTES_MAX).await?;
        let mut digest = Sha256::new();
        for part in [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), &bytes] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        Ok(Self { input: from_json(&bytes)?, repeat: Repeat { key, digest: digest.finalize().into() } })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let usable = |text: &&str| !text.is_empty() && text.len() <= IDEMPOTENCY_KEY_BYTES_MAX;
    let text = value.to_str().ok().filter(usable);
    let detail = || format!("it has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
    text.map(|text| Some(text.to_owned())).ok_or_else(|| Problem::field("Idempotency-Key", detail()))
}

/// JSON as a type, or the field that it can't be one in.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let input = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() { in_field(&path, &inner.to_string()) } else { Problem::new(Code::MalformedJson, inner) }
    })?;
    reader.end().map_err(|error| Problem::new(Code::MalformedJson, error))?;
    Ok(input)
}

/// Names the field of a message by serde. It stands in the path, or in the message where the path ends above it.
fn in_field(path: &str, message: &str) -> Problem {
    let message = message.rsplit_once(" at line ").map_or(message, |(head, _)| head);
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split_once('`').map(|(name, _)| name));
    let path = if path == "." { "" } else { path };
    let field = match named {
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) if path != name && !path.ends_with(&format!(".{name}")) => format!("{path}.{name}"),
        _ => path.to_owned(),
    };
    Problem::field(field, message)
}

/// A query's parameters. Each at most once: which of two would hold is anybody's guess.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|_| Problem::new(Code::InvalidField, "the query can't be read"))?;
        let mut object = serde_json::Map::new();
        for (name, value) in pairs {
            if value.contains('\0') {
                return Err(Problem::field(name, "it holds a NUL character"));
            }
            if object.insert(name.clone(), value.into()).is_some() {
                return Err(Problem::field(name, "it is there twice"));
            }
        }
        let read = serde_path_to_error::deserialize(serde_json::Value::Object(object));
        read.map(Self).map_err(|error| in_field(&error.path().to_string(), &error.inner().to_string()))
    }
}

/// Parameters of the path. What can't be read as one names nothing.
#[derive(Debug)]
pub struct PathOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|_| Problem::not_found("resource", parts.uri.path()))
    }
}

fn parse_text<'de, D: Deserializer<'de>, T: FromStr<Err: ToString>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|error: T::Err| serde::de::Error::custom(error.to_string()))
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($inner:ty), $example:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
        #[schema(value_type = String, example = $example)]
        pub struct $name(pub $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse_text::<D, Self>(deserializer)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
    )*};
}

texts! {
    /// An instant: RFC 3339 in UTC with `Z`, at most milliseconds.
    Instant(Timestamp), "2026-03-01T00:00:00Z";
    /// An instant on a whole UTC hour.
    WholeHour(Hour), "2026-03-01T00:00:00Z";
    /// A name: one line, no slash, and nothing that looks like an id.
    Name(String), "lab";
    /// One line of text, which may be empty.
    Line(String), "75002";
    /// Some lines of text, which may be empty.
    Lines(String), "1 rue de la Paix";
    /// Two capital letters (ISO 3166 alpha-2), or empty.
    Country(String), "FR";
    /// A VAT id with its country's prefix, whose check digits fit; or empty.
    VatIdText(String), "FR40303265045";
    /// An account number (ISO 13616) whose check digits fit; or empty.
    IbanText(String), "FR7630006000011234567890189";
    /// A bank's code (ISO 9362), or empty.
    BicText(String), "AGRIFRPP";
}

impl FromStr for Instant {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let at: Timestamp = text.parse().map_err(|error: releve_types::time::TimestampError| error.to_string())?;
        if at.as_millis() < 0 { Err(format!("{at} is before 1970")) } else { Ok(Self(at)) }
    }
}

impl FromStr for WholeHour {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let Instant(at) = text.parse()?;
        if !at.is_whole_hour() {
            return Err(format!("{at} is not a whole UTC hour: what decides money starts on one"));
        }
        Ok(Self(at.hour()))
    }
}

impl FromStr for Name {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > NAME_BYTES_MAX {
            return Err(format!("a name has 1 to {NAME_BYTES_MAX} bytes"));
        }
        if text.chars().any(|c| c.is_control() || c == '/') {
            return Err("a name holds no control character and no slash".to_owned());
        }
        if text.trim() != text {
            return Err("a name neither starts nor ends with a space".to_owned());
        }
        if looks_like_an_id(text) {
            return Err("a name that looks like an id would name two things".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// `ten_` and 32 hexadecimal digits, whatever the prefix.
fn looks_like_an_id(text: &str) -> bool {
    let hex = |rest: &str| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once('_').is_some_and(|(prefix, rest)| prefix.len() == 3 && hex(rest))
}

/// What is said of a missing reason that is kept with a decision.
pub const FOR_THE_NEXT: &str = "say why: it is what the next person reads";

impl Line {
    /// Refuses a reason of blanks. `asked` is what whoever gave it is told.
    pub fn must_say_why(&self, asked: &str) -> Result<(), Problem> {
        if self.0.trim().is_empty() { Err(Problem::field("reason", asked)) } else { Ok(()) }
    }
}

impl FromStr for Line {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(format!("one line of at most {NAME_BYTES_MAX} bytes, without control characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Lines {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LINES_BYTES_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(format!("at most {LINES_BYTES_MAX} bytes, with no control character but the end of a line"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Country {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())) {
            return Ok(Self(text.to_owned()));
        }
        Err("a country is two capital letters (ISO 3166 alpha-2), or empty".to_owned())
    }
}

/// Reads an id of a kind that has check digits, spelled as it is printed; empty stays empty.
fn checked_id<T: FromStr<Err: ToString> + ToString>(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    text.parse::<T>().map(|id| id.to_string()).map_err(|error| error.to_string())
}

impl FromStr for VatIdText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        checked_id::<VatId>(text).map(Self)
    }
}

impl FromStr for IbanText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        checked_id::<Iban>(text).map(Self)
    }
}

impl FromStr for BicText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        checked_id::<Bic>(text).map(Self)
    }
}

/// What a list is asked for that has no filter of its own.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    #[serde(default)]
    #[param(inline)]
    pub limit: PageLen,
    pub cursor: Option<String>,
}

/// How many rows a page has: 1 to 1000.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
#[schema(value_type = i64, minimum = 1, maximum = 1000, default = 100)]
pub struct PageLen(pub i64);

impl PageLen {
    /// What the store is asked for, so that it shows whether there is more.
    pub const fn and_one(self) -> i64 {
        self.0 + 1
    }
}

impl Default for PageLen {
    fn default() -> Self {
        Self(PAGE_LEN_DEFAULT)
    }
}

impl<'de> Deserialize<'de> for PageLen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let len = text.parse().ok().filter(|len| (1..=PAGE_LEN_MAX).contains(len));
        let error = || serde::de::Error::custom(format!("a page has 1 to {PAGE_LEN_MAX} rows"));
        len.map(Self).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its refusals are looked at")]
        name: Name,
        #[expect(dead_code, reason = "only its refusals are looked at")]
        inner: Vec<Inner>,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its refusals are looked at")]
        from: WholeHour,
    }

    #[test]
    fn a_refusal_names_its_field() {
        for (json, code, field) in [
            (r#"{"inner":[]}"#, Code::InvalidField, Some("name")),
            (r#"{"name":"a/b","inner":[]}"#, Code::InvalidField, Some("name")),
            (r#"{"name":"lab","inner":[{}]}"#, Code::InvalidField, Some("inner[0].from")),
            (r#"{"name":"lab","inner":[{"from":"2026-03-01T00:30:00Z"}]}"#, Code::InvalidField, Some("inner[0].from")),
            (r#"{"name":"lab","inner":[],"nmae":1}"#, Code::InvalidField, Some("nmae")),
            (r#"{"name":"lab","name":"lab","inner":[]}"#, Code::InvalidField, Some("name")),
            (r#"{"name":1,"inner":[]}"#, Code::InvalidField, Some("name")),
            (r#"{"name":"lab","#, Code::MalformedJson, None),
            (r#"{"name":"lab","inner":[]} {}"#, Code::MalformedJson, None),
            ("", Code::MalformedJson, None),
        ] {
            let problem = from_json::<Outer>(json.as_bytes()).expect_err(json);
            assert_eq!((problem.code, problem.field.as_deref()), (code, field), "{json}: {}", problem.detail);
            assert!(!problem.detail.contains(" at line ") || field.is_none(), "{}", problem.detail);
        }
    }

    #[test]
    fn a_name_is_no_id_and_no_path() {
        for bad in ["", " lab", "lab ", "a/b", "a\nb", "a\0b", "ten_01900000000070008000000000000000"] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        for good in ["lab", "vc6YE", "Équipe Nord", "ten_four", "a.b-c_d"] {
            assert!(good.parse::<Name>().is_ok(), "{good:?}");
        }
    }
}
