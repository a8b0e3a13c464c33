//! Is a reservation used? By the charges of a stretch that it held in all of.

use std::collections::BTreeMap;

use releve_types::{Period, ids::AgreementId};

use super::{Limits, limits::is_below};
use crate::{AgreedTerms, Agreement, ChargeKind, Rated};

/// A reservation that is paid for and not used, with the numbers that say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnderUsed {
    pub agreement: AgreementId,
    pub reserved_ms: i64,
    pub used_ms: i64,
    pub period: Period,
}

/// Reservations that held in the whole period, of which less was used than the limit.
pub fn under_used(limits: &Limits, agreements: &[Agreement], rated: &Rated, period: Period) -> Vec<UnderUsed> {
    let mut sums: BTreeMap<AgreementId, (i64, i64)> = BTreeMap::new();
    for charge in &rated.charges {
        match charge.kind {
            ChargeKind::Reserved(id) => {
                let sum = sums.entry(id).or_default();
                *sum = (sum.0.saturating_add(charge.billed), sum.1.saturating_add(charge.billed));
            }
            ChargeKind::Unused(id) => {
                let sum = sums.entry(id).or_default();
                sum.0 = sum.0.saturating_add(charge.billed);
            }
            _ => {}
        }
    }
    let holds = |agreement: &&Agreement| {
        matches!(agreement.terms(), AgreedTerms::Reservation { .. })
            && agreement.from() <= period.first_hour()
            && agreement.until().is_none_or(|until| until >= period.end_hour())
    };
    let of = |agreement: &Agreement| {
        let (reserved_ms, used_ms) = *sums.get(&agreement.id())?;
        let low = is_below(i128::from(used_ms), limits.commitment_percent_min, i128::from(reserved_ms));
        low.then_some(UnderUsed { agreement: agreement.id(), reserved_ms, used_ms, period })
    };
    agreements.iter().filter(holds).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use releve_types::{Currency, Money, Timestamp, Unit, time::MILLIS_PER_HOUR};

    use super::*;
    use crate::{Charge, Matching, tax::RateClass};

    const H: i64 = MILLIS_PER_HOUR;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(438_000 * H + hours * H)
    }

    fn reservation(from: i64, until: Option<i64>) -> Agreement {
        let terms = AgreedTerms::Reservation {
            sku: "gpu/h100/whole/1:1/standard/eu".parse().expect("a SKU"),
            devices: 1,
            matching: Matching::Hour,
            price: "2".parse().expect("a price"),
            overage: None,
        };
        let id = AgreementId::from_uuid(uuid::Uuid::from_u128(1));
        Agreement::new(id, "reserved".to_owned(), at(from), until.map(at), terms).expect("an agreement")
    }

    fn rated(used_ms: i64, unused_ms: i64, period: Period) -> Rated {
        let id = AgreementId::from_uuid(uuid::Uuid::from_u128(1));
        let charge = |kind, billed| Charge {
            tenant: None,
            project: String::new(),
            sku: "gpu/h100/whole/1:1/standard/eu".parse().expect("a SKU"),
            unit: Unit::GpuMs,
            kind,
            class: RateClass::Standard,
            tier: 0,
            stretch: period,
            metered: 0,
            billed,
            energy_mj: 0,
            unit_price: rust_decimal::Decimal::ONE,
            base_quantity: 3_600,
            discount: None,
            amount: Money::zero(Currency::Eur),
        };
        let charges = vec![charge(ChargeKind::Reserved(id), used_ms), charge(ChargeKind::Unused(id), unused_ms)];
        let total = Money::zero(Currency::Eur);
        Rated { currency: Currency::Eur, charges, called: BTreeMap::new(), unpriced: Vec::new(), total }
    }

    #[test]
    fn a_reservation_is_judged_by_its_own_hours() {
        let week = Period::new(at(0), at(168)).expect("a week");
        let told = |agreement: Agreement, used: i64, unused: i64| {
            let found = under_used(&Limits::default(), &[agreement], &rated(used, unused, week), week);
            found.into_iter().map(|low| (low.used_ms, low.reserved_ms)).collect::<Vec<_>>()
        };
        assert_eq!(told(reservation(0, None), 70 * H, 30 * H), [], "as much as it has to be");
        assert_eq!(told(reservation(0, None), 70 * H - 1, 30 * H + 1), [(70 * H - 1, 100 * H)]);
        assert_eq!(told(reservation(0, Some(168)), 0, 100 * H), [(0, 100 * H)], "not used at all");
        assert_eq!(told(reservation(1, None), 0, 100 * H), [], "it is younger");
        assert_eq!(told(reservation(0, Some(167)), 0, 100 * H), [], "it is over");
    }
}
