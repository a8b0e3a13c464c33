//! Who vouches for people? An OpenID Connect provider on loopback: discovery, keys, codes and tokens, with real signatures; and with
//! the faults that a test asks for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64_URL},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

pub const CLIENT_ID: &str = "releve test";
pub const CLIENT_SECRET: &str = "s3cret: &+%";

/// What the next token has instead of what it should.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// Claims that are put over the right ones; null takes one away.
    pub claims: Value,
    /// `alg` none, and no signature.
    pub unsigned: bool,
    /// Signed by a key that is not published, under the name of one that is.
    pub forged: bool,
}

struct Key {
    kid: String,
    algorithm: Algorithm,
    signs: EncodingKey,
    public: Value,
}

struct Code {
    nonce: String,
    challenge: String,
    redirect_uri: String,
    claims: Value,
}

#[derive(Default)]
struct Inner {
    keys: Vec<Key>,
    keys_made: usize,
    codes: BTreeMap<String, Code>,
    fault: Fault,
    now: i64,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct IdentityProvider {
    inner: Arc<Mutex<Inner>>,
    pub issuer: String,
}

impl IdentityProvider {
    /// `now` in seconds: tokens are made then.
    pub async fn new(now: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("bound"));
        let provider = Self { inner: Arc::default(), issuer };
        provider.inner().now = now;
        provider.signs_with(Algorithm::ES256);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new key, in place of the one before.
    pub fn signs_with(&self, algorithm: Algorithm) {
        let mut inner = self.inner();
        inner.keys_made += 1;
        let kid = format!("key {}", inner.keys_made);
        inner.keys = vec![fresh_key(&kid, algorithm)];
    }

    pub fn is_at(&self, now: i64) {
        self.inner().now = now;
    }

    pub fn has(&self, fault: Fault) {
        self.inner().fault = fault;
    }

    /// Signs somebody in who was sent to `url`: the state and the code that their browser brings back.
    pub fn signs_in(&self, url: &str, person: Value) -> (String, String) {
        let url = reqwest::Url::parse(url).expect("an address");
        assert!(url.as_str().starts_with(&format!("{}/authorize?", self.issuer)), "{url}");
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let is = |name: &str, value: &str| assert_eq!(asked[name], value, "{url}");
        is("response_type", "code");
        is("client_id", CLIENT_ID);
        is("code_challenge_method", "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{url}");
        let mut inner = self.inner();
        let code = format!("code-{}-{}", inner.codes.len(), asked["state"]);
        let (nonce, challenge) = (asked["nonce"].clone(), asked["code_challenge"].clone());
        let redirect_uri = asked["redirect_uri"].clone();
        inner.codes.insert(code.clone(), Code { nonce, challenge, redirect_uri, claims: person });
        (asked["state"].clone(), code)
    }
}

/// One element of DER: what is in it, and what follows.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let (head, len) = match der[1] {
        short @ 0..=127 => (2, usize::from(short)),
        long => {
            let bytes = usize::from(long & 127);
            (2 + bytes, der[2..2 + bytes].iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
        }
    };
    (&der[head..head + len], &der[head + len..])
}

fn fresh_key(kid: &str, algorithm: Algorithm) -> Key {
    let encode = |bytes: &[u8]| BASE64_URL.encode(bytes);
    let (signs, public) = if algorithm == Algorithm::RS256 {
        let made = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).expect("a key");
        // PKCS #8 holds a version, an algorithm and the PKCS #1 key: a version, the modulus, the exponent, and so on.
        let whole = made.serialize_der();
        let (_, after_version) = element(element(&whole).0);
        let key = element(element(after_version).1).0.to_vec();
        let (_, after_version) = element(element(&key).0);
        let (modulus, rest) = element(after_version);
        let without_sign = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        let public = json!({ "kty": "RSA", "n": encode(without_sign), "e": encode(element(rest).0) });
        (EncodingKey::from_rsa_der(&key), public)
    } else {
        let made = rcgen::KeyPair::generate().expect("a key");
        let point = made.public_key_raw();
        let public = json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..65]) });
        (EncodingKey::from_ec_der(&made.serialize_der()), public)
    };
    let mut public = public;
    public["kid"] = kid.into();
    public["use"] = "sig".into();
    Key { kid: kid.to_owned(), algorithm, signs, public }
}

async fn discovery(State(provider): State<IdentityProvider>) -> Json<Value> {
    let at = &provider.issuer;
    Json(json!({
        "issuer": at, "authorization_endpoint": format!("{at}/authorize"), "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/keys"), "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}

async fn keys(State(provider): State<IdentityProvider>) -> Json<Value> {
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "of another kind", "pub": "" });
    let keys = provider.inner().keys.iter().map(|key| key.public.clone()).chain([unknown]).collect::<Vec<_>>();
    Json(json!({ "keys": keys }))
}

fn is_client(headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let pair = given.and_then(|given| BASE64.decode(given).ok()).and_then(|pair| String::from_utf8(pair).ok());
    // As a form writes them.
    pair.as_deref() == Some("releve+test:s3cret%3A+%26%2B%25")
}

async fn token(State(provider): State<IdentityProvider>, headers: HeaderMap, body: String) -> Response {
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if !is_client(&headers) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let form = format!("http://form/?{body}").parse::<axum::http::Uri>().expect("a form");
    let form: Query<BTreeMap<String, String>> = Query::try_from_uri(&form).expect("a form");
    let mut inner = provider.inner();
    // Once, whatever comes of it.
    let Some(code) = inner.codes.remove(form["code"].as_str()) else { return refused("invalid_grant") };
    let challenge = BASE64_URL.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if form["grant_type"] != "authorization_code"
        || form["redirect_uri"] != code.redirect_uri
        || challenge != code.challenge
    {
        return refused("invalid_grant");
    }
    let mut claims = json!({
        "iss": provider.issuer, "aud": CLIENT_ID, "nonce": code.nonce, "iat": inner.now, "exp": inner.now + 300,
    });
    let fault = inner.fault.clone();
    for over in [&code.claims, &fault.claims] {
        for (name, value) in over.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
    }
    Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": signed(&inner.keys[0], &claims, &fault) }))
        .into_response()
}

fn signed(key: &Key, claims: &Value, fault: &Fault) -> String {
    if fault.unsigned {
        let header = json!({ "alg": "none", "typ": "JWT", "kid": key.kid });
        let parts = [header, claims.clone()].map(|part| BASE64_URL.encode(part.to_string()));
        return format!("{}.{}.", parts[0], parts[1]);
    }
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(key.algorithm) };
    let other = fault.forged.then(|| fresh_key(&key.kid, key.algorithm).signs);
    jsonwebtoken::encode(&header, claims, other.as_ref().unwrap_or(&key.signs)).expect("signed")
}
