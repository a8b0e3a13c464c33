//! What do customers ask about lines of their invoices, and what was answered?

use releve_types::{AccountId, InvoiceId, TenantId, Timestamp, ids::QuestionId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// A question as somebody asked it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    pub id: QuestionId,
    pub tenant: TenantId,
    pub account: AccountId,
    pub invoice: InvoiceId,
    /// As printed: the first is 1.
    pub line: i32,
    pub text: String,
    pub asked_at: Timestamp,
    pub asked_by: String,
    pub answer: Option<Answer>,
}

/// What became of it: with a credit note it was granted, without it the line stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub credit_note: Option<InvoiceId>,
    pub reason: String,
    pub at: Timestamp,
    pub by: String,
}

impl Answer {
    pub const fn verdict(&self) -> &'static str {
        if self.credit_note.is_some() { "credited" } else { "stands" }
    }
}

pub async fn insert(conn: &mut PgConnection, question: &Question) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into line_questions (tenant_id, question_id, account_id, invoice_id, line, question, asked_at, asked_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        question.tenant.uuid(),
        question.id.uuid(),
        question.account.uuid(),
        question.invoice.uuid(),
        question.line,
        question.text,
        to_sql(question.asked_at),
        question.asked_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many of a tenant wait for an answer.
pub async fn open_of(conn: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "n!" from line_questions where tenant_id = $1 and verdict is null"#,
        tenant.uuid()
    )
    .fetch_one(conn)
    .await?)
}

/// Answers a question. False if it was answered before.
pub async fn answer(conn: &mut PgConnection, question: &Question, answer: &Answer) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update line_questions set verdict = $3, answer = $4, credit_note_id = $5, answered_at = $6, answered_by = $7
        where tenant_id = $1 and question_id = $2 and verdict is null
        "#,
        question.tenant.uuid(),
        question.id.uuid(),
        answer.verdict(),
        answer.reason,
        answer.credit_note.map(InvoiceId::uuid),
        to_sql(answer.at),
        answer.by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct QuestionRow {
    tenant_id: Uuid,
    question_id: Uuid,
    account_id: Uuid,
    invoice_id: Uuid,
    line: i32,
    question: String,
    asked_at: OffsetDateTime,
    asked_by: String,
    answer: Option<String>,
    credit_note_id: Option<Uuid>,
    answered_at: Option<OffsetDateTime>,
    answered_by: Option<String>,
}

impl From<QuestionRow> for Question {
    fn from(row: QuestionRow) -> Self {
        let answer = row.answer.zip(row.answered_at).zip(row.answered_by).map(|((reason, at), by)| Answer {
            credit_note: row.credit_note_id.map(InvoiceId::from_uuid),
            reason,
            at: from_sql(at),
            by,
        });
        Self {
            id: QuestionId::from_uuid(row.question_id),
            tenant: TenantId::from_uuid(row.tenant_id),
            account: AccountId::from_uuid(row.account_id),
            invoice: InvoiceId::from_uuid(row.invoice_id),
            line: row.line,
            text: row.question,
            asked_at: from_sql(row.asked_at),
            asked_by: row.asked_by,
            answer,
        }
    }
}

/// Which questions a list holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuestionFilter {
    pub id: Option<QuestionId>,
    pub tenant: Option<TenantId>,
    pub invoice: Option<InvoiceId>,
    /// Those that wait for an answer; or those that have one.
    pub open: Option<bool>,
}

/// Questions, the latest first, before one of them. Served by the index on question_id.
pub async fn questions(
    conn: &mut PgConnection,
    filter: QuestionFilter,
    before: Option<QuestionId>,
    len_max: i64,
) -> Result<Vec<Question>, StoreError> {
    let rows = sqlx::query_as!(
        QuestionRow,
        r#"
        select tenant_id, question_id, account_id, invoice_id, line, question, asked_at, asked_by, answer, credit_note_id,
               answered_at, answered_by
        from line_questions
        where ($1::uuid is null or question_id = $1) and ($2::uuid is null or tenant_id = $2)
          and ($3::uuid is null or invoice_id = $3) and ($4::boolean is null or (verdict is null) = $4)
          and ($5::uuid is null or question_id < $5)
        order by question_id desc
        limit $6
        "#,
        filter.id.map(QuestionId::uuid),
        filter.tenant.map(TenantId::uuid),
        filter.invoice.map(InvoiceId::uuid),
        filter.open,
        before.map(QuestionId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Question::from).collect())
}
