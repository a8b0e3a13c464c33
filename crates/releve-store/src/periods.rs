//! Which periods have accounts been metered for?

use releve_types::Period;
use sqlx::PgConnection;

use crate::{pool::StoreError, sql_time::period_from_sql};

/// Every period that some account has a book in, in order.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Period>, StoreError> {
    let rows =
        sqlx::query!("select distinct period_start, period_end from periods order by 1, 2").fetch_all(conn).await?;
    rows.into_iter().map(|r| period_from_sql("periods", r.period_start, r.period_end)).collect()
}
