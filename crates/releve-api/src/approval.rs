//! What may one person give away alone? Amounts up to a limit, in each currency; above, a second one has to approve.

use std::{collections::BTreeMap, str::FromStr};

use releve_types::{Currency, Money};

/// The limits of all currencies. Empty: nothing needs a second person.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Approval(BTreeMap<Currency, Money>);

/// One currency's limit, as it is set: `EUR=1000`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit(pub Money);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}': expected CURRENCY=AMOUNT, as in EUR=1000");
        let (currency, amount) = text.split_once('=').ok_or_else(wrong)?;
        let currency: Currency = currency.parse().map_err(|_| wrong())?;
        let limit = Money::parse(amount, currency).map_err(|_| wrong())?;
        if limit.is_negative() { Err(wrong()) } else { Ok(Self(limit)) }
    }
}

impl FromIterator<Limit> for Approval {
    fn from_iter<T: IntoIterator<Item = Limit>>(limits: T) -> Self {
        Self(limits.into_iter().map(|Limit(limit)| (limit.currency(), limit)).collect())
    }
}

impl Approval {
    /// Whether an amount needs a second person. Where there are limits, a currency without one has none that one may give alone.
    pub fn is_needed(&self, amount: Money) -> bool {
        !self.0.is_empty() && self.0.get(&amount.currency()).is_none_or(|limit| amount.amount() > limit.amount())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_the_limit_of_its_currency_or_where_there_is_none() {
        let money = |text: &str| text.parse::<Limit>().expect("an amount").0;
        let set: Approval = ["EUR=1000", "USD=0"].map(|text| text.parse().expect("a limit")).into_iter().collect();
        for (amount, needed) in [("EUR=1000", false), ("EUR=1000.01", true), ("USD=0.01", true), ("CHF=1", true)] {
            assert_eq!(set.is_needed(money(amount)), needed, "{amount}");
            assert!(!Approval::default().is_needed(money(amount)), "{amount}, without limits");
        }
        for wrong in ["1000", "EUR", "EUR=-1", "EUR=1.001", "XXX=1"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
