//! What may a customer draw on, and what does it still owe at Lago? Credits of its wallets, and opening balances.

use releve_billing::credits::PRIORITY_DEFAULT;
use releve_jobs::{
    credits::{self as jobs, Asked, CreditError, Source},
    payments::{self, PaidFor, PaymentError, Received},
};
use releve_lago::{
    plan::{CreditSource, NewCredit, OpeningBalance, Step},
    rows::Place,
};
use releve_store::{
    credits,
    lago::{self as store, Kind},
    payments::Source as Told,
};
use releve_types::{
    Money,
    ids::{CreditId, fresh_uuid},
};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    ACTOR,
    customer::{Whose, note},
    import::{Importing, log},
    told::{Done, Outcome},
};

pub async fn credit(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    Step { place, make }: &Step<NewCredit>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let kind = if let CreditSource::Paid(_) = make.source { Kind::Paid } else { Kind::Granted };
    if let Some(known) = store::ours(conn, importing.issuer.id, kind, &place.id).await? {
        let id = CreditId::from_uuid(known);
        let all = credits::of(conn, whose.account.id).await?;
        if all.iter().any(|record| record.credit.id() == id && record.credit.amount() != make.amount) {
            let reason = format!(
                "{} is left at Lago by now; the credit that was made of it does not follow: withdraw it",
                make.amount
            );
            outcome.leave_out(place, "balance_cents", reason);
        }
        outcome.did("credit", place, Done::Known, id);
        return Ok(());
    }
    let opened = match open(conn, importing, whose, place, make).await {
        Ok(opened) => opened,
        Err(CreditError::Refused { field, detail }) => {
            outcome.reject(place, field, detail);
            return Ok(());
        }
        Err(CreditError::Price(error)) => {
            outcome.reject(place, &error.field, &error.reason);
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let id = opened.credit.id();
    note(conn, importing, (kind, &place.id, ""), id.uuid(), (whose.account.id, None)).await?;
    let after = json!({ "account": whose.account.id.to_string(), "kind": kind.name(), "amount": make.amount.to_string(),
                        "description": make.description, "lago_wallet": place.id });
    log(conn, "credit.create", &id.to_string(), None, after, importing.now).await?;
    outcome.did("credit", place, Done::Made, id);
    Ok(())
}

/// What was paid is recorded as the payment that it was, of what is left of it: a paid credit is somebody's money.
async fn open(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    place: &Place,
    make: &NewCredit,
) -> Result<credits::CreditRecord, CreditError> {
    let source = match &make.source {
        CreditSource::Granted(scope) => Source::Grant(scope.clone()),
        CreditSource::Paid(paid_on) => {
            let received = Received {
                amount: make.amount,
                paid_on: *paid_on,
                source: Told::Api,
                reference: format!("lago wallet {}", place.id),
                end_to_end_id: String::new(),
                payer: whose.account.party.name.clone(),
                remittance: String::new(),
                paid_for: PaidFor::Text,
            };
            let recorded = payments::record(conn, importing.issuer, received, ACTOR, importing.now).await;
            let (payment, _) = recorded.map_err(|error| match error {
                PaymentError::Store(error) => CreditError::Store(error),
                other => CreditError::Refused { field: "balance_cents", detail: other.to_string() },
            })?;
            Source::Payment(Box::new(payment))
        }
    };
    let asked = Asked {
        description: make.description.clone(),
        source,
        amount: Some(make.amount),
        priority: PRIORITY_DEFAULT,
        from: make.from,
        expires: make.expires,
    };
    jobs::open(conn, &whose.account, asked, ACTOR, importing.now).await
}

pub async fn balance(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    Step { place, make }: &Step<OpeningBalance>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let (account, now) = (whose.account.id, importing.now);
    if let Some(known) = store::ours(conn, importing.issuer.id, Kind::Invoice, &place.id).await? {
        let all = store::balances(conn, account).await?;
        let moved = all.iter().any(|balance| balance.id == known && balance.open != make.open);
        if moved {
            now_open(conn, importing, known, make.open).await?;
        }
        outcome.did("opening_balance", place, if moved { Done::Updated } else { Done::Known }, known);
        return Ok(());
    }
    let OpeningBalance { number, issued_on, due_on, total, open } = make.clone();
    let balance = store::OpeningBalance { id: fresh_uuid(now), account, number, issued_on, due_on, total, open };
    if store::balances(conn, account).await?.iter().any(|known| known.number == balance.number) {
        outcome.reject(place, "number", "the account has an open invoice of this number");
        return Ok(());
    }
    store::insert_balance(conn, &balance, ACTOR, now).await?;
    note(conn, importing, (Kind::Invoice, &place.id, &balance.number), balance.id, (account, None)).await?;
    let after = json!({ "account": account.to_string(), "number": balance.number, "total": total.to_string(), "open": open.to_string() });
    log(conn, "opening_balance.create", &balance.id.to_string(), None, after, now).await?;
    outcome.did("opening_balance", place, Done::Made, balance.id);
    Ok(())
}

async fn now_open(conn: &mut PgConnection, importing: &Importing<'_>, id: Uuid, open: Money) -> anyhow::Result<()> {
    store::update_balance(conn, id, open, ACTOR, importing.now).await?;
    log(conn, "opening_balance.update", &id.to_string(), None, json!({ "open": open.to_string() }), importing.now).await
}

/// What has been paid to Lago since it came over is owed no longer.
pub async fn paid(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    paid: &[Place],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    if paid.is_empty() {
        return Ok(());
    }
    let open = store::balances(conn, whose.account.id).await?;
    for place in paid {
        let known = store::ours(conn, importing.issuer.id, Kind::Invoice, &place.id).await?;
        let Some(balance) = open.iter().find(|b| Some(b.id) == known && !b.open.is_zero()) else { continue };
        now_open(conn, importing, balance.id, Money::zero(balance.total.currency())).await?;
        outcome.did("opening_balance", place, Done::Updated, balance.id);
    }
    Ok(())
}
