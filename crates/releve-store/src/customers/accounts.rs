//! Who pays? The legal customers, with what VAT asks of them.

use std::collections::BTreeMap;

use releve_billing::tax::BuyerKind;
use releve_types::{AccountId, Currency, Language, Money, Timestamp, Zone, ids::IssuerId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Party;
use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub id: AccountId,
    pub issuer: IssuerId,
    pub party: Party,
    /// None: not known, which is enough where it decides nothing.
    pub customer_kind: Option<BuyerKind>,
    /// What the customer wants to read on its invoices.
    pub buyer_reference: String,
    /// It takes no invoice without it.
    pub buyer_reference_required: bool,
    /// What a document comes to at most, without VAT, unless a person raises it.
    pub invoice_ceiling: Option<Money>,
    /// What a correction comes to at least, without VAT: below, it is carried.
    pub correction_min: Option<Money>,
    /// After a period's end, after which nothing more is billed for it.
    pub back_billing_months: Option<u16>,
    /// Of its documents.
    pub language: Language,
    /// It takes no invoice without a purchase order that it fits.
    pub purchase_order_required: bool,
    pub currency: Currency,
    pub created_at: Timestamp,
}

impl Account {
    fn months_to_sql(&self) -> Option<i16> {
        self.back_billing_months.map(|months| i16::try_from(months).unwrap_or(i16::MAX))
    }
}

/// False if the name is taken.
pub async fn insert_account(conn: &mut PgConnection, account: &Account) -> Result<bool, StoreError> {
    let party = &account.party;
    let done = sqlx::query!(
        r#"
        insert into accounts (account_id, issuer_id, name, address, postcode, city, country, vat_id, legal_id, email,
                              customer_kind, buyer_reference, currency, created_at, buyer_reference_required,
                              invoice_ceiling, language, purchase_order_required, correction_min,
                              back_billing_months)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        on conflict (name) do nothing
        "#,
        account.id.uuid(),
        account.issuer.uuid(),
        party.name,
        party.address,
        party.postcode,
        party.city,
        party.country,
        party.vat_id,
        party.legal_id,
        party.email,
        account.customer_kind.map_or("", BuyerKind::name),
        account.buyer_reference,
        account.currency.code(),
        to_sql(account.created_at),
        account.buyer_reference_required,
        account.invoice_ceiling.map(Money::amount),
        account.language.code(),
        account.purchase_order_required,
        account.correction_min.map(Money::amount),
        account.months_to_sql(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what may change of an account: what the next document prints of it, never its name, currency or seller.
pub async fn update_account(conn: &mut PgConnection, account: &Account) -> Result<bool, StoreError> {
    let party = &account.party;
    let done = sqlx::query!(
        r#"
        update accounts
        set address = $2, postcode = $3, city = $4, country = $5, vat_id = $6, legal_id = $7, email = $8,
            customer_kind = $9, buyer_reference = $10, buyer_reference_required = $11, invoice_ceiling = $12,
            language = $13, purchase_order_required = $14, correction_min = $15, back_billing_months = $16
        where account_id = $1
        "#,
        account.id.uuid(),
        party.address,
        party.postcode,
        party.city,
        party.country,
        party.vat_id,
        party.legal_id,
        party.email,
        account.customer_kind.map_or("", BuyerKind::name),
        account.buyer_reference,
        account.buyer_reference_required,
        account.invoice_ceiling.map(Money::amount),
        account.language.code(),
        account.purchase_order_required,
        account.correction_min.map(Money::amount),
        account.months_to_sql(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct AccountRow {
    account_id: Uuid,
    issuer_id: Uuid,
    name: String,
    address: String,
    postcode: String,
    city: String,
    country: String,
    vat_id: String,
    legal_id: String,
    email: String,
    customer_kind: String,
    buyer_reference: String,
    buyer_reference_required: bool,
    invoice_ceiling: Option<Decimal>,
    correction_min: Option<Decimal>,
    back_billing_months: Option<i16>,
    language: String,
    purchase_order_required: bool,
    currency: String,
    created_at: time::OffsetDateTime,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;
    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        let currency = row.currency.parse().map_err(|e| StoreError::inconsistent("accounts", "currency", e))?;
        let money = |column, amount: Option<Decimal>| {
            let money = amount.map(|amount| Money::exact(amount, currency)).transpose();
            money.map_err(|e| StoreError::inconsistent("accounts", column, e))
        };
        let months = row.back_billing_months.map(u16::try_from).transpose();
        Ok(Self {
            id: AccountId::from_uuid(row.account_id),
            issuer: IssuerId::from_uuid(row.issuer_id),
            customer_kind: kind(&row.customer_kind)?,
            buyer_reference: row.buyer_reference,
            buyer_reference_required: row.buyer_reference_required,
            invoice_ceiling: money("invoice_ceiling", row.invoice_ceiling)?,
            correction_min: money("correction_min", row.correction_min)?,
            back_billing_months: months.map_err(|e| StoreError::inconsistent("accounts", "back_billing_months", e))?,
            language: row.language.parse().map_err(|e| StoreError::inconsistent("accounts", "language", e))?,
            purchase_order_required: row.purchase_order_required,
            currency,
            created_at: from_sql(row.created_at),
            party: Party {
                name: row.name,
                address: row.address,
                postcode: row.postcode,
                city: row.city,
                country: row.country,
                vat_id: row.vat_id,
                legal_id: row.legal_id,
                email: row.email,
            },
        })
    }
}

/// Empty is not known.
fn kind(text: &str) -> Result<Option<BuyerKind>, StoreError> {
    let known = (!text.is_empty()).then(|| text.parse());
    known.transpose().map_err(|e| StoreError::inconsistent("accounts", "customer_kind", e))
}

pub async fn account(conn: &mut PgConnection, id: AccountId) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, customer_kind,
               buyer_reference, buyer_reference_required, invoice_ceiling, correction_min, back_billing_months, language,
               purchase_order_required, currency, created_at
        from accounts
        where account_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Account::try_from).transpose()
}

pub async fn account_named(conn: &mut PgConnection, name: &str) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, customer_kind,
               buyer_reference, buyer_reference_required, invoice_ceiling, correction_min, back_billing_months, language,
               purchase_order_required, currency, created_at
        from accounts
        where name = $1
        "#,
        name
    )
    .fetch_optional(conn)
    .await?;
    row.map(Account::try_from).transpose()
}

/// Accounts by name, after a name.
pub async fn accounts(conn: &mut PgConnection, after: &str, len_max: i64) -> Result<Vec<Account>, StoreError> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, customer_kind,
               buyer_reference, buyer_reference_required, invoice_ceiling, correction_min, back_billing_months, language,
               purchase_order_required, currency, created_at
        from accounts
        where name > $1
        order by name
        limit $2
        "#,
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// In which zones the months of these accounts begin: those of who sells to them.
pub async fn zones(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Zone>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        "select a.account_id, i.zone from accounts a join issuers i on i.issuer_id = a.issuer_id where a.account_id = any($1)",
        &ids
    )
    .fetch_all(conn)
    .await?;
    let zone = |name: &str| Zone::new(name).map_err(|e| StoreError::inconsistent("issuers", "zone", e));
    rows.into_iter().map(|row| Ok((AccountId::from_uuid(row.account_id), zone(&row.zone)?))).collect()
}

/// These accounts, held until the transaction ends: one that moves to another country waits until its invoice is issued.
pub async fn share_accounts(
    conn: &mut PgConnection,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Account>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, postcode, city, country, vat_id, legal_id, email, customer_kind,
               buyer_reference, buyer_reference_required, invoice_ceiling, correction_min, back_billing_months, language,
               purchase_order_required, currency, created_at
        from accounts
        where account_id = any($1)
        order by account_id
        for share
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let known = |row| Account::try_from(row).map(|account| (account.id, account));
    rows.into_iter().map(known).collect()
}
