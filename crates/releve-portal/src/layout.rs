//! What surrounds every page? One head, one way around, one main part; nothing in it runs or is styled inline.

use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    api::path,
    assets,
    visitor::{Named, Visitor},
};

/// A page, as it is sent.
pub(crate) type Page = Html<String>;

/// Each with what somebody needs one of to be led there; nothing: whoever may read.
const TENANT: [(&str, &str, &[&str]); 9] = [
    ("", "Overview", &[]),
    ("usage", "Usage", &[]),
    ("budgets", "Budgets", &[]),
    ("invoices", "Invoices", &[]),
    ("credits", "Credits", &[]),
    ("prices", "Prices", &[]),
    ("evidence", "Evidence", &[]),
    ("api-keys", "API keys", &["tenant:admin", "operator:read"]),
    ("webhooks", "Webhooks", &["tenant:admin", "operator:read"]),
];
pub(crate) const OPERATOR: [(&str, &str); 12] = [
    ("", "Fleet"),
    ("alerts", "Alerts"),
    ("gaps", "Gaps"),
    ("quarantine", "Quarantine"),
    ("suspense", "Suspense"),
    ("billing-runs", "Billing runs"),
    ("exports", "Exports"),
    ("questions", "Questions"),
    ("proposals", "Proposals"),
    ("tenants", "Tenants"),
    ("prices", "Prices"),
    ("audit-log", "Audit log"),
];

/// A page of a tenant.
pub(crate) fn tenant(visitor: &Visitor, tenant: &Named, here: &str, title: &str, main: Markup) -> Page {
    let led = TENANT.into_iter().filter(|(_, _, needs)| needs.is_empty() || visitor.may_any(needs));
    let links = led.map(|(part, name, _)| {
        let to = if part.is_empty() {
            vec!["portal", "tenants", &tenant.id]
        } else {
            vec!["portal", "tenants", &tenant.id, part]
        };
        (path(&to), name, part == here)
    });
    let links: Vec<_> = links.collect();
    signed_in(visitor, &links, &tenant.name, title, main)
}

/// A page of the operator's console.
pub(crate) fn operator(visitor: &Visitor, here: &str, title: &str, main: Markup) -> Page {
    let links = OPERATOR.map(|(part, name)| {
        let to = if part.is_empty() { vec!["portal", "operator"] } else { vec!["portal", "operator", part] };
        (path(&to), name, part == here)
    });
    signed_in(visitor, &links, "Operator console", title, main)
}

fn signed_in(visitor: &Visitor, links: &[(String, &str, bool)], whose: &str, title: &str, main: Markup) -> Page {
    document(
        &format!("{title} · {whose}"),
        html! {
            header.top {
                div.bar-line {
                    a.brand href="/portal" { "Relevé" }
                    span.whose { (whose) }
                    div.you {
                        @if visitor.is_operator() && whose != "Operator console" { a href="/portal/operator" { "Console" } }
                        span.who { (visitor.about.name) }
                        form method="post" action="/portal/logout" {
                            input type="hidden" name="token" value=(visitor.form_token());
                            button.quiet type="submit" { "Sign out" }
                        }
                    }
                }
                nav aria-label="Pages" {
                    ul {
                        @for (to, name, here) in links {
                            li { a href=(to) aria-current=[here.then_some("page")] { (name) } }
                        }
                    }
                }
            }
            main #main tabindex="-1" { h1 { (title) } (main) }
        },
    )
}

/// A page for nobody in particular.
pub(crate) fn bare(title: &str, main: Markup) -> Page {
    document(
        title,
        html! {
            header.top { div.bar-line { a.brand href="/portal" { "Relevé" } } }
            main.narrow #main tabindex="-1" { div.card { h1 { (title) } (main) } }
        },
    )
}

fn document(title: &str, body: Markup) -> Page {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Relevé" }
                link rel="stylesheet" href=(assets::style_path());
                script src=(assets::script_path()) defer="defer" { (PreEscaped("")) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (body)
                footer { p { "Measured by the node, counted once, priced by the function that makes the invoice." } }
            }
        }
    };
    Html(whole.into_string())
}

/// A table that can be scrolled where it is too wide, by keyboard too.
pub(crate) fn table(caption: &str, head: &[(&str, bool)], rows: &Markup, count: usize) -> Markup {
    html! {
        @if count == 0 {
            h2.caption { (caption) }
            p.empty { "Nothing here." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(caption) {
                table {
                    caption { (caption) }
                    thead { tr { @for (name, right) in head { th.r[*right] scope="col" { (name) } } } }
                    tbody { (rows) }
                }
            }
        }
    }
}

/// How to go on in a list.
pub(crate) fn more(here: &str, next: Option<&str>) -> Markup {
    html! {
        @if let Some(next) = next {
            @let mark = if here.contains('?') { '&' } else { '?' };
            p.more { a.button href=(format!("{here}{mark}cursor={next}")) { "Show the next ones" } }
        }
    }
}
