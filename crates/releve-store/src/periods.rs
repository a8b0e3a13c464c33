//! Which periods have accounts been metered for?

use releve_types::Period;
use sqlx::PgConnection;

use crate::{pool::StoreError, sql_time::from_sql};

/// Every period that some account has a book in, in order.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Period>, StoreError> {
    let rows =
        sqlx::query!("select distinct period_start, period_end from periods order by 1, 2").fetch_all(conn).await?;
    let period = |start, end| Period::new(from_sql(start), from_sql(end));
    rows.into_iter()
        .map(|r| {
            period(r.period_start, r.period_end).map_err(|e| StoreError::inconsistent("periods", "period_start", e))
        })
        .collect()
}
