//! How much energy did a device use in a stretch? Differences of its counter, which starts again with the driver.

use std::collections::BTreeMap;

use releve_types::{DeviceId, Timestamp};
use releve_wire::limits::INTEGER_MAX;

use crate::sight::{SeenDevice, Sight};

/// What devices used between two looks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Energy {
    from: Timestamp,
    to: Timestamp,
    used_mj: BTreeMap<DeviceId, u64>,
}

impl Energy {
    /// Known amounts over a stretch: what a replay or a simulation gives.
    pub const fn over(from: Timestamp, to: Timestamp, used_mj: BTreeMap<DeviceId, u64>) -> Self {
        Self { from, to, used_mj }
    }

    /// Nothing is known.
    pub const fn unknown() -> Self {
        let never = Timestamp::from_millis(0);
        Self { from: never, to: never, used_mj: BTreeMap::new() }
    }

    /// What the counters of two looks say. A counter that went backwards was reset between them: then nothing is
    /// known of the time between, which is not the same as zero.
    pub fn between(from: Timestamp, before: &BTreeMap<DeviceId, u64>, to: Timestamp, sight: &Sight) -> Self {
        let used = |device: &SeenDevice| {
            let now = reading(device)?;
            Some((device.gpu, now.checked_sub(*before.get(&device.gpu)?)?))
        };
        Self { from, to, used_mj: sight.devices.iter().filter_map(used).collect() }
    }

    /// A part of the stretch gets its part of the energy by time. Parts that touch add up to the whole, to the mJ.
    pub fn part(&self, gpu: DeviceId, from: Timestamp, to: Timestamp) -> Option<u64> {
        let used = u128::from(*self.used_mj.get(&gpu)?);
        let whole = u128::try_from(self.to.since(self.from)).ok().filter(|ms| *ms > 0)?;
        let up_to = |instant: Timestamp| {
            let ms = u128::try_from(instant.min(self.to).since(self.from)).unwrap_or(0);
            used * ms / whole
        };
        u64::try_from(up_to(to).checked_sub(up_to(from))?).ok()
    }
}

/// What a device's counter shows. Beyond 2^53 lie the values by which drivers say 'blank'.
pub(super) fn reading(device: &SeenDevice) -> Option<u64> {
    device.energy_counter_mj.filter(|mj| i64::try_from(*mj).is_ok_and(|mj| mj <= INTEGER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn parts_add_up_to_the_whole() {
        let gpu = DeviceId::Gpu(Uuid::from_u128(1));
        let at = Timestamp::from_millis;
        let energy = Energy::over(at(1_000), at(2_000), BTreeMap::from([(gpu, 1_001)]));
        let parts: Vec<Option<u64>> =
            [(1_000, 1_333), (1_333, 1_334), (1_334, 2_000)].map(|(a, b)| energy.part(gpu, at(a), at(b))).into();
        assert_eq!(parts, [Some(333), Some(1), Some(667)]);
        assert_eq!(energy.part(DeviceId::Gpu(Uuid::from_u128(2)), at(1_000), at(2_000)), None);
        assert_eq!(Energy::unknown().part(gpu, at(0), at(1)), None);
    }
}
