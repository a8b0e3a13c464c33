//! What did accounts agree to beside their price books? Loaded as the pure type that money is decided with.

use std::collections::BTreeMap;

use releve_billing::{AgreedTerms, Agreement, Contract, Percent, PriceError, Scope, UnitPrice};
use releve_types::{
    AccountId, TenantId, Timestamp,
    ids::{AgreementId, IssuerId},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// An agreement, with whose it is and who made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementRecord {
    pub account: AccountId,
    pub agreement: Agreement,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// An agreement's terms, as columns: those of the other kinds are null.
#[derive(Default)]
struct Columns {
    percent: Option<Decimal>,
    scope: Option<&'static str>,
    sku: Option<String>,
    tenant_id: Option<Uuid>,
    project: Option<String>,
    devices: Option<i32>,
    matching: Option<&'static str>,
    price: Option<Decimal>,
    overage: Option<Decimal>,
    vat_class: Option<&'static str>,
}

impl Columns {
    fn of(terms: &AgreedTerms) -> Self {
        let none = Self::default();
        match terms {
            AgreedTerms::Discount { scope, percent } => {
                let none = Self { percent: Some(percent.value()), ..none };
                match scope {
                    Scope::All => Self { scope: Some("all"), ..none },
                    Scope::Sku(sku) => Self { scope: Some("sku"), sku: Some(sku.to_string()), ..none },
                    Scope::Project { tenant, project } => Self {
                        scope: Some("project"),
                        tenant_id: Some(tenant.uuid()),
                        project: Some(project.clone()),
                        ..none
                    },
                }
            }
            AgreedTerms::Reservation { sku, devices, matching, price, overage } => Self {
                sku: Some(sku.to_string()),
                devices: Some(i32::try_from(*devices).unwrap_or(i32::MAX)),
                matching: Some(matching.name()),
                price: Some(price.amount()),
                overage: overage.map(UnitPrice::amount),
                ..none
            },
            AgreedTerms::Recurring { sku, price, class }
            | AgreedTerms::Once { sku, price, class }
            | AgreedTerms::Goodwill { sku, price, class } => {
                Self { sku: Some(sku.to_string()), price: Some(price.amount()), vat_class: Some(class.name()), ..none }
            }
            AgreedTerms::Minimum { price } => Self { price: Some(price.amount()), ..none },
        }
    }
}

/// Writes an agreement that `releve_billing::check_new_agreement` has passed.
pub async fn insert(conn: &mut PgConnection, record: &AgreementRecord) -> Result<(), StoreError> {
    let agreement = &record.agreement;
    let columns = Columns::of(agreement.terms());
    sqlx::query!(
        r#"
        insert into agreements (agreement_id, account_id, kind, description, from_at, until_at, percent, scope, sku,
                                tenant_id, project, devices, matching, price, overage, vat_class, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        "#,
        agreement.id().uuid(),
        record.account.uuid(),
        agreement.terms().name(),
        agreement.description(),
        to_sql(agreement.from().start()),
        agreement.until().map(|until| to_sql(until.start())),
        columns.percent,
        columns.scope,
        columns.sku,
        columns.tenant_id,
        columns.project,
        columns.devices,
        columns.matching,
        columns.price,
        columns.overage,
        columns.vat_class,
        to_sql(record.created_at),
        record.created_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one. The caller has made sure that it ends sooner than it would have.
pub async fn end(conn: &mut PgConnection, id: AgreementId, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("update agreements set until_at = $2 where agreement_id = $1", id.uuid(), to_sql(until))
        .execute(conn)
        .await?;
    Ok(())
}

struct AgreementRow {
    agreement_id: Uuid,
    account_id: Uuid,
    kind: String,
    description: String,
    from_at: OffsetDateTime,
    until_at: Option<OffsetDateTime>,
    percent: Option<Decimal>,
    scope: Option<String>,
    sku: Option<String>,
    tenant_id: Option<Uuid>,
    project: Option<String>,
    devices: Option<i32>,
    matching: Option<String>,
    price: Option<Decimal>,
    overage: Option<Decimal>,
    vat_class: Option<String>,
    created_at: OffsetDateTime,
    created_by: String,
}

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("agreements", column, detail)
}

impl AgreementRow {
    fn terms(&self) -> Result<AgreedTerms, StoreError> {
        let price = |value: Option<Decimal>, column: &'static str| {
            let value = value.ok_or_else(|| broken(column, "missing"))?;
            UnitPrice::new(value).map_err(|e| broken(column, e))
        };
        let text = |value: &Option<String>, column| value.clone().ok_or_else(|| broken(column, "missing"));
        let sku = || text(&self.sku, "sku")?.parse().map_err(|e| broken("sku", e));
        let class = || text(&self.vat_class, "vat_class")?.parse().map_err(|e| broken("vat_class", e));
        let fee = || Ok::<_, StoreError>((sku()?, price(self.price, "price")?, class()?));
        match self.kind.as_str() {
            "discount" => {
                let percent = self.percent.ok_or_else(|| broken("percent", "missing"))?;
                let percent = Percent::new(percent).map_err(|e| broken("percent", e))?;
                Ok(AgreedTerms::Discount { scope: self.scope()?, percent })
            }
            "reservation" => Ok(AgreedTerms::Reservation {
                sku: sku()?,
                devices: self
                    .devices
                    .and_then(|n| u32::try_from(n).ok())
                    .ok_or_else(|| broken("devices", "missing"))?,
                matching: text(&self.matching, "matching")?.parse().map_err(|e: PriceError| broken("matching", e))?,
                price: price(self.price, "price")?,
                overage: self.overage.map(|overage| price(Some(overage), "overage")).transpose()?,
            }),
            "recurring" => fee().map(|(sku, price, class)| AgreedTerms::Recurring { sku, price, class }),
            "once" => fee().map(|(sku, price, class)| AgreedTerms::Once { sku, price, class }),
            "goodwill" => fee().map(|(sku, price, class)| AgreedTerms::Goodwill { sku, price, class }),
            "minimum" => Ok(AgreedTerms::Minimum { price: price(self.price, "price")? }),
            other => Err(broken("kind", other)),
        }
    }

    fn scope(&self) -> Result<Scope, StoreError> {
        match (self.scope.as_deref(), &self.sku, self.tenant_id, &self.project) {
            (Some("all"), ..) => Ok(Scope::All),
            (Some("sku"), Some(sku), ..) => Ok(Scope::Sku(sku.parse().map_err(|e| broken("sku", e))?)),
            (Some("project"), _, Some(tenant), Some(project)) => {
                Ok(Scope::Project { tenant: TenantId::from_uuid(tenant), project: project.clone() })
            }
            _ => Err(broken("scope", "incomplete")),
        }
    }
}

impl TryFrom<AgreementRow> for AgreementRecord {
    type Error = StoreError;
    fn try_from(row: AgreementRow) -> Result<Self, StoreError> {
        let terms = row.terms()?;
        let (id, from) = (AgreementId::from_uuid(row.agreement_id), from_sql(row.from_at));
        let agreement = Agreement::new(id, row.description, from, row.until_at.map(from_sql), terms);
        Ok(Self {
            account: AccountId::from_uuid(row.account_id),
            agreement: agreement.map_err(|e| broken("agreement_id", e))?,
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        })
    }
}

/// All that these accounts agreed to, by start. An account that agreed to nothing is not in it.
pub async fn of(
    conn: &mut PgConnection,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Vec<AgreementRecord>>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query_as!(
        AgreementRow,
        r#"
        select agreement_id, account_id, kind, description, from_at, until_at, percent, scope, sku, tenant_id, project,
               devices, matching, price, overage, vat_class, created_at, created_by
        from agreements
        where account_id = any($1)
        order by from_at, agreement_id
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut of: BTreeMap<AccountId, Vec<AgreementRecord>> = BTreeMap::new();
    for row in rows {
        let record = AgreementRecord::try_from(row)?;
        of.entry(record.account).or_default().push(record);
    }
    Ok(of)
}

/// A contract with what its account agreed to.
pub(crate) fn onto(contract: Contract, records: Vec<AgreementRecord>) -> Result<Contract, StoreError> {
    let agreements = records.into_iter().map(|record| record.agreement).collect();
    contract.with(agreements).map_err(|e| broken("account_id", e))
}

/// Up to when an account was invoiced: what is agreed later holds from then on.
pub async fn invoiced_until(conn: &mut PgConnection, account: AccountId) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query!(
        "select max(period_end) as until from invoices where account_id = $1 and state = 'issued' and credit_id is null",
        account.uuid()
    )
    .fetch_one(conn)
    .await?;
    Ok(row.until.map(from_sql))
}

/// The first instant for which an account of each issuer owes something whatever it uses, and was not invoiced: a month
/// that lies before was.
pub async fn owed_from(conn: &mut PgConnection) -> Result<Vec<(IssuerId, Timestamp)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select a.issuer_id as "issuer_id!", min(greatest(g.from_at, i.until)) as "from_at!"
        from agreements g
        join accounts a on a.account_id = g.account_id
        left join lateral (select max(period_end) as until from invoices i
                           where i.account_id = g.account_id and i.state = 'issued' and i.credit_id is null) i on true
        where g.kind in ('reservation', 'recurring', 'once', 'minimum')
          and (g.until_at is null or i.until is null or g.until_at > i.until)
          -- What is owed once is owed in its own month, and none after it.
          and (g.kind <> 'once' or i.until is null or g.from_at >= i.until)
        group by a.issuer_id
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (IssuerId::from_uuid(r.issuer_id), from_sql(r.from_at))).collect())
}
