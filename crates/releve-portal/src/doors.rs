//! How does one come in and go out? With a key that one pastes or a link that one was sent, for a session that ends.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::html;
use serde::Deserialize;

use crate::{
    Portal,
    api::{Failure, path},
    forms::Form,
    layout::{self, Page},
    visitor::{Visitor, check_origin, cookie},
};

/// Where somebody with a session begins.
pub(crate) async fn home(visitor: Visitor) -> Redirect {
    match &visitor.about.tenant {
        Some(tenant) => Redirect::to(&path(&["portal", "tenants", &tenant.id])),
        None => Redirect::to("/portal/operator"),
    }
}

pub(crate) async fn login(State(portal): State<Portal>) -> Result<Response, Failure> {
    Ok(sign_in_page(&portal, None).await?.into_response())
}

#[derive(Deserialize)]
struct Methods {
    identity_provider: Option<String>,
}

async fn sign_in_page(portal: &Portal, refused: Option<&str>) -> Result<Page, Failure> {
    let methods: Methods = portal.api.get("", "/v1/login-methods").await?;
    Ok(ways_in(methods.identity_provider.is_some(), refused))
}

fn ways_in(with_provider: bool, refused: Option<&str>) -> Page {
    layout::bare(
        "Sign in",
        html! {
            @if let Some(why) = refused { p.warning role="alert" { (why) } }
            @if with_provider {
                // A link and no form: the page's policy lets no form lead elsewhere, not even by a redirect.
                p { a.button href="/portal/oidc" { "Sign in with your organisation" } }
                p.soft { "Or with a key:" }
            }
            form method="post" action="/portal/login" {
                label for="key" { "API key" }
                input #key name="key" type="password" autocomplete="off" spellcheck="false" required="required"
                    placeholder="rlv_…" aria-describedby="key-help";
                p.soft #key-help {
                    "Your browser does not keep the key. From it a session is made that may what the key may, for 8 hours at most."
                }
                button type="submit" { "Sign in" }
            }
            p.soft { "You use this cloud and have no key? Come in over the link in its console." }
        },
    )
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    key: String,
}

#[derive(Deserialize)]
struct Begun {
    session: String,
}

pub(crate) async fn sign_in(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Form(form, _): Form<SignIn>,
) -> Result<Response, Failure> {
    check_origin(&headers)?;
    let key = form.key.trim();
    let usable = key.starts_with("rlv_") && key.chars().all(|c| c.is_ascii_graphic());
    let refused = async || {
        let page = sign_in_page(&portal, Some("This key does not open any page.")).await?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    if !usable {
        return refused().await;
    }
    match begin(&portal, &headers, key).await {
        Err(failure) if [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND].contains(&failure.status) => refused().await,
        other => other,
    }
}

async fn begin(portal: &Portal, headers: &HeaderMap, bearer: &str) -> Result<Response, Failure> {
    let response = portal.api.send(Method::POST, bearer, "/v1/sessions", None).await?;
    let bytes =
        axum::body::to_bytes(response.into_body(), crate::FORM_BYTES_MAX).await.map_err(|_| Failure::internal())?;
    let begun: Begun = serde_json::from_slice(&bytes).map_err(|_| Failure::internal())?;
    Ok(([(header::SET_COOKIE, cookie(headers, Some(&begun.session)))], Redirect::to("/portal")).into_response())
}

/// Following a link changes nothing yet: mail scanners and previews follow links too.
pub(crate) async fn link(Path(link): Path<String>) -> Page {
    layout::bare(
        "Welcome",
        html! {
            p { "This link opens your usage, costs and invoices, once." }
            form method="post" action=(path(&["portal", "enter", &link])) { button type="submit" { "Continue" } }
        },
    )
}

pub(crate) async fn enter(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Path(link): Path<String>,
) -> Result<Response, Failure> {
    check_origin(&headers)?;
    let dead = || {
        let detail = "It was used before, or it has expired. Ask for a new one where you found it.";
        Failure::new(StatusCode::GONE, "This link is no longer good", detail)
    };
    if !link.starts_with("rll_") || !link.chars().all(|c| c.is_ascii_graphic()) {
        return Err(dead());
    }
    begin(&portal, &headers, &link).await.map_err(|f| if f.status == StatusCode::UNAUTHORIZED { dead() } else { f })
}

#[derive(Deserialize)]
pub(crate) struct SignOut {
    #[serde(default)]
    token: String,
}

/// Ends the session itself, and not only the cookie.
pub(crate) async fn sign_out(
    visitor: Visitor,
    headers: HeaderMap,
    Form(form, _): Form<SignOut>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let (api, secret) = visitor.api();
    api.delete(secret, "/v1/session").await?;
    Ok(([(header::SET_COOKIE, cookie(&headers, None))], Redirect::to("/portal/login")).into_response())
}
