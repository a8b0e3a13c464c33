//! What does what cost, since when, and for whom? SKUs, price books, prices and terms, loaded as the pure
//! types that money is decided with: a row that these refuse is an error, never a guess.

use releve_billing::{Model, Price, PriceBook, Rounding, Tier, UnitPrice};
use releve_types::{
    AccountId, Currency, Hour, Sku, Timestamp, Unit,
    ids::{PriceBookId, PriceId},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    StoreError,
    sql_time::{from_sql, hour_from_sql, hour_to_sql, to_sql},
};

/// A SKU that was seen or priced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SkuRecord {
    pub number: i32,
    pub sku: Sku,
    pub unit: Unit,
    pub created_at: Timestamp,
}

/// A price book without its prices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookRecord {
    pub id: PriceBookId,
    pub name: String,
    pub currency: Currency,
    pub created_at: Timestamp,
}

/// A price with who wrote it, when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceRecord {
    pub book: PriceBookId,
    pub price: Price,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// Which price book an account's usage is rated by, from an hour on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TermRecord {
    pub id: Uuid,
    pub account: AccountId,
    pub book: PriceBookId,
    pub from: Hour,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// The SKU's number, made if it is new. None if the SKU is known in another unit.
pub async fn ensure_sku(
    conn: &mut PgConnection,
    sku: &Sku,
    unit: Unit,
    now: Timestamp,
) -> Result<Option<i32>, StoreError> {
    sqlx::query!(
        "insert into skus (sku, unit, created_at) values ($1, $2, $3) on conflict (sku) do nothing",
        sku.to_string(),
        unit.name(),
        to_sql(now)
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!("select sku_id, unit from skus where sku = $1", sku.to_string()).fetch_one(conn).await?;
    Ok((row.unit == unit.name()).then_some(row.sku_id))
}

/// The unit that a SKU is counted in, if it is known.
pub async fn unit_of(conn: &mut PgConnection, sku: &Sku) -> Result<Option<Unit>, StoreError> {
    let row = sqlx::query!("select unit from skus where sku = $1", sku.to_string()).fetch_optional(conn).await?;
    row.map(|row| row.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))).transpose()
}

/// SKUs by name, after a name.
pub async fn skus(conn: &mut PgConnection, after: &str, len_max: i64) -> Result<Vec<SkuRecord>, StoreError> {
    let rows = sqlx::query!(
        "select sku_id, sku, unit, created_at from skus where sku > $1 order by sku limit $2",
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SkuRecord {
                number: row.sku_id,
                sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
                unit: row.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?,
                created_at: from_sql(row.created_at),
            })
        })
        .collect()
}

/// False if the name is taken.
pub async fn insert_book(conn: &mut PgConnection, book: &BookRecord) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into price_books (price_book_id, name, currency, created_at)
        values ($1, $2, $3, $4)
        on conflict (name) do nothing
        "#,
        book.id.uuid(),
        book.name,
        book.currency.code(),
        to_sql(book.created_at)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct BookRow {
    price_book_id: Uuid,
    name: String,
    currency: String,
    created_at: time::OffsetDateTime,
}

impl TryFrom<BookRow> for BookRecord {
    type Error = StoreError;
    fn try_from(row: BookRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: PriceBookId::from_uuid(row.price_book_id),
            name: row.name,
            currency: row.currency.parse().map_err(|e| StoreError::inconsistent("price_books", "currency", e))?,
            created_at: from_sql(row.created_at),
        })
    }
}

/// All price books, by name. There are a few: one per list of prices that is sold from.
pub async fn books(conn: &mut PgConnection) -> Result<Vec<BookRecord>, StoreError> {
    let rows =
        sqlx::query_as!(BookRow, "select price_book_id, name, currency, created_at from price_books order by name")
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(BookRecord::try_from).collect()
}

/// Keeps others from changing a price book until the transaction ends, so that what is checked against its
/// prices is still true when a price is written.
pub async fn lock_book(conn: &mut PgConnection, id: PriceBookId) -> Result<(), StoreError> {
    sqlx::query!("select price_book_id from price_books where price_book_id = $1 for no key update", id.uuid())
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// Keeps others from changing an account's contract until the transaction ends.
pub async fn lock_contract(conn: &mut PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!("select account_id from accounts where account_id = $1 for no key update", account.uuid())
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// Writes a price that `releve_billing::check_new_price` has passed.
pub async fn insert_price(conn: &mut PgConnection, record: &PriceRecord, sku: i32) -> Result<(), StoreError> {
    let price = &record.price;
    sqlx::query!(
        r#"
        insert into prices (price_id, price_book_id, sku_id, from_at, model, tiers, rounding, created_at, created_by, vat_class)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        price.id().uuid(),
        record.book.uuid(),
        sku,
        hour_to_sql(price.from()),
        price.model().name(),
        tiers_to_json(&price.model().tiers()),
        price.rounding().name(),
        to_sql(record.created_at),
        record.created_by,
        price.class().name()
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct PriceRow {
    price_id: Uuid,
    price_book_id: Uuid,
    sku: String,
    unit: String,
    from_at: time::OffsetDateTime,
    model: String,
    tiers: Value,
    rounding: String,
    vat_class: String,
    created_at: time::OffsetDateTime,
    created_by: String,
}

impl TryFrom<PriceRow> for PriceRecord {
    type Error = StoreError;
    fn try_from(row: PriceRow) -> Result<Self, StoreError> {
        let model = Model::from_parts(&row.model, tiers_from_json(&row.tiers)?)
            .map_err(|e| StoreError::inconsistent("prices", "model", e))?;
        let rounding: Rounding = row.rounding.parse().map_err(|e| StoreError::inconsistent("prices", "rounding", e))?;
        let price = Price::new(
            PriceId::from_uuid(row.price_id),
            row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
            row.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?,
            from_sql(row.from_at),
            model,
            rounding,
        )
        .map_err(|e| StoreError::inconsistent("prices", "price_id", e))?;
        let class = row.vat_class.parse().map_err(|e| StoreError::inconsistent("prices", "vat_class", e))?;
        let price = price.taxed(class);
        Ok(Self {
            book: PriceBookId::from_uuid(row.price_book_id),
            price,
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        })
    }
}

/// Prices of a book, or of some SKU in it, by SKU and start, after one.
pub async fn prices(
    conn: &mut PgConnection,
    book: PriceBookId,
    sku: Option<&Sku>,
    after: Option<(&str, Hour)>,
    len_max: i64,
) -> Result<Vec<PriceRecord>, StoreError> {
    let rows = sqlx::query_as!(
        PriceRow,
        r#"
        select p.price_id, p.price_book_id, s.sku, s.unit, p.from_at, p.model, p.tiers, p.rounding, p.vat_class, p.created_at,
               p.created_by
        from prices p
        join skus s using (sku_id)
        where p.price_book_id = $1 and ($2::text is null or s.sku = $2)
          and ($3::text is null or (s.sku, p.from_at) > ($3, $4::timestamptz))
        order by s.sku, p.from_at
        limit $5
        "#,
        book.uuid(),
        sku.map(Sku::to_string),
        after.map(|a| a.0),
        after.map(|a| hour_to_sql(a.1)),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(PriceRecord::try_from).collect()
}

/// A whole price book, as rating takes it.
pub async fn load_book(conn: &mut PgConnection, id: PriceBookId) -> Result<Option<PriceBook>, StoreError> {
    let row = sqlx::query_as!(
        BookRow,
        "select price_book_id, name, currency, created_at from price_books where price_book_id = $1",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let record = BookRecord::try_from(row)?;
    let rows = sqlx::query_as!(
        PriceRow,
        r#"
        select p.price_id, p.price_book_id, s.sku, s.unit, p.from_at, p.model, p.tiers, p.rounding, p.vat_class, p.created_at,
               p.created_by
        from prices p
        join skus s using (sku_id)
        where p.price_book_id = $1
        "#,
        id.uuid()
    )
    .fetch_all(conn)
    .await?;
    let prices = rows
        .into_iter()
        .map(|row| PriceRecord::try_from(row).map(|record| record.price))
        .collect::<Result<Vec<_>, _>>()?;
    PriceBook::new(record.id, record.name, record.currency, prices)
        .map(Some)
        .map_err(|e| StoreError::inconsistent("prices", "price_book_id", e))
}

/// Writes a term that `releve_billing::check_new_term` has passed.
pub async fn insert_term(conn: &mut PgConnection, term: &TermRecord) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into contracts (contract_id, account_id, price_book_id, from_at, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        term.id,
        term.account.uuid(),
        term.book.uuid(),
        hour_to_sql(term.from),
        to_sql(term.created_at),
        term.created_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account's terms in the order of their start.
pub async fn terms(conn: &mut PgConnection, account: AccountId) -> Result<Vec<TermRecord>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select contract_id, account_id, price_book_id, from_at, created_at, created_by
        from contracts
        where account_id = $1
        order by from_at
        "#,
        account.uuid()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| TermRecord {
            id: row.contract_id,
            account: AccountId::from_uuid(row.account_id),
            book: PriceBookId::from_uuid(row.price_book_id),
            from: hour_from_sql(row.from_at),
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        })
        .collect())
}

fn tiers_to_json(tiers: &[Tier]) -> Value {
    tiers.iter().map(|tier| json!({ "up_to": tier.up_to, "price": tier.price.amount().to_string() })).collect()
}

fn tiers_from_json(tiers: &Value) -> Result<Vec<Tier>, StoreError> {
    let wrong = |detail: &str| StoreError::inconsistent("prices", "tiers", detail);
    let tiers = tiers.as_array().ok_or_else(|| wrong("not a list"))?;
    tiers
        .iter()
        .map(|tier| {
            let up_to = match &tier["up_to"] {
                Value::Null => None,
                number => Some(number.as_i64().ok_or_else(|| wrong("up_to is no integer"))?),
            };
            let price = tier["price"].as_str().ok_or_else(|| wrong("price is no text"))?;
            let price: UnitPrice = price.parse().map_err(|e| StoreError::inconsistent("prices", "tiers", e))?;
            Ok(Tier { up_to, price })
        })
        .collect()
}
