//! Is an ID token believed? As OpenID Connect Core 1.0, section 3.1.3.7, has it: signed by the issuer's key, for us, now, and for
//! this login.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use releve_types::{Timestamp, time::MILLIS_PER_SECOND};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;

/// How far the provider's clock may be from ours, in seconds.
pub const CLOCK_SKEW_SECONDS: i64 = 60;
/// How old an ID token may be when it comes, in seconds: it was made a moment ago.
pub const AGE_SECONDS_MAX: i64 = 10 * 60;
/// The longest text that is taken from a claim, in characters.
pub const CLAIM_CHARS_MAX: usize = 256;
/// The most groups that are looked at.
pub const GROUPS_LEN_MAX: usize = 1_000;

/// Why a token is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    #[error("it is no signed token")]
    Malformed,
    #[error("it is signed in a way that is not taken; RS256 and ES256 are")]
    Algorithm,
    #[error("the issuer has no such key")]
    UnknownKey,
    #[error("its signature does not fit")]
    Signature,
    #[error("another issuer made it")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error("it was asked for by somebody else")]
    AuthorizedParty,
    #[error("it has expired")]
    Expired,
    #[error("it is not from now")]
    NotNow,
    #[error("it belongs to another login")]
    Nonce,
    #[error("it names nobody")]
    Subject,
}

/// What a token has to say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// Which claim holds the groups.
    pub groups: &'a str,
    pub now: Timestamp,
}

/// Whom the provider named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// Only one that the provider has verified.
    pub email: Option<String>,
    pub name: Option<String>,
    pub groups: Vec<String>,
}

/// The key that a token says it is signed with: none if the set lacks it.
pub(super) fn key_of<'a>(token: &str, keys: &'a JwkSet) -> Result<(Algorithm, Option<&'a Jwk>), Refused> {
    // 'none' and everything else that is unknown does not even parse.
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Malformed)?;
    if ![Algorithm::RS256, Algorithm::ES256].contains(&header.alg) {
        return Err(Refused::Algorithm);
    }
    let mut fitting = keys.keys.iter().filter(|key| fits(key, header.alg));
    let key = match &header.kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_ref() == Some(kid)),
        // Without a name there has to be one that it can be.
        None => fitting.next().filter(|_| fitting.next().is_none()),
    };
    Ok((header.alg, key))
}

/// Whether a key is made for signing like that. Its kind decides, never what a token says of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let for_signing = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let (kind, named) = match &key.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(_) => (Algorithm::ES256, KeyAlgorithm::ES256),
        _ => return false,
    };
    for_signing && kind == algorithm && key.common.key_algorithm.is_none_or(|own| own == named)
}

/// Checks the signature and what the token says.
pub(super) fn judge(
    token: &str,
    algorithm: Algorithm,
    key: &Jwk,
    expected: &Expected<'_>,
) -> Result<Identity, Refused> {
    let key = DecodingKey::from_jwk(key).map_err(|_| Refused::UnknownKey)?;
    // The library checks the signature; times by our clock, and the rest, below.
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).map_err(|_| Refused::Signature)?.claims;
    said(claims, expected)
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn said(claims: Value, expected: &Expected<'_>) -> Result<Identity, Refused> {
    let groups = groups(&claims[expected.groups]);
    let claims: Claims = serde_json::from_value(claims).map_err(|_| Refused::Malformed)?;
    if claims.iss != expected.issuer {
        return Err(Refused::Issuer);
    }
    let audience = match claims.aud {
        Audience::One(one) => vec![one],
        Audience::Several(several) => several,
    };
    if !audience.iter().any(|one| one == expected.client_id) {
        return Err(Refused::Audience);
    }
    // Of several, one asked: it has to be us.
    let asked = claims.azp.as_deref().or((audience.len() == 1).then_some(expected.client_id));
    if asked != Some(expected.client_id) {
        return Err(Refused::AuthorizedParty);
    }
    let now = expected.now.as_millis().div_euclid(MILLIS_PER_SECOND);
    if claims.exp.saturating_add(CLOCK_SKEW_SECONDS) <= now {
        return Err(Refused::Expired);
    }
    let not_before = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
    let age = now.saturating_sub(claims.iat);
    if not_before.saturating_sub(CLOCK_SKEW_SECONDS) > now || age > AGE_SECONDS_MAX + CLOCK_SKEW_SECONDS {
        return Err(Refused::NotNow);
    }
    let nonce = claims.nonce.unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(Refused::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.chars().count() > CLAIM_CHARS_MAX {
        return Err(Refused::Subject);
    }
    let verified = claims.email_verified.is_some_and(|said| said == true || said == "true");
    let (email, name) = (claims.email.filter(|_| verified).and_then(text), claims.name.and_then(text));
    Ok(Identity { issuer: claims.iss, subject: claims.sub, email, name, groups })
}

/// A text for people, without what would not be seen.
fn text(said: String) -> Option<String> {
    let kept: String = said.chars().filter(|c| !c.is_control()).take(CLAIM_CHARS_MAX).collect();
    Some(kept.trim().to_owned()).filter(|kept| !kept.is_empty())
}

fn groups(claim: &Value) -> Vec<String> {
    match claim {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => {
            all.iter().filter_map(|one| one.as_str().map(str::to_owned)).take(GROUPS_LEN_MAX).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn judged(changes: Value) -> Result<Identity, Refused> {
        let mut claims = json!({
            "iss": "https://id.example", "sub": "s", "aud": "us", "exp": NOW + 300, "iat": NOW, "nonce": "n",
            "email": "a@example.com", "email_verified": true, "groups": ["a", 1, "b"],
        });
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let now = Timestamp::from_millis(NOW * MILLIS_PER_SECOND);
        said(claims, &Expected { issuer: "https://id.example", client_id: "us", nonce: "n", groups: "groups", now })
    }

    #[test]
    fn each_claim_is_held_against_what_was_asked() {
        let found = judged(json!({})).expect("believed");
        assert_eq!((found.subject.as_str(), found.email.as_deref()), ("s", Some("a@example.com")));
        assert_eq!(found.groups, ["a", "b"]);
        for (changes, refused) in [
            (json!({ "iss": "https://id.example/" }), Refused::Issuer),
            (json!({ "aud": "them" }), Refused::Audience),
            (json!({ "aud": [] }), Refused::Audience),
            (json!({ "aud": ["us", "them"] }), Refused::AuthorizedParty),
            (json!({ "azp": "them" }), Refused::AuthorizedParty),
            (json!({ "exp": NOW - 60 }), Refused::Expired),
            (json!({ "iat": NOW + 61 }), Refused::NotNow),
            (json!({ "nbf": NOW + 61 }), Refused::NotNow),
            (json!({ "iat": NOW - 661, "exp": NOW + 1 }), Refused::NotNow),
            (json!({ "nonce": "m" }), Refused::Nonce),
            (json!({ "nonce": null }), Refused::Nonce),
            (json!({ "sub": "" }), Refused::Subject),
            (json!({ "exp": "soon" }), Refused::Malformed),
        ] {
            assert_eq!(judged(changes.clone()), Err(refused), "{changes}");
        }
        for allowed in [
            json!({ "exp": NOW - 59 }),
            json!({ "iat": NOW + 60 }),
            json!({ "aud": ["us", "them"], "azp": "us" }),
            json!({ "iat": NOW - 600 }),
        ] {
            assert!(judged(allowed.clone()).is_ok(), "{allowed}");
        }
    }

    #[test]
    fn an_address_counts_once_the_provider_has_verified_it() {
        for verified in [json!(false), json!(null), json!("false"), json!(1)] {
            assert_eq!(judged(json!({ "email_verified": verified })).expect("believed").email, None, "{verified}");
        }
    }

    #[test]
    fn what_is_not_signed_by_a_key_of_its_kind_is_no_token() {
        let keys: JwkSet = serde_json::from_value(json!({ "keys": [] })).expect("a set");
        // {"alg":"none"}, {"alg":"HS256"} and {"alg":"RS256"}, each with no claims and no signature.
        for (token, refused) in [
            ("eyJhbGciOiJub25lIn0.e30.", Some(Refused::Malformed)),
            ("eyJhbGciOiJIUzI1NiJ9.e30.", Some(Refused::Algorithm)),
            ("eyJhbGciOiJSUzI1NiJ9.e30.", None),
            ("no token", Some(Refused::Malformed)),
        ] {
            assert_eq!(key_of(token, &keys).map(|(_, key)| key.is_some()).err(), refused, "{token}");
        }
    }
}
