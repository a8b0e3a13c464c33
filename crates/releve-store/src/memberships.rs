//! What is a person to whom? Roles with a tenant or with the operator, given by hand or by what the identity provider says.

use releve_types::{
    TenantId, Timestamp,
    ids::{MembershipId, UserId},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// Where a membership comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A person gave it.
    Assigned,
    /// The identity provider says so at each login.
    Claim,
}

impl Source {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Claim => "claim",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    pub id: MembershipId,
    pub user: UserId,
    /// None: with the operator.
    pub tenant: Option<TenantId>,
    /// `viewer`, `billing` or `admin`.
    pub role: String,
    pub source: Source,
    pub until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub created_by: String,
}

struct MembershipRow {
    membership_id: Uuid,
    user_id: Uuid,
    tenant_id: Option<Uuid>,
    role: String,
    source: String,
    until_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    created_by: String,
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        Self {
            id: MembershipId::from_uuid(row.membership_id),
            user: UserId::from_uuid(row.user_id),
            tenant: row.tenant_id.map(TenantId::from_uuid),
            role: row.role,
            source: if row.source == Source::Claim.name() { Source::Claim } else { Source::Assigned },
            until: row.until_at.map(from_sql),
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        }
    }
}

/// Gives one; false if the person has one there already, from the same source.
pub async fn insert(conn: &mut PgConnection, new: &Membership) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into memberships (membership_id, user_id, tenant_id, role, source, until_at, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict do nothing
        "#,
        new.id.uuid(),
        new.user.uuid(),
        new.tenant.map(TenantId::uuid),
        new.role,
        new.source.name(),
        new.until.map(to_sql),
        to_sql(new.created_at),
        new.created_by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One that was not removed; locked until the commit.
pub async fn lock(conn: &mut PgConnection, id: MembershipId) -> Result<Option<Membership>, StoreError> {
    let row = sqlx::query_as!(
        MembershipRow,
        r#"
        select membership_id, user_id, tenant_id, role, source, until_at, created_at, created_by from memberships
        where membership_id = $1 and removed_at is null
        for update
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Membership::from))
}

/// Those that were not removed, in the order they were given; of a person, with a tenant, or all.
pub async fn memberships(
    conn: &mut PgConnection,
    (user, tenant): (Option<UserId>, Option<TenantId>),
    after: Option<MembershipId>,
    len_max: i64,
) -> Result<Vec<Membership>, StoreError> {
    let rows = sqlx::query_as!(
        MembershipRow,
        r#"
        select membership_id, user_id, tenant_id, role, source, until_at, created_at, created_by from memberships
        where removed_at is null and ($1::uuid is null or user_id = $1) and ($2::uuid is null or tenant_id = $2)
          and ($3::uuid is null or membership_id > $3)
        order by membership_id
        limit $4
        "#,
        user.map(UserId::uuid),
        tenant.map(TenantId::uuid),
        after.map(MembershipId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Membership::from).collect())
}

/// Takes one away, and ends the sessions that it opened with what came from them.
pub async fn remove(conn: &mut PgConnection, id: MembershipId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("update memberships set removed_at = $2 where membership_id = $1", id.uuid(), to_sql(now))
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        r#"
        update api_keys set revoked_at = coalesce(revoked_at, $2)
        where membership_id = $1 or made_by in (select key_id from api_keys where membership_id = $1)
        "#,
        id.uuid(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
