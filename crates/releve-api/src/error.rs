//! What does a caller get that asked for what can't be given? One problem document (RFC 9457) per refusal.
//!
//! Errors become problems here and nowhere else. `code` is stable and has a page under `docs/errors/`, which the
//! API serves at the problem's `type`; `field` names what to look at; `reason` tells the refusals of one code
//! apart. A refusal is never a 5xx, and what went wrong inside is logged and never shown.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use releve_aggregator::TakeError;
use releve_billing::{PriceError, RateError};
use releve_jobs::spend::SpendError;
use releve_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// How long a caller waits before it tries again what is passing, in seconds.
pub const RETRY_SECONDS: u64 = 2;

macro_rules! codes {
    ($($name:ident => $status:ident, $text:literal, $title:literal;)*) => {
        /// Every code that a problem can have.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Code { $($name),* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// The code's page, as it lies in the repository.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../docs/errors/", $text, ".md"))),* }
            }
        }
    };
}

codes! {
    AlreadyDecided => CONFLICT, "already_decided", "This was decided before";
    BodyTimeout => REQUEST_TIMEOUT, "body_timeout", "The body took too long to arrive";
    BodyTooLarge => PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    ContractRefused => UNPROCESSABLE_ENTITY, "contract_refused", "The contract can't be changed like this";
    CurrencyRefused => UNPROCESSABLE_ENTITY, "currency_refused", "This currency can't be used here";
    CursorRefused => UNPROCESSABLE_ENTITY, "cursor_refused", "The cursor does not belong to this request";
    Forbidden => FORBIDDEN, "forbidden", "The API key's scopes don't cover this";
    IdempotencyKeyReused => UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The idempotency key was used for another request";
    IdempotencyNotOffered => BAD_REQUEST, "idempotency_not_offered", "This request takes no idempotency key";
    Internal => INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side";
    InvalidField => UNPROCESSABLE_ENTITY, "invalid_field", "A field has a value that can't be used";
    MalformedJson => BAD_REQUEST, "malformed_json", "The body is not JSON";
    MethodNotAllowed => METHOD_NOT_ALLOWED, "method_not_allowed", "This resource has no such method";
    MoveContradicted => CONFLICT, "move_contradicted", "The move contradicts what was counted";
    NameTaken => CONFLICT, "name_taken", "The name is taken";
    NotFound => NOT_FOUND, "not_found", "There is no such thing";
    PriceRefused => UNPROCESSABLE_ENTITY, "price_refused", "The price can't be added";
    RateLimited => TOO_MANY_REQUESTS, "rate_limited", "Too many requests";
    ReadingRefused => UNPROCESSABLE_ENTITY, "reading_refused", "The reading was not understood";
    ReportRefused => UNPROCESSABLE_ENTITY, "report_refused", "The report was not understood, or its signature does not fit";
    RequestInProgress => CONFLICT, "request_in_progress", "The same request is still being worked on";
    TimedOut => SERVICE_UNAVAILABLE, "timed_out", "The request took too long";
    Unauthorized => UNAUTHORIZED, "unauthorized", "A valid API key is needed";
    Unavailable => SERVICE_UNAVAILABLE, "unavailable", "Not available for the moment";
    UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body has a content type that is not taken here";
    VatRateRefused => UNPROCESSABLE_ENTITY, "vat_rate_refused", "The VAT rate can't be added";
    ZoneRefused => UNPROCESSABLE_ENTITY, "zone_refused", "The time zone can't be a seller's";
}

impl Code {
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// A refusal on its way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub field: Option<String>,
    pub reason: Option<String>,
    pub retry_after_s: Option<u64>,
}

/// The problem document, as it is written (application/problem+json).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// Where the code's page is served, relative to the API.
    #[schema(example = "/v1/errors/invalid_field")]
    r#type: String,
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    /// Stable; made for programs.
    #[schema(example = "invalid_field")]
    code: &'static str,
    /// Made for people; its wording may change.
    detail: String,
    /// What to look at: a path into the body, or the name of a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Stable; tells the refusals of one code apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Problem {
    pub fn new(code: Code, detail: impl ToString) -> Self {
        Self { code, detail: detail.to_string(), field: None, reason: None, retry_after_s: None }
    }

    /// A value that can't be used, and where it stands.
    pub fn field(field: impl Into<String>, detail: impl ToString) -> Self {
        Self { field: Some(field.into()), ..Self::new(Code::InvalidField, detail) }
    }

    /// The same for what is someone else's as for what never was: nobody learns what exists.
    pub fn not_found(kind: &str, reference: &str) -> Self {
        let shown: String = reference.chars().filter(|c| !c.is_control()).take(80).collect();
        Self::new(Code::NotFound, format!("there is no {kind} '{shown}'"))
    }

    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// What is ours to mend: logged with its cause, shown without it.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %Chain(error), "a request failed");
        Self::new(Code::Internal, "the server's log has the cause")
    }

    pub fn view(&self) -> ProblemView {
        ProblemView {
            r#type: format!("/v1/errors/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: self.detail.clone(),
            field: self.field.clone(),
            reason: self.reason.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        metrics::counter!("releve_api_problems_total", "code" => self.code.as_str()).increment(1);
        let body = serde_json::to_vec(&self.view()).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"releve\""));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_passing() {
            tracing::warn!(error = %Chain(&error), "the database is away or busy");
            let problem = Self::new(Code::Unavailable, "the database is away or busy; nothing was changed");
            return Self { retry_after_s: Some(RETRY_SECONDS), ..problem };
        }
        Self::internal(&error)
    }
}

impl From<TakeError> for Problem {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Passing(error) | TakeError::Store(error) => error.into(),
            TakeError::Ours { .. } => {
                tracing::error!(error = %Chain(&error), "intake has stopped");
                let problem = Self::new(Code::Unavailable, "intake has stopped; keep what you have and send it again");
                Self { retry_after_s: Some(RETRY_SECONDS), ..problem }
            }
        }
    }
}

impl From<PriceError> for Problem {
    fn from(error: PriceError) -> Self {
        let code = match error.reason.code() {
            "unknown_currency" => Code::CurrencyRefused,
            "mixed_currencies" | "two_terms_at_once" | "term_in_the_past" => Code::ContractRefused,
            _ => Code::PriceRefused,
        };
        Self::new(code, &error.reason).at(error.field.clone()).because(error.reason.code())
    }
}

impl From<RateError> for Problem {
    fn from(error: RateError) -> Self {
        Self::internal(&error)
    }
}

impl From<SpendError> for Problem {
    fn from(error: SpendError) -> Self {
        match error {
            SpendError::Store(error) => error.into(),
            SpendError::Rate(error) => error.into(),
        }
    }
}

/// An error with its causes, on one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
