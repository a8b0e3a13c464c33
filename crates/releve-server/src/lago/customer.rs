//! What is one customer here? An account with its tenant, what it is rated by, what it may draw on, and what it still owes Lago.

use releve_api::resource::{accounts::AccountView, tenants::TenantView};
use releve_lago::plan::{ForCustomer, NewAccount, Step};
use releve_store::{
    StoreError, catalog,
    customers::{self, Account, Party, Tenant},
    lago::{self as store, Kind, NewId},
};
use releve_types::{AccountId, TenantId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    contract,
    import::{Importing, log},
    purse,
    told::{Done, Outcome},
};

/// Whose things are made.
pub struct Whose {
    pub account: Account,
    pub tenant: TenantId,
}

/// Takes one customer over, on a transaction of its own.
pub async fn take(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    theirs: &ForCustomer,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let Some(whose) = account(conn, importing, &theirs.account, outcome).await? else {
        let places = theirs.terms.iter().map(|s| &s.place);
        let places =
            places.chain(theirs.credits.iter().map(|s| &s.place)).chain(theirs.balances.iter().map(|s| &s.place));
        for place in places {
            outcome.reject(place, "external_customer_id", "its customer was rejected");
        }
        return Ok(());
    };
    for step in &theirs.terms {
        contract::term(conn, importing, &whose, step, outcome).await?;
    }
    for step in &theirs.credits {
        purse::credit(conn, importing, &whose, step, outcome).await?;
    }
    for step in &theirs.balances {
        purse::balance(conn, importing, &whose, step, outcome).await?;
    }
    purse::paid(conn, importing, &whose, &theirs.paid, outcome).await
}

fn party(make: &NewAccount) -> Party {
    let NewAccount { name, address, postcode, city, country, vat_id, legal_id, email, .. } = make.clone();
    Party { name, address, postcode, city, country, vat_id, legal_id, email }
}

async fn account(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    step: &Step<NewAccount>,
    outcome: &mut Outcome,
) -> anyhow::Result<Option<Whose>> {
    let (Step { place, make }, now) = (step, importing.now);
    if let Some(known) = store::ours(conn, importing.issuer.id, Kind::Customer, &place.id).await? {
        return followed(conn, importing, AccountId::from_uuid(known), step, outcome).await.map(Some);
    }
    let account = Account {
        id: AccountId::fresh(now),
        issuer: importing.issuer.id,
        party: party(make),
        customer_kind: make.kind,
        buyer_reference: String::new(),
        buyer_reference_required: false,
        invoice_ceiling: None,
        correction_min: None,
        back_billing_months: None,
        language: make.language,
        purchase_order_required: false,
        currency: make.currency,
        created_at: now,
    };
    let tenant =
        Tenant { id: TenantId::fresh(now), account: account.id, name: make.external_id.clone(), created_at: now };
    if customers::tenant_named(conn, &tenant.name).await?.is_some() {
        outcome.reject(
            place,
            "external_id",
            format!("there is a tenant '{}' that did not come from Lago", tenant.name),
        );
        return Ok(None);
    }
    if !customers::insert_account(conn, &account).await? {
        outcome.reject(
            place,
            "name",
            format!("there is an account '{}' that did not come from Lago", account.party.name),
        );
        return Ok(None);
    }
    log(conn, "account.create", &account.id.to_string(), None, json!({ "account": AccountView::from(&account) }), now)
        .await?;
    // Readings are judged against who there is, so a new tenant moves the catalog.
    catalog::bump(conn).await?;
    customers::insert_tenant(conn, &tenant).await?;
    log(conn, "tenant.create", &tenant.id.to_string(), None, json!(TenantView::from(&tenant)), now).await?;
    note(
        conn,
        importing,
        (Kind::Customer, &place.id, &make.external_id),
        account.id.uuid(),
        (account.id, Some(tenant.id)),
    )
    .await?;
    outcome.did("account", place, Done::Made, account.id);
    Ok(Some(Whose { tenant: tenant.id, account }))
}

/// An account that is here, as the export says it now.
async fn followed(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    id: AccountId,
    Step { place, make }: &Step<NewAccount>,
    outcome: &mut Outcome,
) -> anyhow::Result<Whose> {
    let gone = || StoreError::inconsistent("lago_ids", "ours", id);
    let known = customers::account(conn, id).await?.ok_or_else(gone)?;
    let tenant = customers::tenant_named(conn, &make.external_id).await?.filter(|tenant| tenant.account == id);
    let tenant = tenant.ok_or_else(gone)?.id;
    for (field, differs) in [("name", known.party.name != make.name), ("currency", known.currency != make.currency)] {
        if differs {
            outcome.leave_out(place, field, "it changed at Lago; an account keeps its name and currency");
        }
    }
    let party = Party { name: known.party.name.clone(), ..party(make) };
    let next = Account { party, customer_kind: make.kind, language: make.language, ..known.clone() };
    if next == known {
        outcome.did("account", place, Done::Known, id);
        return Ok(Whose { account: known, tenant });
    }
    customers::update_account(conn, &next).await?;
    let (before, after) = (json!(AccountView::from(&known)), json!(AccountView::from(&next)));
    log(conn, "account.amend", &id.to_string(), Some(before), after, importing.now).await?;
    outcome.did("account", place, Done::Updated, id);
    Ok(Whose { account: next, tenant })
}

/// Notes what something of Lago's became.
pub async fn note(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    (kind, lago_id, external_id): (Kind, &str, &str),
    ours: Uuid,
    (account, tenant): (AccountId, Option<TenantId>),
) -> Result<(), StoreError> {
    let issuer = importing.issuer.id;
    let id = NewId { issuer, kind, lago_id, external_id, ours, account: Some(account), tenant };
    store::note(conn, &id, importing.now).await
}
