//! By what is each account of an issuer rated? All contracts at once, each price book loaded once; and what accounts
//! agreed to beside them, when they are billed.

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{Contract, Term};
use releve_types::{
    AccountId, Currency, Hour,
    ids::{IssuerId, PriceBookId},
};
use sqlx::PgConnection;

use crate::{
    agreements,
    pool::StoreError,
    prices::{self, LoadedBooks},
    sql_time::hour_from_sql,
};

/// What an account agreed to: its currency, and which book from when.
type Agreed = (String, Vec<(Hour, PriceBookId)>);

/// The contracts of an issuer's accounts. Accounts that agreed to the same terms share one.
pub async fn contracts(
    conn: &mut PgConnection,
    issuer: IssuerId,
) -> Result<BTreeMap<AccountId, Arc<Contract>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select a.account_id as "account_id!", a.currency as "currency!", c.from_at as "from_at?", c.price_book_id as "price_book_id?"
        from accounts a
        left join contracts c on c.account_id = a.account_id
        where a.issuer_id = $1
        order by a.account_id, c.from_at
        "#,
        issuer.uuid()
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
    let mut made: BTreeMap<Agreed, Arc<Contract>> = BTreeMap::new();
    let mut contracts = BTreeMap::new();
    for (account, terms) in agreed {
        let contract = match made.get(&terms) {
            Some(contract) => contract.clone(),
            None => {
                let contract = Arc::new(contract(conn, &terms.0, &terms.1, &mut books).await?);
                made.insert(terms, contract.clone());
                contract
            }
        };
        contracts.insert(account, contract);
    }
    Ok(contracts)
}

/// The contracts of these accounts with what each agreed to beside its price books. Read while the accounts' rows are held,
/// since agreeing takes them: what is agreed to later finds the period invoiced.
pub async fn with_agreements(
    conn: &mut PgConnection,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Arc<Contract>>, StoreError> {
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

async fn contract(
    conn: &mut PgConnection,
    currency: &str,
    terms: &[(Hour, PriceBookId)],
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
