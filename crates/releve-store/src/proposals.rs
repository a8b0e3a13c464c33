//! What waits for a second person's word? What one operator asked for, until another one approves or refuses it, or it expires.

use releve_types::{
    AccountId, Currency, Money, Timestamp,
    ids::{ApiKeyId, ProposalId},
};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// What was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub at: Timestamp,
    pub by: String,
    /// The id of what was made; none: it was refused.
    pub result: Option<String>,
    pub reason: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    pub id: ProposalId,
    /// `credit`.
    pub kind: String,
    pub account: AccountId,
    /// The request as it came.
    pub request: Value,
    pub amount: Money,
    pub proposed_at: Timestamp,
    pub proposed_by: String,
    pub proposer: Standing,
    pub expires_at: Timestamp,
    pub verdict: Option<Verdict>,
}

/// Under which ids somebody acts, and from whom those come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// A person, or a key with those that it took the place of.
    pub own: Vec<String>,
    /// These, and the keys and people that made them.
    pub line: Vec<String>,
    /// Of who made them, the keys that nobody made, as setting up makes the first: that two keys come from one of these is no sign
    /// of one hand.
    pub roots: Vec<String>,
}

impl Standing {
    /// Whether two may be one hand.
    pub fn touches(&self, other: &Self) -> bool {
        let meets = |some: &[String], others: &[String]| some.iter().any(|one| others.contains(one));
        let made = |own: &[String], by: &Self| meets(own, &by.line) || meets(own, &by.roots);
        made(&self.own, other) || made(&other.own, self) || meets(&self.line, &other.line)
    }
}

/// Where a key stands: its line, by what it replaced, came from and was made with.
pub async fn standing(conn: &mut PgConnection, key: ApiKeyId) -> Result<Standing, StoreError> {
    let rows = sqlx::query!(
        r#"
        with recursive line as (
            select key_id, replaces, made_by, minted_by, minted_by_user, user_id, true as own from api_keys where key_id = $1
            union
            select a.key_id, a.replaces, a.made_by, a.minted_by, a.minted_by_user, a.user_id,
                   l.own and (a.key_id = l.replaces or a.key_id = l.made_by) is true
            from line l join api_keys a on a.key_id in (l.replaces, l.made_by, l.minted_by)
        )
        select key_id as "key_id!", user_id, minted_by_user, own as "own!",
               (coalesce(replaces, made_by, minted_by, minted_by_user, user_id) is null) as "root!"
        from line
        "#,
        key.uuid()
    )
    .fetch_all(conn)
    .await?;
    let mut standing = Standing::default();
    let user = |id: Uuid| releve_types::ids::UserId::from_uuid(id).to_string();
    for row in rows {
        let key = ApiKeyId::from_uuid(row.key_id).to_string();
        if row.own {
            standing.own.push(key.clone());
            standing.own.extend(row.user_id.map(user));
        }
        if row.own || !row.root {
            standing.line.push(key);
        } else {
            standing.roots.push(key);
        }
        standing.line.extend(row.user_id.map(user));
        standing.line.extend(row.minted_by_user.map(user));
    }
    Ok(standing)
}

pub async fn insert(conn: &mut PgConnection, new: &Proposal) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into proposals (proposal_id, kind, account_id, request, amount, currency, proposed_at, proposed_by, own, line,
            roots, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        new.id.uuid(),
        new.kind,
        new.account.uuid(),
        new.request,
        new.amount.amount(),
        new.amount.currency().code(),
        to_sql(new.proposed_at),
        new.proposed_by,
        &new.proposer.own,
        &new.proposer.line,
        &new.proposer.roots,
        to_sql(new.expires_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct ProposalRow {
    proposal_id: Uuid,
    kind: String,
    account_id: Uuid,
    request: Value,
    amount: Decimal,
    currency: String,
    proposed_at: OffsetDateTime,
    proposed_by: String,
    own: Vec<String>,
    line: Vec<String>,
    roots: Vec<String>,
    expires_at: OffsetDateTime,
    decided_at: Option<OffsetDateTime>,
    decided_by: Option<String>,
    reason: Option<String>,
    result: Option<String>,
}

impl TryFrom<ProposalRow> for Proposal {
    type Error = StoreError;

    fn try_from(row: ProposalRow) -> Result<Self, StoreError> {
        let wrong = |error: String| StoreError::inconsistent("proposals", "amount", error);
        let currency: Currency = row.currency.parse().map_err(|_| wrong(row.currency.clone()))?;
        let amount = Money::exact(row.amount, currency).map_err(|error| wrong(error.to_string()))?;
        let (reason, result) = (row.reason, row.result);
        let verdict = row.decided_at.zip(row.decided_by);
        Ok(Self {
            id: ProposalId::from_uuid(row.proposal_id),
            kind: row.kind,
            account: AccountId::from_uuid(row.account_id),
            request: row.request,
            amount,
            proposed_at: from_sql(row.proposed_at),
            proposed_by: row.proposed_by,
            proposer: Standing { own: row.own, line: row.line, roots: row.roots },
            expires_at: from_sql(row.expires_at),
            verdict: verdict.map(|(at, by)| Verdict { at: from_sql(at), by, result, reason }),
        })
    }
}

/// One, locked until the commit.
pub async fn lock(conn: &mut PgConnection, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
    let row = sqlx::query_as!(
        ProposalRow,
        r#"
        select proposal_id, kind, account_id, request, amount, currency, proposed_at, proposed_by, own, line, roots,
               expires_at, decided_at, decided_by, reason, result
        from proposals where proposal_id = $1
        for update
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Proposal::try_from).transpose()
}

/// The latest first; of those that wait, or of all.
pub async fn proposals(
    conn: &mut PgConnection,
    waiting_at: Option<Timestamp>,
    before: Option<ProposalId>,
    len_max: i64,
) -> Result<Vec<Proposal>, StoreError> {
    let rows = sqlx::query_as!(
        ProposalRow,
        r#"
        select proposal_id, kind, account_id, request, amount, currency, proposed_at, proposed_by, own, line, roots,
               expires_at, decided_at, decided_by, reason, result
        from proposals
        where ($1::timestamptz is null or decided_at is null and expires_at > $1) and ($2::uuid is null or proposal_id < $2)
        order by proposal_id desc
        limit $3
        "#,
        waiting_at.map(to_sql),
        before.map(ProposalId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Proposal::try_from).collect()
}

/// Writes down what was decided.
pub async fn decide(conn: &mut PgConnection, id: ProposalId, verdict: &Verdict) -> Result<(), StoreError> {
    let decision = if verdict.result.is_some() { "approved" } else { "refused" };
    sqlx::query!(
        r#"
        update proposals set decided_at = $2, decided_by = $3, decision = $4, reason = $5, result = $6
        where proposal_id = $1 and decided_at is null
        "#,
        id.uuid(),
        to_sql(verdict.at),
        verdict.by,
        decision,
        verdict.reason,
        verdict.result
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(own: &[&str], line: &[&str], roots: &[&str]) -> Standing {
        let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Standing { own: texts(own), line: texts(line), roots: texts(roots) }
    }

    #[test]
    fn two_are_one_hand_where_one_comes_from_the_other_or_both_from_a_third() {
        let key = standing(&["k1"], &["k1"], &["k0"]);
        for (other, one_hand) in [
            (standing(&["k1"], &["k1"], &["k0"]), true),
            (standing(&["k2"], &["k2"], &["k0"]), false),
            (standing(&["k0"], &["k0"], &[]), true),
            (standing(&["k2"], &["k2", "k1"], &["k0"]), true),
            (standing(&["k2", "k1"], &["k2", "k1"], &["k0"]), true),
        ] {
            assert_eq!((key.touches(&other), other.touches(&key)), (one_hand, one_hand), "{other:?}");
        }
        let ada = |key: &str| standing(&[key], &[key, "usr"], &[]);
        assert!(ada("k1").touches(&ada("k2")), "two keys of one person");
    }
}
