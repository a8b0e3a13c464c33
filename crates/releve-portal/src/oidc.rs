//! How does somebody come in whom an identity provider knows? There and back again, then as one of what they are here.
//!
//! What binds the way back to the browser that left is a secret in a cookie; everything else is the API's.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use maud::html;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    FORM_BYTES_MAX, Portal,
    api::Failure,
    forms::Form,
    layout,
    visitor::{check_origin, cookie, login_cookie, login_in},
};

#[derive(Deserialize)]
struct Begun {
    url: String,
    browser: String,
}

/// Sends the browser to the provider.
pub(crate) async fn leave(State(portal): State<Portal>, headers: HeaderMap) -> Result<Response, Failure> {
    let begun: Begun = ask(&portal, "/v1/logins", None).await?;
    Ok(([(header::SET_COOKIE, login_cookie(&headers, Some(&begun.browser)))], Redirect::to(&begun.url)).into_response())
}

/// As the provider sends the browser back (RFC 6749, section 4.1.2): with a code, or with why there is none.
#[derive(Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Identified {
    choice: String,
    name: String,
    memberships: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    id: String,
    tenant_name: Option<String>,
    role: String,
}

pub(crate) async fn back(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Failure> {
    if back.error.is_some() {
        return Err(refused("Your organisation’s identity provider did not sign you in."));
    }
    let lost = || refused("This login was not begun in this browser, or it took too long.");
    let browser = login_in(&headers).ok_or_else(lost)?;
    let body = json!({ "state": back.state, "code": back.code, "browser": browser });
    let identified = ask(&portal, "/v1/logins/identify", Some(body)).await;
    // What is forbidden is shown as what is not there.
    let nothing = || refused("You are known, and have no role here. Ask whoever runs this for one.");
    let identified: Identified =
        identified.map_err(|failure| if failure.status == StatusCode::NOT_FOUND { nothing() } else { failure })?;
    if let [only] = identified.memberships.as_slice() {
        return enter(&portal, &headers, &identified.choice, &only.id).await;
    }
    let page = layout::bare(
        "As whom?",
        html! {
            p { "Signed in as " (identified.name) ". You are more than one thing here." }
            form method="post" action="/portal/oidc/choose" {
                @for one in &identified.memberships {
                    p { button type="submit" name="membership" value=(one.id) {
                        (one.tenant_name.as_deref().unwrap_or("Operator")) ": " (one.role)
                    } }
                }
            }
        },
    );
    Ok(([(header::SET_COOKIE, login_cookie(&headers, Some(&identified.choice)))], page).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    membership: String,
}

pub(crate) async fn choose(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Form(form, _): Form<Choice>,
) -> Result<Response, Failure> {
    check_origin(&headers)?;
    let lost = || refused("This login was not begun in this browser, or it took too long.");
    let choice = login_in(&headers).ok_or_else(lost)?;
    enter(&portal, &headers, &choice, &form.membership).await
}

#[derive(Deserialize)]
struct Session {
    session: String,
}

async fn enter(portal: &Portal, headers: &HeaderMap, choice: &str, membership: &str) -> Result<Response, Failure> {
    let body = json!({ "choice": choice, "membership": membership });
    let begun: Session = ask(portal, "/v1/logins/choose", Some(body)).await?;
    let cookies = AppendHeaders([
        (header::SET_COOKIE, cookie(headers, Some(&begun.session))),
        (header::SET_COOKIE, login_cookie(headers, None)),
    ]);
    Ok((cookies, Redirect::to("/portal")).into_response())
}

async fn ask<T: DeserializeOwned>(portal: &Portal, path: &str, body: Option<Value>) -> Result<T, Failure> {
    let answer =
        portal.api.send(Method::POST, "", path, body.as_ref()).await.map_err(|failure| match failure.status {
            StatusCode::UNAUTHORIZED => refused(&format!("{}.", failure.detail)),
            _ => failure,
        })?;
    let bytes = axum::body::to_bytes(answer.into_body(), FORM_BYTES_MAX * 64).await.map_err(|_| Failure::internal())?;
    serde_json::from_slice(&bytes).map_err(|_| Failure::internal())
}

fn refused(why: &str) -> Failure {
    Failure::new(StatusCode::FORBIDDEN, "You were not signed in", why)
}
