//! What does somebody have to know, and what makes it so?

use releve_types::{AccountId, Currency, Money, NodeId, TenantId, Timestamp, ids::AlertId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, hour_to_sql, to_sql},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    pub id: AlertId,
    /// None: an account's, or the operator's.
    pub tenant: Option<TenantId>,
    /// Of an account as a whole; none: a tenant's, or the operator's.
    pub account: Option<AccountId>,
    pub kind: String,
    pub subject: String,
    /// What is alike and goes on folds into one.
    pub fold: String,
    pub count: i64,
    pub numbers: Value,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Of what goes on: when it was over.
    pub resolved_at: Option<Timestamp>,
    pub acknowledged: Option<(Timestamp, String)>,
}

pub async fn insert(conn: &mut PgConnection, alerts: &[Alert]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = alerts.iter().map(|a| a.id.uuid()).collect();
    let tenants: Vec<Option<Uuid>> = alerts.iter().map(|a| a.tenant.map(TenantId::uuid)).collect();
    let accounts: Vec<Option<Uuid>> = alerts.iter().map(|a| a.account.map(AccountId::uuid)).collect();
    let kinds: Vec<&str> = alerts.iter().map(|a| a.kind.as_str()).collect();
    let subjects: Vec<&str> = alerts.iter().map(|a| a.subject.as_str()).collect();
    let folds: Vec<&str> = alerts.iter().map(|a| a.fold.as_str()).collect();
    let counts: Vec<i64> = alerts.iter().map(|a| a.count).collect();
    let numbers: Vec<&Value> = alerts.iter().map(|a| &a.numbers).collect();
    let first: Vec<OffsetDateTime> = alerts.iter().map(|a| to_sql(a.first_at)).collect();
    let last: Vec<OffsetDateTime> = alerts.iter().map(|a| to_sql(a.last_at)).collect();
    let resolved: Vec<Option<OffsetDateTime>> = alerts.iter().map(|a| a.resolved_at.map(to_sql)).collect();
    sqlx::query!(
        r#"
        insert into alerts (alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at, resolved_at)
        select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::jsonb[],
                             $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
        "#,
        &ids,
        &tenants as _,
        &accounts as _,
        &kinds as _,
        &subjects as _,
        &folds as _,
        &counts,
        &numbers as _,
        &first,
        &last,
        &resolved as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What goes on may be told anew: how many, with which numbers, until when.
pub async fn update(conn: &mut PgConnection, alert: &Alert) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update alerts set subject = $2, count = $3, numbers = $4, last_at = $5, resolved_at = $6
        where alert_id = $1
        "#,
        alert.id.uuid(),
        alert.subject,
        alert.count,
        alert.numbers,
        to_sql(alert.last_at),
        alert.resolved_at.map(to_sql)
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct AlertRow {
    alert_id: Uuid,
    tenant_id: Option<Uuid>,
    account_id: Option<Uuid>,
    kind: String,
    subject: String,
    fold: String,
    count: i64,
    numbers: Value,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
    resolved_at: Option<OffsetDateTime>,
    acknowledged_at: Option<OffsetDateTime>,
    acknowledged_by: Option<String>,
}

impl From<AlertRow> for Alert {
    fn from(row: AlertRow) -> Self {
        Self {
            id: AlertId::from_uuid(row.alert_id),
            tenant: row.tenant_id.map(TenantId::from_uuid),
            account: row.account_id.map(AccountId::from_uuid),
            kind: row.kind,
            subject: row.subject,
            fold: row.fold,
            count: row.count,
            numbers: row.numbers,
            first_at: from_sql(row.first_at),
            last_at: from_sql(row.last_at),
            resolved_at: row.resolved_at.map(from_sql),
            acknowledged: row.acknowledged_at.map(from_sql).zip(row.acknowledged_by),
        }
    }
}

/// Whose alerts: a tenant's, an account's, or with neither the operator's own.
pub type Whose = (Option<TenantId>, Option<AccountId>);

/// Somebody's alerts of a kind that go on.
pub async fn going_on(conn: &mut PgConnection, (tenant, account): Whose, kind: &str) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query_as!(
        AlertRow,
        r#"
        select alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at, resolved_at,
               acknowledged_at, acknowledged_by
        from alerts
        where kind = $1 and tenant_id is not distinct from $2 and account_id is not distinct from $3
          and resolved_at is null
        order by alert_id
        "#,
        kind,
        tenant.map(TenantId::uuid),
        account.map(AccountId::uuid)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Alert::from).collect())
}

/// The alerts of a kind that go on, of all accounts. Served by alerts_going_on.
pub async fn of_accounts(conn: &mut PgConnection, kind: &str) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query_as!(
        AlertRow,
        r#"
        select alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at, resolved_at,
               acknowledged_at, acknowledged_by
        from alerts
        where kind = $1 and tenant_id is null and account_id is not null and resolved_at is null
        order by alert_id
        "#,
        kind
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Alert::from).collect())
}

/// Which alerts a list is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AlertFilter<'a> {
    /// A tenant's own and those of its account; none: the operator's, and all accounts'.
    pub of: Option<(TenantId, AccountId)>,
    pub kind: Option<&'a str>,
    /// `open`: it goes on, and nobody has looked at it; `acknowledged`: a person has; `resolved`: it is over.
    pub state: Option<&'a str>,
}

/// The latest first.
pub async fn alerts(
    conn: &mut PgConnection,
    filter: AlertFilter<'_>,
    before: Option<AlertId>,
    len_max: i64,
) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query_as!(
        AlertRow,
        r#"
        select alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at, resolved_at,
               acknowledged_at, acknowledged_by
        from alerts
        where case when $1::uuid is null then tenant_id is null else tenant_id = $1 or account_id = $2 end
          and ($3::uuid is null or alert_id < $3)
          and ($4::text is null or kind = $4)
          and case $5::text when 'open' then resolved_at is null and acknowledged_at is null
                            when 'acknowledged' then acknowledged_at is not null
                            when 'resolved' then resolved_at is not null
                            else true end
        order by alert_id desc
        limit $6
        "#,
        filter.of.map(|(tenant, _)| tenant.uuid()),
        filter.of.map(|(_, account)| account.uuid()),
        before.map(AlertId::uuid),
        filter.kind,
        filter.state,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Alert::from).collect())
}

/// One alert.
pub async fn alert(conn: &mut PgConnection, id: AlertId) -> Result<Option<Alert>, StoreError> {
    let row = sqlx::query_as!(
        AlertRow,
        r#"
        select alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at, resolved_at,
               acknowledged_at, acknowledged_by
        from alerts where alert_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Alert::from))
}

/// Notes that a person has looked at it. Whoever was first stays.
pub async fn acknowledge(conn: &mut PgConnection, id: AlertId, by: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "update alerts set acknowledged_at = $2, acknowledged_by = $3 where alert_id = $1 and acknowledged_at is null",
        id.uuid(),
        to_sql(now),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A node in service, and until when it reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    pub node: NodeId,
    pub name: String,
    pub site: String,
    pub rack: String,
    /// The end of what it last reported; if nothing since it is in service, the start of that.
    pub until: Timestamp,
    /// The alert that tells of its silence, if one does.
    pub alert: Option<AlertId>,
}

/// Nodes in service, and those whose silence is told of. Served by the primary keys of node_states and node_coverage.
pub async fn heard(conn: &mut PgConnection, now: Timestamp) -> Result<Vec<Heard>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select n.node_id as "node_id!", n.name as "name!", place.site as "site!", place.rack as "rack!",
               greatest(s.from_at, said.until) as "until!", quiet.alert_id as "alert_id?"
        from node_service s
        join nodes n on n.node_id = s.node_id
        cross join lateral (
            select site, rack from node_states p
            where p.node_id = s.node_id and p.from_at <= $1 order by p.from_at desc, p.version desc limit 1
        ) place
        left join lateral (
            select (c.day::timestamp at time zone 'UTC') + upper(c.covered) * interval '1 millisecond' as until
            from node_coverage c
            where c.node_id = s.node_id and not isempty(c.covered) order by c.day desc limit 1
        ) said on true
        left join silent_nodes quiet on quiet.node_id = s.node_id
        where s.from_at <= $1 and (s.to_at is null or s.to_at > $1)
        order by n.name
        "#,
        to_sql(now)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Heard {
            node: NodeId::from_uuid(row.node_id),
            name: row.name,
            site: row.site,
            rack: row.rack,
            until: from_sql(row.until),
            alert: row.alert_id.map(AlertId::from_uuid),
        })
        .collect())
}

/// Notes whose silence an alert tells of.
pub async fn silent(conn: &mut PgConnection, nodes: &[(NodeId, Timestamp)], alert: AlertId) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = nodes.iter().map(|(node, _)| node.uuid()).collect();
    let since: Vec<OffsetDateTime> = nodes.iter().map(|(_, since)| to_sql(*since)).collect();
    sqlx::query!(
        r#"
        insert into silent_nodes (node_id, alert_id, since)
        select node_id, $3, since from unnest($1::uuid[], $2::timestamptz[]) as quiet(node_id, since)
        on conflict (node_id) do nothing
        "#,
        &ids,
        &since,
        alert.uuid()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets silences of all but these nodes: they report again, or are in service no more. The alerts that told of any.
pub async fn speaking(conn: &mut PgConnection, silent: &[NodeId]) -> Result<Vec<AlertId>, StoreError> {
    let ids: Vec<Uuid> = silent.iter().map(|node| node.uuid()).collect();
    let rows = sqlx::query!("delete from silent_nodes where not node_id = any($1) returning alert_id", &ids)
        .fetch_all(conn)
        .await?;
    let mut alerts: Vec<AlertId> = rows.into_iter().map(|row| AlertId::from_uuid(row.alert_id)).collect();
    alerts.sort_unstable();
    alerts.dedup();
    Ok(alerts)
}

/// How many messages wait in quarantine, and how many of them came since.
pub async fn quarantine(conn: &mut PgConnection, since: Timestamp) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) as "waiting!", count(*) filter (where received_at >= $1) as "fresh!"
        from quarantine where status = 'waiting'
        "#,
        to_sql(since)
    )
    .fetch_one(conn)
    .await?;
    Ok((row.waiting, row.fresh))
}

/// How many keys have GPU time in suspense since, and how much. Served by the primary key of usage_hours.
pub async fn suspense(conn: &mut PgConnection, since: Timestamp) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) as "keys!", coalesce(sum(ms), 0)::bigint as "ms!"
        from (
            select sum(u.ms) as ms
            from tenants t join usage_hours u on u.tenant_id = t.tenant_id
            where t.kind = 'suspense' and u.hour >= $1
            group by t.tenant_id
            having sum(u.ms) > 0
        ) held
        "#,
        hour_to_sql(since.hour())
    )
    .fetch_one(conn)
    .await?;
    Ok((row.keys, row.ms))
}

/// Invoices of a seller's month that wait for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParkedMonth {
    pub seller: String,
    pub period_start: Timestamp,
    pub invoices: i64,
    /// Without VAT.
    pub total: Money,
}

pub async fn parked(conn: &mut PgConnection) -> Result<Vec<ParkedMonth>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select s.name, i.period_start, i.currency, count(*) as "count!", sum(i.total) as "total!"
        from invoices i join issuers s on s.issuer_id = i.issuer_id
        where i.state = 'parked'
        group by s.name, i.period_start, i.currency
        order by i.period_start, s.name, i.currency
        "#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = |detail: String| StoreError::inconsistent("invoices", "total", detail);
            let currency: Currency = row.currency.parse().map_err(|_| wrong(row.currency.clone()))?;
            let total = Money::exact(row.total, currency).map_err(|error| wrong(error.to_string()))?;
            let (seller, period_start) = (row.name, from_sql(row.period_start));
            Ok(ParkedMonth { seller, period_start, invoices: row.count, total })
        })
        .collect()
}
