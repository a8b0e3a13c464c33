//! By what is a customer rated, and what does it owe beside? Its contract, and the agreements of its plan.

use releve_api::resource::{agreements::AgreementView, contracts::TermView};
use releve_billing::{AgreedTerms, Agreement, Term, check_new_agreement, check_new_term};
use releve_lago::{
    plan::{NewTerm, Step},
    rows::Place,
};
use releve_store::{
    StoreError,
    agreements::{self, AgreementRecord},
    contracts,
    lago::{self as store, Kind},
    prices::{self, TermRecord},
};
use releve_types::{
    AccountId, Hour,
    ids::{AgreementId, PriceBookId, fresh_uuid},
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    ACTOR,
    customer::{Whose, note},
    import::{Importing, log},
    told::{Done, Outcome},
};

pub async fn term(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    Step { place, make }: &Step<NewTerm>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let id = whose.account.id;
    if let Some(known) = store::ours(conn, importing.issuer.id, Kind::Subscription, &place.id).await? {
        outcome.did("contract", place, Done::Known, known);
        return agreed(conn, importing, whose, (place, make), outcome).await;
    }
    let Some((book, plan)) = importing.books.get(&make.plan_code) else {
        outcome.reject(place, "plan_code", "its plan was rejected");
        return Ok(());
    };
    prices::lock_contract(conn, id).await?;
    let held = prices::terms(conn, id).await?.pop().filter(|last| last.book == *book);
    let (term, from) = match held {
        Some(held) => (held.id, held.from),
        None => match begin(conn, importing, whose, (*book, make.from)).await? {
            Ok(term) => {
                if term.from != make.from {
                    let reason = format!("it holds from {}: time that has begun keeps its price book", term.from);
                    outcome.leave_out(place, "started_at", reason);
                }
                (term.id, term.from)
            }
            Err(reason) => {
                outcome.reject(place, "plan_code", reason);
                return Ok(());
            }
        },
    };
    let tenant = Some(whose.tenant);
    note(conn, importing, (Kind::Subscription, &place.id, &make.external_id), term, (id, tenant)).await?;
    outcome.did("contract", place, Done::Made, term);
    for (kind, terms, what) in [(Kind::Fee, &plan.fee, "base fee"), (Kind::Minimum, &plan.minimum, "minimum")] {
        let Some(terms) = terms else { continue };
        let description = format!("{}: {what}", plan.code);
        match agree(conn, importing, id, description, from, terms.clone()).await? {
            Ok(agreement) => {
                note(conn, importing, (kind, &place.id, &make.external_id), agreement.uuid(), (id, None)).await?;
                outcome.did("agreement", place, Done::Made, agreement);
            }
            Err(reason) => outcome.leave_out(place, kind.name(), reason),
        }
    }
    Ok(())
}

/// What was agreed beside a contract that is here. What of it changed at Lago is named: an agreement does not change.
async fn agreed(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    (place, make): (&Place, &NewTerm),
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let all = agreements::of(conn, &[whose.account.id]).await?.remove(&whose.account.id).unwrap_or_default();
    let plan = importing.books.get(&make.plan_code).map(|(_, plan)| *plan);
    for kind in [Kind::Fee, Kind::Minimum] {
        let said = plan.and_then(|plan| if kind == Kind::Fee { plan.fee.as_ref() } else { plan.minimum.as_ref() });
        let known = store::ours(conn, importing.issuer.id, kind, &place.id).await?.map(AgreementId::from_uuid);
        let terms =
            known.and_then(|id| all.iter().find(|record| record.agreement.id() == id)).map(|r| r.agreement.terms());
        if terms != said {
            outcome.leave_out(place, kind.name(), "it changed at Lago; end what was agreed and agree anew");
        }
        if let Some(id) = known {
            outcome.did("agreement", place, Done::Known, id);
        }
    }
    Ok(())
}

/// Begins to rate an account by a price book: from the hour that is wanted, or where time has begun, from the next.
async fn begin(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    whose: &Whose,
    (book, from): (PriceBookId, Hour),
) -> anyhow::Result<Result<TermRecord, String>> {
    let (id, now) = (whose.account.id, importing.now);
    let gone = || StoreError::inconsistent("lago_ids", "ours", book);
    let contract = contracts::of_account(conn, id).await?.ok_or_else(gone)?;
    let whole = std::sync::Arc::new(prices::load_book(conn, book).await?.ok_or_else(gone)?);
    let mut term = Term { from, book: whole };
    if check_new_term(&contract, &term, now).is_err() {
        term.from = now.hour().next();
    }
    if let Err(error) = check_new_term(&contract, &term, now) {
        return Ok(Err(error.reason.to_string()));
    }
    let record = TermRecord {
        id: fresh_uuid(now),
        account: id,
        book,
        from: term.from,
        created_at: now,
        created_by: ACTOR.to_owned(),
    };
    prices::insert_term(conn, &record).await?;
    log(conn, "contract.create", &id.to_string(), None, json!(TermView::from(&record)), now).await?;
    Ok(Ok(record))
}

async fn agree(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    account: AccountId,
    description: String,
    from: Hour,
    terms: AgreedTerms,
) -> anyhow::Result<Result<AgreementId, String>> {
    let now = importing.now;
    if agreements::invoiced_until(conn, account).await?.is_some_and(|until| from.start() < until) {
        return Ok(Err("the month in which it would begin was invoiced".to_owned()));
    }
    let agreement = match Agreement::new(AgreementId::fresh(now), description, from.start(), None, terms) {
        Ok(agreement) => agreement,
        Err(error) => return Ok(Err(error.reason.to_string())),
    };
    let contract = contracts::of_account(conn, account).await?;
    let contract = contract.ok_or_else(|| StoreError::inconsistent("lago_ids", "account_id", account))?;
    if let Err(error) = check_new_agreement(&contract, &agreement) {
        return Ok(Err(error.reason.to_string()));
    }
    let record = AgreementRecord { account, agreement, created_at: now, created_by: ACTOR.to_owned() };
    agreements::insert(conn, &record).await?;
    let id = record.agreement.id();
    log(conn, "agreement.create", &id.to_string(), None, json!(AgreementView::from(&record)), now).await?;
    Ok(Ok(id))
}
