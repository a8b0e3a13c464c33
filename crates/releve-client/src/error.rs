//! What can come back instead of an answer?

use crate::Problem;

/// Why there is no answer. What the API refused says so in its own words; the others are between us and it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It said no: `code` says which no and has a page under the problem's `type`, `field` says where to look.
    #[error("{} {}: {}", .0.status, .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// Nothing came, or it broke off. What was to be changed may be changed: ask again with the same idempotency key.
    #[error("the API could not be asked")]
    Transport(#[source] reqwest::Error),
    /// What answered is not this API, or another version of it.
    #[error("the answer is not what the API's document says")]
    Malformed(#[source] serde_json::Error),
    /// A status that the API's document does not name, and no problem document.
    #[error("answered with {status}")]
    Unexpected { status: u16 },
    /// In bytes.
    #[error("an answer of more than {max} bytes")]
    TooLarge { max: usize },
    /// There is no such place to ask.
    #[error("{0}")]
    Address(String),
}

impl Error {
    /// What the API refused with.
    pub fn problem(&self) -> Option<&Problem> {
        if let Self::Refused(problem) = self { Some(problem) } else { None }
    }

    /// The stable code of a refusal, as `price_refused`.
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }

    /// The field that was refused.
    pub fn field(&self) -> Option<&str> {
        self.problem().and_then(|problem| problem.field.as_deref())
    }
}
