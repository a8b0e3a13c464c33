//! What may an account draw on, and where did it go? Credits and the ledger of their entries.

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{Credit, CreditKind, DepositRef, Drawn, NewCredit, Number, Scope};
use releve_types::{
    AccountId, Currency, Day, InvoiceId, Money, Period, TenantId, Timestamp,
    ids::{CreditId, PaymentId},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql, from_sql, to_sql},
};

/// Where money of a credit comes from or goes to, and why it moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Movement {
    Opened,
    /// By a document.
    Drawn,
    /// By a credit note.
    GivenBack,
    Expired,
    Withdrawn,
}

impl Movement {
    pub const ALL: [Self; 5] = [Self::Opened, Self::Drawn, Self::GivenBack, Self::Expired, Self::Withdrawn];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Drawn => "drawn",
            Self::GivenBack => "given_back",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From which side to which, of a credit of this kind.
    pub const fn sides(self, kind: &CreditKind) -> (&'static str, &'static str) {
        let whose = match kind {
            CreditKind::Granted { .. } => "seller",
            CreditKind::Paid { .. } => "payment",
        };
        match self {
            Self::Opened => (whose, "credit"),
            Self::Drawn => ("credit", "invoice"),
            Self::GivenBack => ("invoice", "credit"),
            Self::Expired => ("credit", "expired"),
            Self::Withdrawn => ("credit", whose),
        }
    }
}

/// A credit as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreditRecord {
    pub account: AccountId,
    pub credit: Arc<Credit>,
    pub remaining: Money,
    /// Of a paid one.
    pub payment: Option<PaymentId>,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// One row of the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub movement: Movement,
    pub amount: Money,
    pub invoice: Option<InvoiceId>,
    pub reason: String,
    pub entered_at: Timestamp,
    pub entered_by: String,
}

/// A row to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry<'a> {
    pub account: AccountId,
    pub credit: &'a Credit,
    pub movement: Movement,
    /// Above zero.
    pub amount: Money,
    pub invoice: Option<InvoiceId>,
    pub reason: &'a str,
    pub by: &'a str,
}

/// Makes a credit and opens it with what it is worth, by its deposit invoice if it gets one.
pub async fn open(
    conn: &mut PgConnection,
    record: &CreditRecord,
    invoice: Option<InvoiceId>,
) -> Result<(), StoreError> {
    let credit = &record.credit;
    let (scope, sku, tenant, project) = match credit.kind() {
        CreditKind::Paid { .. } => (None, None, None, None),
        CreditKind::Granted { scope: Scope::All } => (Some("all"), None, None, None),
        CreditKind::Granted { scope: Scope::Sku(sku) } => (Some("sku"), Some(sku.to_string()), None, None),
        CreditKind::Granted { scope: Scope::Project { tenant, project } } => {
            (Some("project"), None, Some(tenant.uuid()), Some(project.as_str()))
        }
    };
    let paid_on = match credit.kind() {
        CreditKind::Paid { paid_on, .. } => Some(day_to_sql(paid_on.index())),
        CreditKind::Granted { .. } => None,
    };
    sqlx::query!(
        r#"
        insert into credits (credit_id, account_id, kind, description, amount, currency, priority, from_at, expires_at,
                             scope, sku, tenant_id, project, payment_id, paid_on, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        "#,
        credit.id().uuid(),
        record.account.uuid(),
        credit.kind().name(),
        credit.description(),
        credit.amount().amount(),
        credit.currency().code(),
        i16::try_from(credit.priority()).unwrap_or(i16::MAX),
        to_sql(credit.from().start()),
        credit.expires().map(|expires| to_sql(expires.start())),
        scope,
        sku,
        tenant,
        project,
        record.payment.map(PaymentId::uuid),
        paid_on,
        to_sql(record.created_at),
        record.created_by
    )
    .execute(&mut *conn)
    .await?;
    let (account, amount, by) = (record.account, credit.amount(), record.created_by.as_str());
    let entry = NewEntry { account, credit, movement: Movement::Opened, amount, invoice, reason: "", by };
    enter(conn, &[entry], record.created_at).await
}

/// Writes entries; what they leave of each credit follows. The database refuses to take more than there is.
pub async fn enter(conn: &mut PgConnection, entries: &[NewEntry<'_>], now: Timestamp) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = entries.iter().map(|e| e.account.uuid()).collect();
    let credits: Vec<Uuid> = entries.iter().map(|e| e.credit.id().uuid()).collect();
    let sides = entries.iter().map(|e| e.movement.sides(e.credit.kind()));
    let (from_sides, to_sides): (Vec<&str>, Vec<&str>) = sides.unzip();
    let amounts: Vec<Decimal> = entries.iter().map(|e| e.amount.amount()).collect();
    let invoices: Vec<Option<Uuid>> = entries.iter().map(|e| e.invoice.map(InvoiceId::uuid)).collect();
    let reasons: Vec<&str> = entries.iter().map(|e| e.reason).collect();
    let by: Vec<&str> = entries.iter().map(|e| e.by).collect();
    sqlx::query!(
        r#"
        insert into credit_entries (account_id, credit_id, from_side, to_side, amount, invoice_id, reason, entered_by,
                                    entered_at)
        select account_id, credit_id, from_side, to_side, amount, invoice_id, reason, entered_by, $9
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::uuid[], $7::text[], $8::text[])
             with ordinality
             as e(account_id, credit_id, from_side, to_side, amount, invoice_id, reason, entered_by, ord)
        order by ord
        "#,
        &accounts,
        &credits,
        &from_sides as _,
        &to_sides as _,
        &amounts,
        &invoices as _,
        &reasons as _,
        &by as _,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct CreditRow {
    credit_id: Uuid,
    account_id: Uuid,
    kind: String,
    description: String,
    amount: Decimal,
    currency: String,
    remaining: Decimal,
    priority: i16,
    from_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    scope: Option<String>,
    sku: Option<String>,
    tenant_id: Option<Uuid>,
    project: Option<String>,
    payment_id: Option<Uuid>,
    paid_on: Option<time::Date>,
    created_at: OffsetDateTime,
    created_by: String,
    // Of its deposit invoice.
    series: Option<String>,
    year: Option<i32>,
    serial: Option<i64>,
    issued_at: Option<OffsetDateTime>,
}

fn broken(column: &'static str, detail: impl ToString) -> StoreError {
    StoreError::inconsistent("credits", column, detail)
}

/// The invoice that an advance got, of its parts.
fn deposit(
    series: Option<&str>,
    year: Option<i32>,
    serial: Option<i64>,
    issued_at: Option<OffsetDateTime>,
) -> Result<Option<Box<DepositRef>>, StoreError> {
    let (Some(series), Some(year), Some(serial), Some(issued_at)) = (series, year, serial, issued_at) else {
        return Ok(None);
    };
    let number = Number::new(series, year, serial).map_err(|e| StoreError::inconsistent("invoices", "number", e))?;
    Ok(Some(Box::new(DepositRef { number, issued_at: from_sql(issued_at) })))
}

impl CreditRow {
    fn kind(&self) -> Result<CreditKind, StoreError> {
        match (self.kind.as_str(), self.scope.as_deref(), self.paid_on) {
            ("paid", None, Some(paid_on)) => {
                let deposit = deposit(self.series.as_deref(), self.year, self.serial, self.issued_at)?;
                Ok(CreditKind::Paid { paid_on: Day::from_index(day_from_sql(paid_on)), deposit })
            }
            ("granted", Some(scope), None) => Ok(CreditKind::Granted { scope: self.scope(scope)? }),
            (other, ..) => Err(broken("kind", other)),
        }
    }

    fn scope(&self, scope: &str) -> Result<Scope, StoreError> {
        match (scope, &self.sku, self.tenant_id, &self.project) {
            ("all", ..) => Ok(Scope::All),
            ("sku", Some(sku), ..) => Ok(Scope::Sku(sku.parse().map_err(|e| broken("sku", e))?)),
            ("project", _, Some(tenant), Some(project)) => {
                Ok(Scope::Project { tenant: TenantId::from_uuid(tenant), project: project.clone() })
            }
            _ => Err(broken("scope", "incomplete")),
        }
    }
}

impl TryFrom<CreditRow> for CreditRecord {
    type Error = StoreError;
    fn try_from(row: CreditRow) -> Result<Self, StoreError> {
        let currency: Currency = row.currency.parse().map_err(|e| broken("currency", e))?;
        let money = |amount, column| Money::exact(amount, currency).map_err(|e| broken(column, e));
        let new = NewCredit {
            description: row.description.clone(),
            kind: row.kind()?,
            amount: money(row.amount, "amount")?,
            priority: u16::try_from(row.priority).map_err(|e| broken("priority", e))?,
            from: from_sql(row.from_at),
            expires: row.expires_at.map(from_sql),
        };
        let credit = Credit::new(CreditId::from_uuid(row.credit_id), new).map_err(|e| broken("credit_id", e))?;
        Ok(Self {
            account: AccountId::from_uuid(row.account_id),
            credit: Arc::new(credit),
            remaining: money(row.remaining, "remaining")?,
            payment: row.payment_id.map(PaymentId::from_uuid),
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
        })
    }
}

/// What these accounts' period may draw on: credits that hold in it and have something left, and those that its documents
/// have drawn. Locked until the commit, so that what is left stays so until it is drawn.
pub async fn drawable(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
    drawn: &[CreditId],
) -> Result<BTreeMap<AccountId, Vec<CreditRecord>>, StoreError> {
    let accounts: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let drawn: Vec<Uuid> = drawn.iter().map(|c| c.uuid()).collect();
    let rows = sqlx::query_as!(
        CreditRow,
        r#"
        select c.credit_id, c.account_id, c.kind, c.description, c.amount, c.currency, c.remaining, c.priority, c.from_at,
               c.expires_at, c.scope, c.sku, c.tenant_id, c.project, c.payment_id, c.paid_on, c.created_at, c.created_by,
               d.series as "series?", d.year, d.serial, d.issued_at
        from credits c
        left join invoices d on d.credit_id = c.credit_id and d.corrects = '[]' and d.state = 'issued'
        where (c.account_id = any($1) and c.remaining > 0 and c.from_at < $2
                 and (c.expires_at is null or c.expires_at > $3))
           or c.credit_id = any($4)
        order by c.credit_id
        for update of c
        "#,
        &accounts,
        to_sql(period.end()),
        to_sql(period.start()),
        &drawn
    )
    .fetch_all(conn)
    .await?;
    by_account(rows)
}

fn by_account(rows: Vec<CreditRow>) -> Result<BTreeMap<AccountId, Vec<CreditRecord>>, StoreError> {
    let mut of: BTreeMap<AccountId, Vec<CreditRecord>> = BTreeMap::new();
    for row in rows {
        let record = CreditRecord::try_from(row)?;
        of.entry(record.account).or_default().push(record);
    }
    Ok(of)
}

/// All of an account's, the oldest first.
pub async fn of(conn: &mut PgConnection, account: AccountId) -> Result<Vec<CreditRecord>, StoreError> {
    let rows = sqlx::query_as!(
        CreditRow,
        r#"
        select c.credit_id, c.account_id, c.kind, c.description, c.amount, c.currency, c.remaining, c.priority, c.from_at,
               c.expires_at, c.scope, c.sku, c.tenant_id, c.project, c.payment_id, c.paid_on, c.created_at, c.created_by,
               d.series as "series?", d.year, d.serial, d.issued_at
        from credits c
        left join invoices d on d.credit_id = c.credit_id and d.corrects = '[]' and d.state = 'issued'
        where c.account_id = $1
        order by c.credit_id
        "#,
        account.uuid()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CreditRecord::try_from).collect()
}

/// One credit, locked until the commit.
pub async fn lock(conn: &mut PgConnection, id: CreditId) -> Result<Option<CreditRecord>, StoreError> {
    let row = sqlx::query_as!(
        CreditRow,
        r#"
        select c.credit_id, c.account_id, c.kind, c.description, c.amount, c.currency, c.remaining, c.priority, c.from_at,
               c.expires_at, c.scope, c.sku, c.tenant_id, c.project, c.payment_id, c.paid_on, c.created_at, c.created_by,
               d.series as "series?", d.year, d.serial, d.issued_at
        from credits c
        left join invoices d on d.credit_id = c.credit_id and d.corrects = '[]' and d.state = 'issued'
        where c.credit_id = $1
        for update of c
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(CreditRecord::try_from).transpose()
}

/// The deposit invoice of an advance, if it got one.
pub async fn deposit_of(conn: &mut PgConnection, id: CreditId) -> Result<Option<InvoiceId>, StoreError> {
    let row = sqlx::query!(
        "select invoice_id from invoices where credit_id = $1 and corrects = '[]' and state = 'issued'",
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|r| InvoiceId::from_uuid(r.invoice_id)))
}

/// Credits that expired and still hold money that no period may draw any more: the account's period in which they ran out was
/// billed. Locked until the commit.
pub async fn run_out(conn: &mut PgConnection, now: Timestamp, len_max: i64) -> Result<Vec<CreditRecord>, StoreError> {
    let rows = sqlx::query_as!(
        CreditRow,
        r#"
        select c.credit_id, c.account_id, c.kind, c.description, c.amount, c.currency, c.remaining, c.priority, c.from_at,
               c.expires_at, c.scope, c.sku, c.tenant_id, c.project, c.payment_id, c.paid_on, c.created_at, c.created_by,
               d.series as "series?", d.year, d.serial, d.issued_at
        from credits c
        left join invoices d on d.credit_id = c.credit_id and d.corrects = '[]' and d.state = 'issued'
        where c.remaining > 0 and c.expires_at <= $1
          and exists (select from billing_run_accounts b join billing_runs r on r.run_id = b.run_id
                      where b.account_id = c.account_id and b.outcome in ('issued', 'nothing')
                        and r.period_start < c.expires_at and r.period_end >= c.expires_at)
        order by c.credit_id
        limit $2
        for update of c
        "#,
        to_sql(now),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CreditRecord::try_from).collect()
}

/// The ledger of a credit, the first entry first.
pub async fn entries(conn: &mut PgConnection, record: &CreditRecord) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select from_side, to_side, amount, invoice_id, reason, entered_at, entered_by
        from credit_entries
        where credit_id = $1
        order by entry_id
        "#,
        record.credit.id().uuid()
    )
    .fetch_all(conn)
    .await?;
    let broken = |column, detail: String| StoreError::inconsistent("credit_entries", column, detail);
    let mut entries = Vec::with_capacity(rows.len());
    for r in rows {
        let sides = (r.from_side.as_str(), r.to_side.as_str());
        let movement = Movement::ALL.into_iter().find(|m| m.sides(record.credit.kind()) == sides);
        entries.push(Entry {
            movement: movement.ok_or_else(|| broken("from_side", r.from_side.clone()))?,
            amount: Money::exact(r.amount, record.credit.currency()).map_err(|e| broken("amount", e.to_string()))?,
            invoice: r.invoice_id.map(InvoiceId::from_uuid),
            reason: r.reason,
            entered_at: from_sql(r.entered_at),
            entered_by: r.entered_by,
        });
    }
    Ok(entries)
}

/// What documents draw on credits that were paid in advance, with the documents' signs, in the order in which it was drawn.
pub async fn drawn_by(
    conn: &mut PgConnection,
    of: &[(AccountId, InvoiceId, Currency)],
) -> Result<BTreeMap<InvoiceId, Vec<Drawn>>, StoreError> {
    let accounts: Vec<Uuid> = of.iter().map(|(account, ..)| account.uuid()).collect();
    let invoices: Vec<Uuid> = of.iter().map(|(_, invoice, _)| invoice.uuid()).collect();
    let currencies: BTreeMap<InvoiceId, Currency> = of.iter().map(|(_, id, currency)| (*id, *currency)).collect();
    let rows = sqlx::query!(
        r#"
        select e.invoice_id as "invoice_id!", e.credit_id, c.paid_on as "paid_on!",
               -- What opens an advance is what its deposit invoice says was paid.
               case when e.to_side = 'invoice' or e.from_side = 'payment' then e.amount else -e.amount end as "amount!",
               d.series as "series?", d.year, d.serial, d.issued_at
        from unnest($1::uuid[], $2::uuid[]) as asked(account_id, invoice_id)
        join credit_entries e on e.account_id = asked.account_id and e.invoice_id = asked.invoice_id
        join credits c on c.credit_id = e.credit_id
        left join invoices d on d.credit_id = c.credit_id and d.corrects = '[]' and d.state = 'issued'
                            and 'invoice' in (e.from_side, e.to_side)
        where c.kind = 'paid'
        order by e.invoice_id, e.entry_id
        "#,
        &accounts,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    let broken = |column, detail: String| StoreError::inconsistent("credit_entries", column, detail);
    let mut drawn: BTreeMap<InvoiceId, Vec<Drawn>> = BTreeMap::new();
    for r in rows {
        let invoice = InvoiceId::from_uuid(r.invoice_id);
        let currency = currencies.get(&invoice).copied();
        let currency = currency.ok_or_else(|| broken("invoice_id", "not among those asked for".to_owned()))?;
        drawn.entry(invoice).or_default().push(Drawn {
            credit: CreditId::from_uuid(r.credit_id),
            paid_on: Day::from_index(day_from_sql(r.paid_on)),
            deposit: deposit(r.series.as_deref(), r.year, r.serial, r.issued_at)?,
            amount: Money::exact(r.amount, currency).map_err(|e| broken("amount", e.to_string()))?,
        });
    }
    Ok(drawn)
}
