//! What did the demo's customers agree to beside the price list? One of each kind that there is.

use releve_billing::{AgreedTerms, Matching, Scope, tax::RateClass};
use releve_sim::fleet;
use releve_types::{Currency, Day, Money, Period, Sku, sku::Share, time::MILLIS_PER_DAY};

use crate::cast::{Agreed, Credited};

/// Whose invoice is held back: nobody knows where it is.
pub const UNKNOWN_HOME: &str = "Isola Institute";
/// Who took over whose namespace, days before the month's end; it is told after the month was billed.
pub const HANDED_OVER: (&str, &str, i64) = ("Brio Studio", "Delta Search", 4);

/// As of the month that the demo plays.
pub fn agreed(period: Period) -> anyhow::Result<Vec<Agreed>> {
    let gpu = |model: &str, region: &str| Sku::gpu(model, None, Share::WHOLE, false, region);
    let on_day = |day: i64| period.start().plus_millis((day - 1) * MILLIS_PER_DAY);
    let one = |with: &str, description: &str, terms| {
        let (with, description) = (with.to_owned(), description.to_owned());
        Agreed { with, description, from: period.start(), terms }
    };
    let (standard, reduced) = (RateClass::Standard, RateClass::Reduced);
    let h100 = gpu(fleet::H100, fleet::REGION_WEST)?;
    let reservation = |devices, matching, price: &str, overage: Option<&str>| {
        let overage = overage.map(str::parse).transpose()?;
        anyhow::Ok(AgreedTerms::Reservation { sku: h100.clone(), devices, matching, price: price.parse()?, overage })
    };
    let recurring = |name, price: &str| {
        anyhow::Ok(AgreedTerms::Recurring { sku: Sku::fee(name)?, price: price.parse()?, class: standard })
    };
    let once =
        |name, price: &str, class| anyhow::Ok(AgreedTerms::Once { sku: Sku::fee(name)?, price: price.parse()?, class });
    let discount = |scope, percent: &str| anyhow::Ok(AgreedTerms::Discount { scope, percent: percent.parse()? });
    let goodwill = AgreedTerms::Goodwill { sku: Sku::fee("goodwill")?, price: "25.00".parse()?, class: standard };
    Ok(vec![
        one("Aurora Models", "Frame contract A-17", reservation(20, Matching::Hour, "1.95", None)?),
        one("Brio Studio", "Start-up programme", discount(Scope::All, "15")?),
        one("Caldera Labs", "Partner price", discount(Scope::Sku(gpu(fleet::H200, fleet::REGION_NORTH)?), "5")?),
        one("Delta Search", "Premium support", recurring("premium-support", "450.00")?),
        // At the reduced rate, so that one invoice bears two.
        Agreed { from: on_day(5), ..one("Delta Search", "Printed manuals", once("manuals", "38.00", reduced)?) },
        one("Fjord Weather", "Night capacity", reservation(8, Matching::Instant, "2.00", Some("2.30"))?),
        one("Gale Robotics", "Minimum spend", AgreedTerms::Minimum { price: "6000.00".parse()? }),
        Agreed { from: on_day(3), ..one("Gale Robotics", "Set-up", once("set-up", "150.00", standard)?) },
        Agreed { from: on_day(12), ..one("Harbor Archive", "Slow reads on the 11th", goodwill) },
        one(UNKNOWN_HOME, "Kept ready", recurring("standby", "90.00")?),
    ])
}

/// What some of them draw on: a grant, an advance that covers a whole invoice, and one that covers a part.
pub fn credited(period: Period) -> anyhow::Result<Vec<Credited>> {
    let one = |with: &str, description: &str, amount: &str, paid_days_before: Option<i64>| {
        let paid_on = paid_days_before.map(|days| Day::from_index(period.start().day() - days));
        let (with, description, amount) =
            (with.to_owned(), description.to_owned(), Money::parse(amount, Currency::Eur)?);
        anyhow::Ok(Credited { with, description, amount, from: period.start(), paid_on })
    };
    Ok(vec![
        one("Brio Studio", "Welcome credit", "250.00", None)?,
        one("Harbor Archive", "Prepaid year", "60000.00", Some(9))?,
        one("Fjord Weather", "Top-up", "1500.00", Some(4))?,
    ])
}
