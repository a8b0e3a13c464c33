//! What has somebody to look at? What the house was told, the latest first.

use axum::extract::Query;
use maud::html;

use super::{Ask, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    layout::{self, Page},
    tenant::alerts::{self, Alert},
    visitor::Visitor,
};

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "alerts"]), &[("limit", Some("50")), ("cursor", ask.cursor.as_deref())]);
    let found: Paged<Alert> = visitor.get(&list).await?;
    let main = html! {
        p.soft { "What has one cause folds into one alert with a count: a rack that falls silent is one. It is over when what it tells of is." }
        section.card { (alerts::table("What you were told", &found.items)) }
        (layout::more("/portal/operator/alerts", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "alerts", "Alerts", main))
}
