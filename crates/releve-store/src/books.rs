//! Into which book does usage go now? The lock that issuing takes alone, and the book that is open under it.

use std::collections::BTreeMap;

use releve_types::{AccountId, Period, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// Class of the advisory locks on books.
const BOOK_LOCK: i32 = 7_200;
/// How many locks stand for all books: thousands of advisory locks exhaust the server's shared memory.
const BOOK_LOCKS: u64 = 256;

/// One account's period.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountPeriod {
    pub account: AccountId,
    pub period: Period,
}

impl AccountPeriod {
    /// FNV-1a over the account and the period's start: every program must find the same lock.
    pub fn lock(&self) -> i32 {
        let start = self.period.start().as_millis().to_be_bytes();
        let bytes = self.account.uuid().into_bytes().into_iter().chain(start);
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        i32::try_from(hash % BOOK_LOCKS).unwrap_or(0)
    }
}

fn locks(of: &[AccountPeriod]) -> Vec<i32> {
    let mut locks: Vec<i32> = of.iter().map(AccountPeriod::lock).collect();
    locks.sort_unstable();
    locks.dedup();
    locks
}

/// Held in common by every writer of usage until its transaction ends.
pub async fn lock_shared(conn: &mut PgConnection, of: &[AccountPeriod]) -> Result<(), StoreError> {
    sqlx::query!(
        "select pg_advisory_xact_lock_shared($1, k) from (select k from unnest($2::int4[]) k order by k) sorted",
        BOOK_LOCK,
        &locks(of)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Held alone by whoever closes books, until its transaction ends.
pub async fn lock_alone(conn: &mut PgConnection, of: &[AccountPeriod]) -> Result<(), StoreError> {
    sqlx::query!(
        "select pg_advisory_xact_lock($1, k) from (select k from unnest($2::int4[]) k order by k) sorted",
        BOOK_LOCK,
        &locks(of)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The open book of each account's period; those without a row yet get one. Call it under the lock.
pub async fn open_books(
    conn: &mut PgConnection,
    of: &[AccountPeriod],
) -> Result<BTreeMap<(AccountId, Timestamp), i32>, StoreError> {
    let mut found = read(conn, of).await?;
    let missing: Vec<AccountPeriod> =
        of.iter().filter(|ap| !found.contains_key(&(ap.account, ap.period.start()))).copied().collect();
    if !missing.is_empty() {
        create(conn, &missing).await?;
        found.extend(read(conn, &missing).await?);
    }
    Ok(found)
}

async fn read(
    conn: &mut PgConnection,
    of: &[AccountPeriod],
) -> Result<BTreeMap<(AccountId, Timestamp), i32>, StoreError> {
    let accounts: Vec<Uuid> = of.iter().map(|ap| ap.account.uuid()).collect();
    let starts: Vec<_> = of.iter().map(|ap| to_sql(ap.period.start())).collect();
    let rows = sqlx::query!(
        r#"
        select p.account_id, p.period_start, p.open_book
        from unnest($1::uuid[], $2::timestamptz[]) as asked(account_id, period_start)
        join periods p on p.account_id = asked.account_id and p.period_start = asked.period_start
        "#,
        &accounts,
        &starts
    )
    .fetch_all(conn)
    .await?;
    let entry = |account, start, book| ((AccountId::from_uuid(account), from_sql(start)), book);
    Ok(rows.into_iter().map(|r| entry(r.account_id, r.period_start, r.open_book)).collect())
}

async fn create(conn: &mut PgConnection, of: &[AccountPeriod]) -> Result<(), StoreError> {
    let mut sorted = of.to_vec();
    sorted.sort_unstable();
    let accounts: Vec<Uuid> = sorted.iter().map(|ap| ap.account.uuid()).collect();
    let starts: Vec<_> = sorted.iter().map(|ap| to_sql(ap.period.start())).collect();
    let ends: Vec<_> = sorted.iter().map(|ap| to_sql(ap.period.end())).collect();
    sqlx::query!(
        r#"
        insert into periods (account_id, period_start, period_end)
        select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
        on conflict do nothing
        "#,
        &accounts,
        &starts,
        &ends
    )
    .execute(conn)
    .await?;
    Ok(())
}
