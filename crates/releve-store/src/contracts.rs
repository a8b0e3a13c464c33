//! By what are accounts rated? Their terms with each price book loaded once, and what they agreed to beside them: for one account, for
//! some, or for all of an issuer.

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{Contract, PriceBook, Term};
use releve_types::{
    AccountId, Currency, Hour,
    ids::{IssuerId, PriceBookId},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{agreements, pool::StoreError, prices, sql_time::hour_from_sql};

/// What accounts are rated by. Those that agreed to the same share one.
pub type Contracts = BTreeMap<AccountId, Arc<Contract>>;

/// An account's contract. None if there is no such account; one without terms prices nothing.
pub async fn of_account(conn: &mut PgConnection, account: AccountId) -> Result<Option<Arc<Contract>>, StoreError> {
    Ok(of(conn, &[account]).await?.remove(&account))
}

/// The contracts of those of the accounts that there are.
pub async fn of(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<Contracts, StoreError> {
    let contracts = by_terms(conn, accounts).await?;
    with_agreements(conn, &contracts, accounts).await
}

/// The contracts of an issuer's accounts, without what each agreed to beside its price books.
pub async fn of_issuer(conn: &mut PgConnection, issuer: IssuerId) -> Result<Contracts, StoreError> {
    let accounts = sqlx::query_scalar!("select account_id from accounts where issuer_id = $1", issuer.uuid())
        .fetch_all(&mut *conn)
        .await?;
    by_terms(conn, &accounts.into_iter().map(AccountId::from_uuid).collect::<Vec<_>>()).await
}

/// By their price books alone.
async fn by_terms(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<Contracts, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select a.account_id as "account_id!", a.currency as "currency!", c.from_at as "from_at?", c.price_book_id as "price_book_id?"
        from accounts a
        left join contracts c on c.account_id = a.account_id
        where a.account_id = any($1)
        order by a.account_id, c.from_at
        "#,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut agreed: BTreeMap<AccountId, Agreed> = BTreeMap::new();
    for row in rows {
        let of = agreed.entry(AccountId::from_uuid(row.account_id)).or_insert_with(|| (row.currency, Vec::new()));
        if let (Some(from), Some(book)) = (row.from_at, row.price_book_id) {
            of.1.push((hour_from_sql(from), PriceBookId::from_uuid(book)));
        }
    }
    let mut books = LoadedBooks::new();
    let mut shared: BTreeMap<Agreed, Arc<Contract>> = BTreeMap::new();
    let mut contracts = Contracts::new();
    for (account, terms) in agreed {
        let contract = match shared.get(&terms) {
            Some(contract) => contract.clone(),
            None => {
                let contract = Arc::new(contract(conn, &terms, &mut books).await?);
                shared.insert(terms, contract.clone());
                contract
            }
        };
        contracts.insert(account, contract);
    }
    Ok(contracts)
}

/// The contracts of these accounts with what each agreed to beside its price books. Who bills reads it while the accounts' rows are
/// held, since agreeing takes them: what is agreed to later finds the period invoiced.
pub async fn with_agreements(
    conn: &mut PgConnection,
    contracts: &Contracts,
    accounts: &[AccountId],
) -> Result<Contracts, StoreError> {
    let mut agreed = agreements::of(conn, accounts).await?;
    let mut with = BTreeMap::new();
    for account in accounts {
        let Some(contract) = contracts.get(account) else { continue };
        let contract = match agreed.remove(account) {
            None => contract.clone(),
            Some(records) => Arc::new(agreements::onto(Contract::clone(contract), records)?),
        };
        with.insert(*account, contract);
    }
    Ok(with)
}

/// An account's currency, and which book it is rated by from when.
type Agreed = (String, Vec<(Hour, PriceBookId)>);

/// Price books that were loaded already: many accounts share a few.
type LoadedBooks = BTreeMap<PriceBookId, Arc<PriceBook>>;

async fn contract(
    conn: &mut PgConnection,
    (currency, terms): &Agreed,
    books: &mut LoadedBooks,
) -> Result<Contract, StoreError> {
    let currency: Currency = currency.parse().map_err(|e| StoreError::inconsistent("accounts", "currency", e))?;
    let mut made = Vec::with_capacity(terms.len());
    for &(from, id) in terms {
        let book = match books.get(&id) {
            Some(book) => book.clone(),
            None => {
                let book = prices::load_book(conn, id).await?;
                let book = Arc::new(book.ok_or_else(|| StoreError::inconsistent("contracts", "price_book_id", id))?);
                books.insert(id, book.clone());
                book
            }
        };
        made.push(Term { from, book });
    }
    Contract::new(currency, made).map_err(|e| StoreError::inconsistent("contracts", "account_id", e))
}
