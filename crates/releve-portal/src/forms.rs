//! How is something changed from a page? A form with its session's token, sent on to the API; what can be mended comes back on the page
//! that it was sent from.

use axum::{
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};
use serde::de::DeserializeOwned;

use crate::{api::Failure, layout::Page, show, visitor::Visitor};

/// A form as it was sent; one that can't be read is answered with a page.
pub(crate) struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let read = axum::Form::from_request(request, state).await;
        let refused = |why: axum::extract::rejection::FormRejection| {
            Failure::new(why.status(), "This form can't be read", &why.body_text())
        };
        read.map(|axum::Form(form)| Self(form)).map_err(refused)
    }
}

/// The hour that was typed into a field, as the API takes it: a browser's field for one knows no zone and no seconds. None: nothing was typed.
pub(crate) fn hour(field: &str, typed: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(typed) = typed.filter(|typed| !typed.is_empty()) else { return Ok(None) };
    let exact = if typed.len() == 16 { format!("{typed}:00Z") } else { typed.to_owned() };
    let start = |ms: i64| Timestamp::from_millis(ms.div_euclid(MILLIS_PER_HOUR) * MILLIS_PER_HOUR).to_string();
    let unread = || {
        let detail = format!("{field} takes an hour in UTC, as in 2026-03-10T14:00, and not '{typed}'");
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "This can't be read", &detail)
    };
    show::millis(&exact).map(|ms| Some(start(ms))).ok_or_else(unread)
}

/// A field for an hour.
pub(crate) fn hour_field(name: &str, label: &str, hour: Option<&str>) -> Markup {
    html! {
        div { label for=(name) { (label) } input id=(name) type="datetime-local" name=(name) step="3600" value=[hour.and_then(|hour| hour.get(..16))]; }
    }
}

/// What says that a form is of this session.
pub(crate) fn token(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="token" value=(visitor.form_token()); }
}

/// A form that is one button.
pub(crate) fn button(visitor: &Visitor, to: &str, name: &str, hidden: &[(&str, &str)], label: &str) -> Markup {
    html! {
        form method="post" action=(to) {
            (token(visitor))
            @for (field, value) in hidden { input type="hidden" name=(field) value=(value); }
            button.quiet type="submit" aria-label=(label) { (name) }
        }
    }
}

/// What a page says at its top of what was just tried.
pub(crate) fn notice(refused: Option<&str>) -> Markup {
    html! { @if let Some(why) = refused { p.warning role="alert" { (why) } } }
}

/// Why the API refused what somebody can put right; else the failure itself.
fn mendable(failure: Failure) -> Result<(StatusCode, String), Failure> {
    let can = [
        StatusCode::BAD_REQUEST,
        StatusCode::FORBIDDEN,
        StatusCode::CONFLICT,
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if !can.contains(&failure.status) {
        return Err(failure);
    }
    let text = if failure.detail.is_empty() { failure.title } else { format!("{}: {}", failure.title, failure.detail) };
    Ok((failure.status, text))
}

/// Where a form leads: to a page that reads, or back with what is to be mended.
pub(crate) async fn done<T>(
    outcome: Result<T, Failure>,
    to: &str,
    again: impl AsyncFnOnce(&str) -> Result<Page, Failure>,
) -> Result<Response, Failure> {
    match outcome {
        Ok(_) => Ok(Redirect::to(to).into_response()),
        Err(failure) => {
            let (status, text) = mendable(failure)?;
            Ok((status, again(&text).await?).into_response())
        }
    }
}

/// A form that is one button, as it comes.
#[derive(serde::Deserialize)]
pub(crate) struct Pressed {
    #[serde(default)]
    pub token: String,
}

/// The page with what came of a form above it: what was done, as `told`, or what is to be mended.
pub(crate) async fn shown<T>(
    outcome: Result<T, Failure>,
    told: impl FnOnce(&T) -> Markup,
    page: impl AsyncFnOnce(&Markup) -> Result<Page, Failure>,
) -> Result<Response, Failure> {
    let (status, above) = match outcome {
        Ok(done) => (StatusCode::OK, told(&done)),
        Err(failure) => mendable(failure).map(|(status, why)| (status, notice(Some(&why))))?,
    };
    Ok((status, page(&above).await?).into_response())
}
