//! Who is behind a tenant key? Dated rules, append-only: a change is a new row.

use releve_types::{Hour, TenantId, TenantKey, Timestamp, ids::KeyRuleId};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, hour_from_sql, hour_to_sql, to_sql},
};

/// From `from` on, the key is `tenant`'s; none: nobody's, so its usage goes to suspense again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRule {
    pub id: KeyRuleId,
    pub key: TenantKey,
    pub from: Hour,
    pub tenant: Option<TenantId>,
    pub created_at: Timestamp,
    pub created_by: String,
}

pub async fn append(conn: &mut PgConnection, rule: &KeyRule, version: i64) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into tenant_key_rules (rule_id, tenant_key, from_at, version, tenant_id, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        rule.id.uuid(),
        rule.key.as_str(),
        hour_to_sql(rule.from),
        version,
        rule.tenant.map(TenantId::uuid),
        to_sql(rule.created_at),
        rule.created_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct RuleRow {
    rule_id: uuid::Uuid,
    tenant_key: String,
    from_at: time::OffsetDateTime,
    tenant_id: Option<uuid::Uuid>,
    created_at: time::OffsetDateTime,
    created_by: String,
}

impl TryFrom<RuleRow> for KeyRule {
    type Error = StoreError;
    fn try_from(row: RuleRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyRuleId::from_uuid(row.rule_id),
            key: TenantKey::new(&row.tenant_key)
                .map_err(|e| StoreError::inconsistent("tenant_key_rules", "tenant_key", e))?,
            from: hour_from_sql(row.from_at),
            tenant: row.tenant_id.map(TenantId::from_uuid),
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        })
    }
}

/// Every rule ever written, newest last, after a rule; of one tenant key or of all.
pub async fn rules(
    conn: &mut PgConnection,
    key: Option<&TenantKey>,
    after: Option<KeyRuleId>,
    len_max: i64,
) -> Result<Vec<KeyRule>, StoreError> {
    let rows = sqlx::query_as!(
        RuleRow,
        r#"
        select rule_id, tenant_key, from_at, tenant_id, created_at, created_by
        from tenant_key_rules
        where ($1::text is null or tenant_key = $1) and ($2::uuid is null or rule_id > $2)
        order by rule_id
        limit $3
        "#,
        key.map(TenantKey::as_str),
        after.map(KeyRuleId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(KeyRule::try_from).collect()
}

/// The rule in effect for a key at an instant: the latest start not after it, and of those the latest written.
pub async fn rule_at(conn: &mut PgConnection, key: &TenantKey, at: Timestamp) -> Result<Option<KeyRule>, StoreError> {
    let row = sqlx::query_as!(
        RuleRow,
        r#"
        select rule_id, tenant_key, from_at, tenant_id, created_at, created_by
        from tenant_key_rules
        where tenant_key = $1 and from_at <= $2
        order by from_at desc, version desc
        limit 1
        "#,
        key.as_str(),
        to_sql(at)
    )
    .fetch_optional(conn)
    .await?;
    row.map(KeyRule::try_from).transpose()
}

/// The rules, as they were written by an instant, of every key that has ever been one of these tenants', in the order in which
/// they start; of those that start at once, the latest written.
pub async fn of_tenants(
    conn: &mut PgConnection,
    tenants: &[TenantId],
    written_by: Timestamp,
) -> Result<Vec<KeyRule>, StoreError> {
    let tenants: Vec<uuid::Uuid> = tenants.iter().map(|tenant| tenant.uuid()).collect();
    let rows = sqlx::query_as!(
        RuleRow,
        r#"
        select distinct on (tenant_key, from_at) rule_id, tenant_key, from_at, tenant_id, created_at, created_by
        from tenant_key_rules
        where tenant_key in (select tenant_key from tenant_key_rules where tenant_id = any($1)) and created_at <= $2
        order by tenant_key, from_at, version desc
        "#,
        &tenants,
        to_sql(written_by)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(KeyRule::try_from).collect()
}
