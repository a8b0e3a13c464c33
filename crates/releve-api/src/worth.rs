//! What is usage worth that is not counted where it belongs yet? For dry runs: each tenant's by its own contract.

use std::{collections::BTreeMap, fmt};

use releve_billing::estimate;
use releve_store::{contracts, customers};
use releve_types::{AccountId, Hour, Money, Sku, TenantId, time::MILLIS_PER_HOUR};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::error::Problem;

/// Base units of usage, by whose and what and when.
pub type Usage = BTreeMap<(TenantId, Sku, Hour), i64>;

/// An amount of one currency.
#[derive(Serialize, ToSchema, Clone, PartialEq, Eq, Debug)]
pub struct MoneyView {
    #[schema(example = "12.50", format = "decimal")]
    pub amount: String,
    #[schema(example = "EUR")]
    pub currency: String,
}

impl fmt::Display for MoneyView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.amount, self.currency))
    }
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount: money.amount().to_string(), currency: money.currency().to_string() }
    }
}

/// What it comes to at list price, first tiers, no rounding plan.
#[derive(Serialize, ToSchema, Clone, PartialEq, Eq, Debug, Default)]
pub struct WorthView {
    /// One amount per currency.
    pub money: Vec<MoneyView>,
    /// GPU time that has no price, or nobody to pay it.
    pub unpriced_gpu_ms: i64,
}

/// Hours with three decimals, cut off: a figure to read, beside the exact milliseconds.
pub fn gpu_hours(ms: i64) -> String {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let hour = MILLIS_PER_HOUR.unsigned_abs();
    format!("{sign}{}.{:03}", ms / hour, ms % hour / (hour / 1_000))
}

pub async fn worth(conn: &mut PgConnection, usage: &Usage) -> Result<WorthView, Problem> {
    let mut of_accounts: BTreeMap<Option<AccountId>, Vec<(&Sku, Hour, i64)>> = BTreeMap::new();
    let mut accounts: BTreeMap<TenantId, Option<AccountId>> = BTreeMap::new();
    for ((tenant, sku, hour), quantity) in usage {
        let account = match accounts.get(tenant) {
            Some(account) => *account,
            None => {
                let account = customers::tenant(conn, *tenant).await?.map(|t| t.account);
                accounts.insert(*tenant, account);
                account
            }
        };
        of_accounts.entry(account).or_default().push((sku, *hour, *quantity));
    }
    let known: Vec<AccountId> = of_accounts.keys().copied().flatten().collect();
    let contracts = contracts::of(conn, &known).await?;
    let (mut sums, mut view) = (BTreeMap::new(), WorthView::default());
    let gpu_ms = |sku: &Sku, quantity: i64| if matches!(sku, Sku::Gpu { .. }) { quantity } else { 0 };
    for (account, usage) in of_accounts {
        let Some(contract) = account.and_then(|account| contracts.get(&account)) else {
            view.unpriced_gpu_ms += usage.iter().map(|(sku, _, quantity)| gpu_ms(sku, *quantity)).sum::<i64>();
            continue;
        };
        let found = estimate(contract, usage)?;
        view.unpriced_gpu_ms += found.unpriced.iter().map(|(sku, quantity)| gpu_ms(sku, *quantity)).sum::<i64>();
        let sum = sums.entry(found.money.currency()).or_insert_with(|| Money::zero(found.money.currency()));
        *sum = sum.checked_add(found.money).map_err(|error| Problem::internal(&error))?;
    }
    view.money = sums.into_values().map(MoneyView::from).collect();
    Ok(view)
}

#[cfg(test)]
mod tests {
    #[test]
    fn hours_are_read_beside_milliseconds() {
        for (ms, hours) in [
            (0, "0.000"),
            (3_600_000, "1.000"),
            (5_400_001, "1.500"),
            (3_599, "0.000"),
            (3_600, "0.001"),
            (-5_400_001, "-1.500"),
        ] {
            assert_eq!(super::gpu_hours(ms), hours);
        }
    }
}
