//! Which programs may read and change what is the tenant's? Its API keys, made, rotated and revoked; a new one is shown once.

use axum::{extract::Path, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::named;
use crate::{
    api::{Failure, Paged, path},
    forms::{self, Form, Said, Sent},
    layout::{self, Page},
    show,
    visitor::{Named, TENANT_ADMIN, Visitor},
};

/// How long a rotated key still opens, in seconds, for whoever has to put the new one in its place.
const GRACE_SECONDS: i64 = 24 * 60 * 60;

#[derive(Deserialize)]
struct Key {
    id: String,
    name: String,
    hint: String,
    scopes: Vec<String>,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

#[derive(Deserialize)]
struct Minted {
    key: String,
    name: String,
}

fn here(tenant: &Named) -> String {
    path(&["portal", "tenants", &tenant.id, "api-keys"])
}

pub(crate) async fn page(visitor: Visitor, Path(reference): Path<String>) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    render(&visitor, &tenant, &Said::default()).await
}

async fn render(visitor: &Visitor, tenant: &Named, said: &Said) -> Result<Page, Failure> {
    let found: Paged<Key> = visitor.get(&path(&["v1", "tenants", &tenant.id, "api-keys"])).await?;
    let changes = visitor.may_any(&TENANT_ADMIN);
    let shown = html! {
        @for key in &found.items {
            tr {
                th.what scope="row" { (key.name) small { code { (key.hint) "…" } " · " (role(&key.scopes)) } }
                td { (show::date(&key.created_at)) small { "by " (key.created_by) } }
                td { @if let Some(at) = &key.last_used_at { (show::instant(at)) } @else { span.soft { "never" } } }
                td { @match (&key.revoked_at, &key.expires_at) {
                    (Some(at), _) => { span.badge.bad { "revoked" } " " (show::date(at)) }
                    (None, Some(at)) => { span.badge.open { "ends" } " " (show::instant(at)) }
                    (None, None) => { span.badge.good { "good" } }
                } }
                td { @if changes && key.revoked_at.is_none() { div.row {
                    (forms::button(visitor, &path(&["portal", "tenants", &tenant.id, "api-keys", &key.id, "rotate"]), "Rotate", &[], &format!("Rotate: {}", key.name)))
                    (forms::button(visitor, &path(&["portal", "tenants", &tenant.id, "api-keys", &key.id, "revoke"]), "Revoke", &[], &format!("Revoke: {}", key.name)))
                } } }
            }
        }
    };
    let head = [("Key", false), ("Made", false), ("Last used", false), ("State", false), ("Change", false)];
    let main = html! {
        (said)
        p.soft { "A key opens the API for a program. It is shown once; we keep only what it can be recognised by. A rotated one still opens for a day." }
        section.card { (layout::table("API keys", &head, &shown, found.items.len())) }
        @if changes { section.card { h2 { "New key" } (form(visitor, tenant, said)) } }
    };
    Ok(layout::tenant(visitor, tenant, "api-keys", "API keys", main))
}

/// What its scopes amount to.
fn role(scopes: &[String]) -> String {
    let has = |scope: &str| scopes.iter().any(|one| one == scope);
    match (has("tenant:admin"), has("tenant:billing")) {
        (true, _) => "admin".to_owned(),
        (_, true) => "billing".to_owned(),
        _ if has("tenant:read") => "viewer".to_owned(),
        _ => scopes.join(", "),
    }
}

fn form(visitor: &Visitor, tenant: &Named, said: &Said) -> Markup {
    let typed = said.typed(&here(tenant), &[]);
    let roles = [
        ("viewer", "read (viewer)"),
        ("billing", "read, and change budgets (billing)"),
        ("admin", "all of it, keys and webhooks too (admin)"),
    ];
    html! {
        form.fields method="post" action=(here(tenant)) {
            (forms::token(visitor))
            div { label for="name" { "What it is for" } input #name name="name" required="required" maxlength="100" value=[typed.in_field("name")]; }
            div {
                label for="role" { "May" }
                select #role name="role" { (typed.options("role", &roles)) }
            }
            button type="submit" { "Make the key" }
        }
    }
}

fn told(minted: &Minted) -> Said {
    Said::done(html! {
        section.notice role="status" {
            h2 { "The key " (minted.name) }
            p { code.secret #new-key { (minted.key) } }
            p { "Keep it now: this is the only time that it is shown." }
        }
    })
}

#[derive(Deserialize)]
pub(crate) struct NewKey {
    #[serde(default)]
    token: String,
    name: String,
    role: String,
}

async fn answer(
    visitor: &Visitor,
    tenant: &Named,
    outcome: Result<Minted, Failure>,
    sent: Sent,
) -> Result<Response, Failure> {
    forms::shown(outcome, sent, told, async |said| render(visitor, tenant, said).await).await
}

pub(crate) async fn make(
    visitor: Visitor,
    Path(reference): Path<String>,
    headers: HeaderMap,
    Form(form, sent): Form<NewKey>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let body = json!({ "name": form.name.trim(), "role": form.role });
    let outcome = visitor.post(&path(&["v1", "tenants", &tenant.id, "api-keys"]), &body).await;
    answer(&visitor, &tenant, outcome, sent).await
}

pub(crate) async fn rotate(
    visitor: Visitor,
    Path((reference, key)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form, sent): Form<forms::Pressed>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let to = path(&["v1", "tenants", &tenant.id, "api-keys", &key, "rotate"]);
    let outcome = visitor.post(&to, &json!({ "grace_seconds": GRACE_SECONDS })).await;
    answer(&visitor, &tenant, outcome, sent).await
}

pub(crate) async fn revoke(
    visitor: Visitor,
    Path((reference, key)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form, sent): Form<forms::Pressed>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let outcome = visitor.delete(&path(&["v1", "tenants", &tenant.id, "api-keys", &key])).await;
    forms::done(outcome, sent, &here(&tenant), async |said| render(&visitor, &tenant, said).await).await
}
