//! How are the lines of an invoice kept, and the VAT they bear? All drafts of a batch in two statements.

use releve_billing::{Draft, Line, tax::Vat};
use releve_types::{AccountId, InvoiceId, TenantId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{pool::StoreError, sql_time::to_sql};

/// Stores the lines of drafts, and what VAT they bear.
pub async fn put_lines(conn: &mut PgConnection, of: &[(InvoiceId, &Draft)]) -> Result<(), StoreError> {
    let mut columns = LineColumns::default();
    for (id, draft) in of {
        for (line, vat) in draft.content().lines.iter().zip(&draft.taxes().lines) {
            columns.push(*id, draft.content().account, line, *vat);
        }
    }
    sqlx::query!(
        r#"
        insert into invoice_lines (invoice_id, account_id, line, tenant_id, project, sku, description, unit, price_id,
                                   tier, from_at, to_at, metered, billed, energy_mj, unit_price, base_quantity, amount,
                                   vat_ground, vat_rate, taken_back, kind, vat_class, discount_agreement_id,
                                   discount_percent, discount)
        select * from unnest($1::uuid[], $2::uuid[], $3::int4[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                             $8::text[], $9::uuid[], $10::int4[], $11::timestamptz[], $12::timestamptz[], $13::bigint[],
                             $14::bigint[], $15::bigint[], $16::numeric[], $17::bigint[], $18::numeric[], $19::text[],
                             $20::numeric[], $21::boolean[], $22::text[], $23::text[], $24::uuid[],
                             $25::numeric[], $26::numeric[])
        "#,
        &columns.invoices,
        &columns.accounts,
        &columns.lines,
        &columns.tenants as _,
        &columns.projects as _,
        &columns.skus,
        &columns.descriptions as _,
        &columns.units as _,
        &columns.prices,
        &columns.tiers,
        &columns.froms,
        &columns.tos,
        &columns.metered,
        &columns.billed,
        &columns.energies,
        &columns.unit_prices,
        &columns.bases,
        &columns.amounts,
        &columns.vat_grounds as _,
        &columns.vat_rates,
        &columns.taken_back,
        &columns.kinds as _,
        &columns.vat_classes as _,
        &columns.discounted_by as _,
        &columns.discount_percents as _,
        &columns.discounts as _
    )
    .execute(&mut *conn)
    .await?;
    put_taxes(conn, of).await
}

#[derive(Default)]
struct LineColumns<'a> {
    invoices: Vec<Uuid>,
    accounts: Vec<Uuid>,
    lines: Vec<i32>,
    tenants: Vec<Option<Uuid>>,
    projects: Vec<&'a str>,
    skus: Vec<String>,
    descriptions: Vec<&'a str>,
    units: Vec<&'a str>,
    prices: Vec<Uuid>,
    tiers: Vec<i32>,
    froms: Vec<OffsetDateTime>,
    tos: Vec<OffsetDateTime>,
    metered: Vec<i64>,
    billed: Vec<i64>,
    energies: Vec<i64>,
    unit_prices: Vec<Decimal>,
    bases: Vec<i64>,
    amounts: Vec<Decimal>,
    vat_grounds: Vec<&'a str>,
    vat_rates: Vec<Decimal>,
    taken_back: Vec<bool>,
    kinds: Vec<&'a str>,
    vat_classes: Vec<&'a str>,
    discounted_by: Vec<Option<Uuid>>,
    discount_percents: Vec<Option<Decimal>>,
    discounts: Vec<Option<Decimal>>,
}

impl<'a> LineColumns<'a> {
    fn push(&mut self, invoice: InvoiceId, account: AccountId, line: &'a Line, vat: Vat) {
        let c = &line.charge;
        self.invoices.push(invoice.uuid());
        self.accounts.push(account.uuid());
        self.lines.push(line.line);
        self.tenants.push(c.tenant.map(TenantId::uuid));
        self.projects.push(&c.project);
        self.skus.push(c.sku.to_string());
        self.descriptions.push(&line.description);
        self.units.push(c.unit.name());
        self.prices.push(c.kind.id());
        self.tiers.push(i32::try_from(c.tier).unwrap_or(i32::MAX));
        self.froms.push(to_sql(c.stretch.start()));
        self.tos.push(to_sql(c.stretch.end()));
        self.metered.push(c.metered);
        self.billed.push(c.billed);
        self.energies.push(c.energy_mj);
        self.unit_prices.push(c.unit_price);
        self.bases.push(c.base_quantity);
        self.amounts.push(c.amount.amount());
        self.vat_grounds.push(vat.ground.name());
        self.vat_rates.push(vat.rate.percent());
        self.taken_back.push(line.taken_back);
        self.kinds.push(c.kind.name());
        self.vat_classes.push(c.class.name());
        self.discounted_by.push(c.discount.map(|off| off.agreement.uuid()));
        self.discount_percents.push(c.discount.map(|off| off.percent.value()));
        self.discounts.push(c.discount.map(|off| off.amount.amount()));
    }
}

/// Stores what each ground and rate comes to.
async fn put_taxes(conn: &mut PgConnection, of: &[(InvoiceId, &Draft)]) -> Result<(), StoreError> {
    let subtotals = || of.iter().flat_map(|(id, draft)| draft.taxes().subtotals.iter().map(move |s| (*id, *draft, s)));
    let accounts: Vec<Uuid> = subtotals().map(|(_, draft, _)| draft.content().account.uuid()).collect();
    let invoices: Vec<Uuid> = subtotals().map(|(id, ..)| id.uuid()).collect();
    let grounds: Vec<&str> = subtotals().map(|(.., s)| s.vat.ground.name()).collect();
    let rates: Vec<Decimal> = subtotals().map(|(.., s)| s.vat.rate.percent()).collect();
    let bases: Vec<Decimal> = subtotals().map(|(.., s)| s.base.amount()).collect();
    let taxes: Vec<Decimal> = subtotals().map(|(.., s)| s.tax.amount()).collect();
    sqlx::query!(
        r#"
        insert into invoice_taxes (account_id, invoice_id, ground, rate, base, tax)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[])
        "#,
        &accounts,
        &invoices,
        &grounds as _,
        &rates,
        &bases,
        &taxes
    )
    .execute(conn)
    .await?;
    Ok(())
}
