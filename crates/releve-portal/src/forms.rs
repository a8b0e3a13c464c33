//! How is something changed from a page? A form with its session's token, sent on to the API; what can be mended comes back on the page
//! that it was sent from.

use axum::{
    extract::{FromRequest, RawForm, Request},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, Render, html};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};
use serde::de::DeserializeOwned;

use crate::{api::Failure, layout::Page, show, visitor::Visitor};

/// A form as it was sent, read and as it stood; one that can't be read is answered with a page.
pub(crate) struct Form<T>(pub T, pub Sent);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let unread = |status, why: &str| Failure::new(status, "This form can't be read", why);
        let to = request.uri().path().to_owned();
        let whole = RawForm::from_request(request, state).await;
        let RawForm(whole) = whole.map_err(|why| unread(why.status(), &why.body_text()))?;
        let misfit = |why: serde_urlencoded::de::Error| unread(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string());
        let form = serde_urlencoded::from_bytes(&whole).map_err(misfit)?;
        let mut fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&whole).map_err(misfit)?;
        // No page may hold them, and nobody can see what they typed there.
        fields.iter_mut().for_each(|(_, value)| value.retain(|c| !c.is_control()));
        Ok(Self(form, Sent { to, fields }))
    }
}

/// What stood in a form's fields when it was sent, and where to.
#[derive(Clone)]
pub(crate) struct Sent {
    to: String,
    fields: Vec<(String, String)>,
}

/// What a page says at its top of the form that it answers, and what stands in that form again. By default, nothing.
#[derive(Default)]
pub(crate) struct Said {
    above: Option<Markup>,
    again: Option<Sent>,
}

impl Said {
    /// Of what was done.
    pub fn done(told: Markup) -> Self {
        Self { above: Some(told), again: None }
    }

    /// Of what was tried, and may be tried again with a change.
    pub fn tried(told: Markup, sent: Sent) -> Self {
        Self { above: Some(told), again: Some(sent) }
    }

    /// What was typed into one form of the page: the one that goes there with these fields.
    pub fn typed(&self, to: &str, with: &[(&str, &str)]) -> Typed<'_> {
        let sent = self.again.as_ref().filter(|sent| sent.to == to);
        let typed = Typed(sent.map_or(&[], |sent| &sent.fields));
        if with.iter().all(|(name, value)| typed.in_field(name) == Some(value)) { typed } else { Typed(&[]) }
    }
}

impl Render for Said {
    fn render(&self) -> Markup {
        html! { @if let Some(above) = &self.above { (above) } }
    }
}

/// What came of a decision. One that was weighed only still stands in its form, so that pressing the next button takes it.
pub(crate) fn weighed(told: Markup, only: bool, sent: &Sent) -> Said {
    if only { Said::tried(told, sent.clone()) } else { Said::done(told) }
}

/// What was typed into a form that is shown again; nothing, where it is shown for the first time.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a>(&'a [(String, String)]);

impl<'a> Typed<'a> {
    pub fn in_field(self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Options of a field, with the one chosen that was.
    pub fn options(self, field: &str, of: &[(&str, &str)]) -> Markup {
        options(self.in_field(field), of)
    }
}

/// Options by value and name, with the one that is chosen.
pub(crate) fn options(chosen: Option<&str>, of: &[(&str, &str)]) -> Markup {
    html! { @for (value, name) in of { option value=(value) selected=[(chosen == Some(value)).then_some("selected")] { (name) } } }
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
    sent: Sent,
    to: &str,
    again: impl AsyncFnOnce(&Said) -> Result<Page, Failure>,
) -> Result<Response, Failure> {
    match outcome {
        Ok(_) => Ok(Redirect::to(to).into_response()),
        Err(failure) => refused(failure, sent, again).await,
    }
}

/// The page with what came of a form above it: what was done, as `told`, or what is to be mended.
pub(crate) async fn shown<T>(
    outcome: Result<T, Failure>,
    sent: Sent,
    told: impl FnOnce(&T) -> Said,
    page: impl AsyncFnOnce(&Said) -> Result<Page, Failure>,
) -> Result<Response, Failure> {
    match outcome {
        Ok(done) => Ok(page(&told(&done)).await?.into_response()),
        Err(failure) => refused(failure, sent, page).await,
    }
}

async fn refused(
    failure: Failure,
    sent: Sent,
    page: impl AsyncFnOnce(&Said) -> Result<Page, Failure>,
) -> Result<Response, Failure> {
    let (status, why) = mendable(failure)?;
    let said = Said::tried(html! { p.warning role="alert" { (why) } }, sent);
    Ok((status, page(&said).await?).into_response())
}

/// A form that is one button, as it comes.
#[derive(serde::Deserialize)]
pub(crate) struct Pressed {
    #[serde(default)]
    pub token: String,
}
