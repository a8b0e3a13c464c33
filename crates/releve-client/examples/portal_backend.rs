//! What does the backend of a tenant portal ask? What was spent so far, what the month comes to, the tenant's invoices, and a
//! link into the pages for who wants to see more.
//!
//! `RELEVE_URL=… RELEVE_KEY=… cargo run --example portal_backend -- TENANT`, with an operator's key: whoever is signed in to
//! the portal, the key never reaches the browser. Prints what a page would show, as JSON.

use std::env;

use anyhow::Context as _;
use releve_client::{Client, Error, GetTenantSpendQuery, InvoiceView, MoneyView, NewPortalLink, Paging};
use serde_json::{Value, json};

/// How many invoices the page shows.
const SHOWN: u64 = 12;
/// A link is opened at once, or asked for again.
const LINK_SECONDS: i64 = 300;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let tenant = env::args().nth(1).context("usage: portal_backend TENANT")?;
    let base = env::var("RELEVE_URL")?;
    let client = Client::new(&base, &env::var("RELEVE_KEY")?)?;
    match page(&client, &base, &tenant).await {
        Ok(page) => println!("{page:#}"),
        // A refusal has a stable code: this is how one is told from another.
        Err(error) if error.code() == Some("not_found") => println!("{}", json!({ "unknown_tenant": tenant })),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn page(client: &Client, base: &str, tenant: &str) -> Result<Value, Error> {
    // Without a month: the one that runs.
    let spend = client.get_tenant_spend(tenant, &GetTenantSpendQuery::default()).await?;
    let invoices = client.list_tenant_invoices(tenant, &Paging { limit: Some(SHOWN), cursor: None }).await?;
    let link = NewPortalLink { tenant: tenant.to_owned(), ttl_seconds: Some(LINK_SECONDS), ..Default::default() };
    let link = client.create_portal_link(&link).await?;
    Ok(json!({
        "month": spend.month,
        "as_of": spend.as_of,
        "spent": money(&spend.total),
        // Absent while less than a day of the month has begun.
        "forecast": spend.forecast.as_ref().map(|forecast| money(&forecast.amount)),
        "without_price_yet": spend.unpriced.len(),
        "invoices": invoices.items.iter().map(invoice).collect::<Vec<_>>(),
        // Relative to the server: the pages may be reached under another name than the API.
        "portal": format!("{base}{}", link.url),
    }))
}

fn invoice(one: &InvoiceView) -> Value {
    json!({
        "number": one.number,
        "due_at": one.due_at,
        "payable": one.payable.as_ref().map(money),
        "state": one.payment.as_ref().map(|payment| payment.state.as_str()),
    })
}

fn money(money: &MoneyView) -> String {
    format!("{} {}", money.amount, money.currency)
}
