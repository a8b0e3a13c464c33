//! Which prices does a plan become? Each charge a price of its metric's SKU; what would cost otherwise here is rejected.

use std::collections::BTreeSet;

use releve_billing::{AgreedTerms, Model, Tier, UnitPrice, tax::RateClass};
use releve_types::{Currency, Sku, sku::slug};

use super::{NewBook, NewPrice, Notes, Step, cents};
use crate::{
    mapping::{Mapping, Metric},
    rows::{BillableMetric, Charge, Place, Plan, Range, Row},
};

pub(super) fn metrics(mapping: &Mapping, rows: &[Row<BillableMetric>], notes: &mut Notes) -> Vec<Step<Metric>> {
    let mut metrics: Vec<Step<Metric>> = Vec::new();
    for row in rows {
        match mapping.metric(&row.what) {
            Ok(metric) if metrics.iter().any(|known| known.make.sku == metric.sku) => {
                let reason = format!("another metric is {} already: name each its SKU in the mapping", metric.sku);
                notes.reject(&row.place, "code", reason);
            }
            Ok(make) => {
                if !row.what.rounding_function.is_empty() {
                    let reason = "a month's quantity is not rounded here: what was used is what is billed";
                    notes.leave_out(&row.place, "rounding_function", reason);
                }
                metrics.push(Step { place: row.place.clone(), make });
            }
            Err(error) => notes.reject(&row.place, &error.field, error.reason),
        }
    }
    let known: BTreeSet<&str> = rows.iter().map(|row| row.what.code.as_str()).collect();
    for code in mapping.codes().filter(|code| !known.contains(code)) {
        let place = Place { file: crate::read::MAPPING_FILE.to_owned(), row: 0, id: code.to_owned() };
        notes.ignore_field(&place, code, "the export has no such metric");
    }
    metrics
}

pub(super) fn books(rows: &[Row<Plan>], metrics: &[Step<Metric>], notes: &mut Notes) -> Vec<Step<NewBook>> {
    let mut books: Vec<Step<NewBook>> = Vec::new();
    for row in rows {
        if books.iter().any(|known| known.make.code == row.what.code) {
            notes.reject(&row.place, "code", "another plan has this code");
        } else if let Some(make) = book(row, metrics, notes) {
            books.push(Step { place: row.place.clone(), make });
        }
    }
    books
}

fn book(row: &Row<Plan>, metrics: &[Step<Metric>], notes: &mut Notes) -> Option<NewBook> {
    let (plan, place) = (&row.what, &row.place);
    let currency: Currency = match plan.amount_currency.parse() {
        Ok(currency) => currency,
        Err(error) => {
            notes.reject(place, "amount_currency", error);
            return None;
        }
    };
    let monthly = plan.interval == "monthly" || (plan.amount_cents == 0 && plan.bill_charges_monthly == Some(true));
    if !monthly {
        let reason =
            format!("'{}': what is used is billed by the calendar month here, tiers fill up in one", plan.interval);
        notes.reject(place, "interval", reason);
        return None;
    }
    let mut prices: Vec<NewPrice> = Vec::new();
    for (n, charge) in plan.charges.iter().enumerate() {
        match price(charge, metrics, &prices) {
            Ok(price) => {
                if charge.properties.pricing_group_keys.as_ref().is_some_and(|keys| !keys.is_empty()) {
                    let reason = "lines are grouped by project here, not by a property";
                    notes.ignore_field(place, &format!("charges[{n}].properties.pricing_group_keys"), reason);
                }
                prices.push(price);
            }
            Err((field, reason)) => notes.leave_out(place, &format!("charges[{n}].{field}"), reason),
        }
    }
    for (field, list) in [("usage_thresholds", &plan.usage_thresholds), ("fixed_charges", &plan.fixed_charges)] {
        if !list.is_empty() {
            notes.leave_out(place, field, "an account gets one invoice a month, of what it used and what it agreed to");
        }
    }
    let (fee, minimum) = owed(row, currency, notes);
    Some(NewBook { code: plan.code.clone(), name: format!("lago {}", named(plan)), currency, prices, fee, minimum })
}

/// A price book's name holds no slash.
fn named(plan: &Plan) -> String {
    let name: String = plan.code.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).take(100).collect();
    name.trim().to_owned()
}

/// The base fee, and what has to be spent at least.
fn owed(row: &Row<Plan>, currency: Currency, notes: &mut Notes) -> (Option<AgreedTerms>, Option<AgreedTerms>) {
    let (plan, place) = (&row.what, &row.place);
    let mut price = |field: &str, amount: i64| {
        let price = cents(amount, currency).and_then(|m| UnitPrice::new(m.amount()).map_err(|e| e.reason.to_string()));
        price.map_err(|reason| notes.leave_out(place, field, reason)).ok()
    };
    let fee = if plan.amount_cents == 0 { None } else { price("amount_cents", plan.amount_cents) };
    let least = plan.minimum_commitment.as_ref().map(|c| c.amount_cents).filter(|amount| *amount != 0);
    let least = least.and_then(|amount| price("minimum_commitment.amount_cents", amount));
    let fee = fee.and_then(|price| match Sku::fee(&slug(&plan.code)) {
        Ok(sku) => Some(AgreedTerms::Recurring { sku, price, class: RateClass::Standard }),
        Err(error) => {
            notes.leave_out(place, "code", error);
            None
        }
    });
    if fee.is_some() && plan.pay_in_advance {
        let reason =
            "a month's fee is billed after its end here: see that Lago has not billed the first month in advance";
        notes.leave_out(place, "pay_in_advance", reason);
    }
    if fee.is_some() && plan.trial_period.is_some_and(|days| !days.0.is_zero()) {
        notes.ignore_field(place, "trial_period", "a trial that runs is a goodwill: agree on it by hand");
    }
    (fee, least.map(|price| AgreedTerms::Minimum { price }))
}

/// Refused: the field below the charge, and why.
fn price(charge: &Charge, metrics: &[Step<Metric>], known: &[NewPrice]) -> Result<NewPrice, (String, String)> {
    let no = |field: &str, reason: &str| Err((field.to_owned(), reason.to_owned()));
    let found = metrics.iter().find(|metric| metric.make.code == charge.billable_metric_code);
    let Some(Step { make: metric, .. }) = found else {
        return no("billable_metric_code", "the metric is not in the export, or was rejected");
    };
    if charge.pay_in_advance {
        return no("pay_in_advance", "usage is billed after its month, not event by event");
    }
    if charge.prorated {
        return no("prorated", "a quantity is not prorated: report what is held, hour by hour");
    }
    if charge.min_amount_cents != 0 {
        return no("min_amount_cents", "a minimum is an account's, not one charge's");
    }
    if !charge.filters.is_empty() {
        return no("filters", "each priced combination is a SKU here: give it a metric, or price its SKU by hand");
    }
    if charge.applied_pricing_unit.as_ref().is_some_and(|unit| !unit.is_null()) {
        return no("applied_pricing_unit", "a price is in money");
    }
    if known.iter().any(|price| price.sku == metric.sku) {
        return no("billable_metric_code", "the plan has another charge of this metric: a SKU has one price at a time");
    }
    let model = model(charge, metric)?;
    let (lago_id, sku) = (charge.lago_id.clone(), metric.sku.clone());
    Ok(NewPrice { lago_id, sku, unit: metric.unit, model })
}

fn model(charge: &Charge, metric: &Metric) -> Result<Model, (String, String)> {
    let properties = &charge.properties;
    let at = |field: &str| {
        let field = format!("properties.{field}");
        move |reason: String| (field, reason)
    };
    let amount = || properties.amount.map(|a| a.0).ok_or_else(|| at("amount")("there is none".to_owned()));
    let model = match charge.charge_model.as_str() {
        "standard" => Model::PerUnit { price: metric.price(amount()?).map_err(at("amount"))? },
        "graduated" => Model::Graduated { tiers: tiers("graduated_ranges", &properties.graduated_ranges, metric)? },
        "volume" => Model::Volume { tiers: tiers("volume_ranges", &properties.volume_ranges, metric)? },
        "package" => {
            if properties.free_units.is_some_and(|free| !free.0.is_zero()) {
                return Err(at("free_units")(
                    "a package that is begun is paid for: there are no free units".to_owned(),
                ));
            }
            let size = properties.package_size.and_then(|size| size.checked_mul(metric.per));
            let size = size.ok_or_else(|| at("package_size")("there is none, or it is too large".to_owned()))?;
            let price = UnitPrice::new(amount()?).map_err(|error| at("amount")(error.reason.to_string()))?;
            let tier = Tier { up_to: Some(size), price };
            return Model::from_parts("package", vec![tier]).map_err(|e| at("package_size")(e.reason.to_string()));
        }
        other => {
            let reason = format!("'{other}': expected standard, graduated, volume or package");
            return Err(("charge_model".to_owned(), reason));
        }
    };
    let tiers = model.tiers().into_owned();
    let field = format!("{}_ranges", charge.charge_model);
    Model::from_parts(model.name(), tiers).map_err(|error| at(&field)(error.reason.to_string()))
}

fn tiers(list: &str, ranges: &[Range], metric: &Metric) -> Result<Vec<Tier>, (String, String)> {
    let tier = |(n, range): (usize, &Range)| {
        let at = |field: &str, reason: String| (format!("properties.{list}[{n}].{field}"), reason);
        if range.flat_amount.is_some_and(|flat| !flat.0.is_zero()) {
            return Err(at("flat_amount", "a tier costs by the unit: what is flat is a fee".to_owned()));
        }
        let up_to = range.to_value.map(|to| metric.base_units(to.0)).transpose().map_err(|e| at("to_value", e))?;
        let price = metric.price(range.per_unit_amount.0).map_err(|e| at("per_unit_amount", e))?;
        Ok(Tier { up_to, price })
    };
    ranges.iter().enumerate().map(tier).collect()
}
