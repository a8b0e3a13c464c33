//! Which exports are due? What was asked for, and what each month is to be taken away as once it is billed.

use releve_documents::table::Format;
use releve_outbound::Storage;
use releve_store::{
    Db, customers,
    finance::exports::{self, Export},
};
use releve_types::{Timestamp, time::MILLIS_PER_DAY};
use serde_json::json;

use super::{Dataset, ExportOrder, Listener, engine, export};
use crate::JobError;

/// How long after its billing a month is still looked for by the schedule.
const SCHEDULE_DAYS: i64 = 40;
/// Who asks, where the schedule does.
pub const SCHEDULE: &str = "schedule";

/// Asks for what the schedule wants of billed months, then makes what waits and nobody else is at; how many were made.
pub async fn run(
    db: &Db,
    storage: &Storage,
    schedule: &[(Dataset, Format)],
    now: Timestamp,
) -> Result<usize, JobError> {
    ask(db, schedule, now).await?;
    let mut made = 0;
    loop {
        let mut tx = db.begin_app().await?;
        let next = exports::take(&mut tx, now).await?;
        tx.commit().await?;
        let Some(next) = next else { return Ok(made) };
        one(db, storage, &next, now).await?;
        made += 1;
    }
}

async fn ask(db: &Db, schedule: &[(Dataset, Format)], now: Timestamp) -> Result<(), JobError> {
    if schedule.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin_app().await?;
    let since = now.plus_millis(-SCHEDULE_DAYS * MILLIS_PER_DAY);
    for (issuer, period, billed_at) in exports::billed_months(&mut tx, since).await? {
        for (dataset, format) in schedule {
            let (dataset, format) = (dataset.name(), format.name());
            if exports::was_asked_for(&mut tx, issuer, period, (dataset, format), billed_at).await? {
                continue;
            }
            let new = Export::pending(issuer, (dataset, format), period, now, SCHEDULE.to_owned());
            exports::insert(&mut tx, &new).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Makes one, and says how it ended. What can't be made for what it is of fails; what fails for the storage or the database waits.
async fn one(db: &Db, storage: &Storage, asked: &Export, now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    let issuer = customers::issuer(&mut tx, asked.issuer).await?.ok_or(JobError::NoIssuer(asked.issuer))?;
    tx.commit().await?;
    let known = asked.dataset.parse::<Dataset>().ok().zip(asked.format.parse::<Format>().ok());
    let Some((dataset, format)) = known else { return ended(db, asked, Err("dataset: nobody knows it"), now).await };
    let order = ExportOrder {
        dataset,
        format,
        issuer: asked.issuer,
        account: asked.account,
        month: issuer.zone.month_of(asked.period.start()),
    };
    let prefix = engine::prefix(asked);
    match export(db, storage, &prefix, &order, now, Listener::Asked(asked.id)).await {
        Ok(manifest) => ended(db, asked, Ok(&json!(manifest)), now).await,
        // What passes is waited for; what does not would keep everything behind it waiting.
        Err(error) if is_passing(&error) => {
            let mut tx = db.begin_app().await?;
            exports::put_back(&mut tx, asked.id).await?;
            tx.commit().await?;
            Err(error)
        }
        Err(error) => ended(db, asked, Err(&error.to_string()), now).await,
    }
}

fn is_passing(error: &JobError) -> bool {
    match error {
        JobError::Store(error) => error.is_passing(),
        JobError::Storage(_) => true,
        _ => false,
    }
}

async fn ended(
    db: &Db,
    asked: &Export,
    outcome: Result<&serde_json::Value, &str>,
    now: Timestamp,
) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    exports::finish(&mut tx, asked.id, outcome, now).await?;
    tx.commit().await?;
    Ok(())
}
