//! Who may call the API? Credentials, kept as digests only: keys, and the links and sessions of the web pages.

use releve_types::{
    TenantId, Timestamp,
    ids::{ApiKeyId, MembershipId, UserId},
};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

/// A key's use is written down once in so many seconds, so that reading does not become writing.
pub const LAST_USED_SECONDS: i64 = 60;

/// What a credential is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CredentialKind {
    /// A program's, until it is revoked.
    Key,
    /// Starts one session, once.
    Link,
    /// A browser's, for some hours.
    Session,
}

impl CredentialKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Link => "link",
            Self::Session => "session",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Key, Self::Link, Self::Session].into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub kind: CredentialKind,
    /// Of a link and a session: the key that it came from, and ends with.
    pub made_by: Option<ApiKeyId>,
    /// Of a key: the one that it took the place of.
    pub replaces: Option<ApiKeyId>,
    /// Of a person's session: who, and as what.
    pub person: Option<(UserId, MembershipId)>,
    pub sha256: [u8; 32],
    /// The first characters, to tell keys apart.
    pub hint: String,
    pub name: String,
    pub tenant: Option<TenantId>,
    pub scopes: Vec<String>,
    /// Which meters it may send readings of; `*` is any.
    pub meters: Vec<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

struct KeyRow {
    key_id: uuid::Uuid,
    kind: String,
    made_by: Option<uuid::Uuid>,
    replaces: Option<uuid::Uuid>,
    user_id: Option<uuid::Uuid>,
    membership_id: Option<uuid::Uuid>,
    sha256: Vec<u8>,
    hint: String,
    name: String,
    tenant_id: Option<uuid::Uuid>,
    scopes: Vec<String>,
    meters: Vec<String>,
    created_at: time::OffsetDateTime,
    created_by: String,
    expires_at: Option<time::OffsetDateTime>,
    revoked_at: Option<time::OffsetDateTime>,
    last_used_at: Option<time::OffsetDateTime>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = StoreError;
    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ApiKeyId::from_uuid(row.key_id),
            kind: CredentialKind::from_name(&row.kind)
                .ok_or_else(|| StoreError::inconsistent("api_keys", "kind", format!("'{}'", row.kind)))?,
            made_by: row.made_by.map(ApiKeyId::from_uuid),
            replaces: row.replaces.map(ApiKeyId::from_uuid),
            person: row.user_id.map(UserId::from_uuid).zip(row.membership_id.map(MembershipId::from_uuid)),
            sha256: row.sha256.as_slice().try_into().map_err(|e| StoreError::inconsistent("api_keys", "sha256", e))?,
            hint: row.hint,
            name: row.name,
            tenant: row.tenant_id.map(TenantId::from_uuid),
            scopes: row.scopes,
            meters: row.meters,
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.map(from_sql),
            revoked_at: row.revoked_at.map(from_sql),
            last_used_at: row.last_used_at.map(from_sql),
        })
    }
}

pub async fn insert(conn: &mut PgConnection, key: &ApiKey) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into api_keys (key_id, sha256, hint, name, tenant_id, scopes, meters, created_at, created_by, expires_at, kind,
            made_by, replaces, user_id, membership_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        "#,
        key.id.uuid(),
        key.sha256.as_slice(),
        key.hint,
        key.name,
        key.tenant.map(TenantId::uuid),
        &key.scopes,
        &key.meters,
        to_sql(key.created_at),
        key.created_by,
        key.expires_at.map(to_sql),
        key.kind.name(),
        key.made_by.map(ApiKeyId::uuid),
        key.replaces.map(ApiKeyId::uuid),
        key.person.map(|(user, _)| user.uuid()),
        key.person.map(|(_, membership)| membership.uuid()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key with this digest, whatever its state: the caller judges expiry and revocation.
pub async fn by_digest(conn: &mut PgConnection, sha256: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
    let row = sqlx::query_as!(
        KeyRow,
        r#"
        select k.key_id, k.kind, k.made_by, k.replaces, k.user_id, k.membership_id, k.sha256, k.hint, k.name, k.tenant_id, k.scopes,
               k.meters, k.created_at, k.created_by, least(k.expires_at, made.expires_at, m.until_at) as expires_at,
               coalesce(k.revoked_at, made.revoked_at, m.removed_at) as revoked_at, k.last_used_at
        from api_keys k
        left join api_keys made on made.key_id = k.made_by
        left join memberships m on m.membership_id = k.membership_id
        where k.sha256 = $1
        "#,
        sha256.as_slice()
    )
    .fetch_optional(conn)
    .await?;
    row.map(ApiKey::try_from).transpose()
}

/// Notes that a key was used. Newer than [`LAST_USED_SECONDS`] it is left as it is.
pub async fn touch(conn: &mut PgConnection, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_millis(-LAST_USED_SECONDS * 1_000);
    sqlx::query!(
        "update api_keys set last_used_at = $2 where key_id = $1 and (last_used_at is null or last_used_at < $3)",
        id.uuid(),
        to_sql(now),
        to_sql(before),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keys in the order they were made, after one; of one tenant or of all.
pub async fn keys(
    conn: &mut PgConnection,
    tenant: Option<TenantId>,
    after: Option<ApiKeyId>,
    len_max: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    let rows = sqlx::query_as!(
        KeyRow,
        r#"
        select key_id, kind, made_by, replaces, user_id, membership_id, sha256, hint, name, tenant_id, scopes, meters, created_at,
               created_by, expires_at, revoked_at, last_used_at
        from api_keys
        where kind = 'key' and ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or key_id > $2)
        order by key_id
        limit $3
        "#,
        tenant.map(TenantId::uuid),
        after.map(ApiKeyId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// The credential with this id, locked until the commit, for who changes it.
pub async fn lock(conn: &mut PgConnection, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let row = sqlx::query_as!(
        KeyRow,
        r#"
        select key_id, kind, made_by, replaces, user_id, membership_id, sha256, hint, name, tenant_id, scopes, meters, created_at,
               created_by, expires_at, revoked_at, last_used_at
        from api_keys
        where key_id = $1
        for update
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(ApiKey::try_from).transpose()
}

/// Notes with what a key was made: by whom it comes counts where two persons are needed.
pub async fn note_minter(
    conn: &mut PgConnection,
    id: ApiKeyId,
    (key, user): (Option<ApiKeyId>, Option<UserId>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "update api_keys set minted_by = $2, minted_by_user = $3 where key_id = $1",
        id.uuid(),
        key.map(ApiKeyId::uuid),
        user.map(UserId::uuid)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many of a tenant's keys are neither revoked nor expired.
pub async fn count(conn: &mut PgConnection, tenant: TenantId, now: Timestamp) -> Result<i64, StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) as "count!" from api_keys
        where tenant_id = $1 and kind = 'key' and revoked_at is null and (expires_at is null or expires_at > $2)
        "#,
        tenant.uuid(),
        to_sql(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.count)
}

/// Whether another key took the place of this one.
pub async fn is_replaced(conn: &mut PgConnection, id: ApiKeyId) -> Result<bool, StoreError> {
    let row = sqlx::query!(r#"select exists (select from api_keys where replaces = $1) as "exists!""#, id.uuid())
        .fetch_one(conn)
        .await?;
    Ok(row.exists)
}

/// Lets a key, and the links and sessions that came from it, end at an instant, unless they end before.
pub async fn end_at(conn: &mut PgConnection, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "update api_keys set expires_at = least(expires_at, $2) where key_id = $1 or made_by = $1",
        id.uuid(),
        to_sql(at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Revokes at once, with the links and sessions that came from it. The first revocation stands; false if there is no such
/// credential.
pub async fn revoke(conn: &mut PgConnection, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update api_keys set revoked_at = coalesce(revoked_at, $2) where key_id = $1 or made_by = $1",
        id.uuid(),
        to_sql(now),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Uses a link up. False if somebody did before: of two at once, the row's lock lets one be first.
pub async fn use_up(conn: &mut PgConnection, link: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update api_keys set revoked_at = $2 where key_id = $1 and kind = 'link' and revoked_at is null",
        link.uuid(),
        to_sql(now),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether anybody could call the operator's side: a key that writes, not revoked and not expired.
pub async fn operator_exists(conn: &mut PgConnection, now: Timestamp) -> Result<bool, StoreError> {
    let row = sqlx::query!(
        r#"
        select exists (
            select from api_keys
            where kind = 'key' and 'operator:write' = any (scopes) and revoked_at is null and (expires_at is null or expires_at > $1)
        ) as "exists!"
        "#,
        to_sql(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.exists)
}

/// Deletes links and sessions that ended before an instant; how many. Keys stay: what was done with one is read for longer.
pub async fn forget(conn: &mut PgConnection, before: Timestamp, len_max: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        delete from api_keys where key_id in (
            select key_id from api_keys ended
            where kind <> 'key' and expires_at < $1
              and not exists (select from api_keys a where a.made_by = ended.key_id or a.minted_by = ended.key_id)
            order by expires_at
            limit $2)
        "#,
        to_sql(before),
        len_max
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
