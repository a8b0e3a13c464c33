//! Who is in front of the browser? An identity provider says, over OpenID Connect: the authorization code flow with PKCE.
//!
//! What the provider publishes of itself is read from its issuer address and kept for an hour; its keys are read again when it
//! signs with one that is not known. What an ID token has to say is judged in `claims`, without asking anybody.

mod claims;
mod provider;

pub use claims::{Expected, Identity, Refused};
pub use provider::{Provider, ProviderConfig};

use crate::{guard::Forbidden, webhook::UrlRefused};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("the provider's address {0}: {1}")]
    Url(String, UrlRefused),
    #[error("{0}")]
    Forbidden(#[from] Forbidden),
    #[error("the provider did not answer: {0}")]
    NoAnswer(String),
    #[error("the provider answered {status}: {body}")]
    Status { status: u16, body: String },
    #[error("the provider's answer was not understood: {0}")]
    Answer(String),
    #[error("the provider names another issuer than {0}")]
    Issuer(String),
    #[error("the ID token was not believed: {0}")]
    Token(#[from] Refused),
}
