//! Since when has a device been here, and until when was it? What snapshots don't say, remembered between them.

use std::collections::BTreeMap;

use releve_types::{DeviceId, Timestamp, time::MILLIS_PER_HOUR};
use releve_wire::DeviceState;

use crate::sight::SeenDevice;

/// How long a vanished device is still told of: longer than any window.
const TOLD_MS: i64 = 2 * MILLIS_PER_HOUR;

/// What the looks so far have found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Presence {
    looked_at: Option<Timestamp>,
    known: BTreeMap<DeviceId, SeenDevice>,
}

impl Presence {
    /// Takes in one snapshot and gives it edges. A device that is missing was last here at the look before: what
    /// it did between the two is not known, so it is not counted.
    pub fn see(&mut self, now: Timestamp, found: Vec<SeenDevice>) -> Vec<SeenDevice> {
        let mut before = std::mem::take(&mut self.known);
        for device in found {
            let stayed = before.remove(&device.gpu).filter(|known| known.until.is_none());
            let from = stayed.map_or(self.looked_at.map(|_| now), |known| known.from);
            self.known.insert(device.gpu, SeenDevice { from, until: None, ..device });
        }
        for (gpu, gone) in before {
            let until = gone.until.or(self.looked_at);
            if until.is_some_and(|until| now.since(until) <= TOLD_MS) {
                let state = DeviceState::Lost;
                self.known.insert(gpu, SeenDevice { until, state, energy_counter_mj: None, ..gone });
            }
        }
        self.looked_at = Some(now);
        self.known.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn seen(n: u128) -> SeenDevice {
        let (gpu, model) = (DeviceId::Gpu(Uuid::from_u128(n)), "NVIDIA H100 80GB HBM3".to_owned());
        let (state, energy_counter_mj) = (DeviceState::Ok, Some(5));
        SeenDevice { gpu, parent: None, model, profile: None, state, from: None, until: None, energy_counter_mj }
    }

    fn edges(presence: &mut Presence, now: i64, found: &[u128]) -> String {
        let ms = |instant: Option<Timestamp>| instant.map_or(String::new(), |i| i.as_millis().to_string());
        let found = found.iter().map(|n| seen(*n)).collect();
        let told = presence.see(Timestamp::from_millis(now), found);
        let line = |d: &SeenDevice| format!("{}:{}..{} ", d.gpu.uuid().as_u128(), ms(d.from), ms(d.until));
        told.iter().map(line).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn devices_come_and_go_at_the_looks_that_saw_them() {
        let mut presence = Presence::default();
        let looks: [(i64, &[u128]); 6] = [
            (1_000, &[1, 2]),
            (2_000, &[1, 2, 3]),
            (3_000, &[1, 3]),
            (4_000, &[1, 3]),
            (5_000, &[1, 2]),
            (9_000_000, &[1]),
        ];
        let table: Vec<String> =
            looks.into_iter().map(|(now, found)| format!("{now} {}", edges(&mut presence, now, found))).collect();
        expect_test::expect![[r#"
            1000 1:.. 2:..
            2000 1:.. 2:.. 3:2000..
            3000 1:.. 2:..2000 3:2000..
            4000 1:.. 2:..2000 3:2000..
            5000 1:.. 2:5000.. 3:2000..4000
            9000000 1:.."#]]
        .assert_eq(&table.join("\n"));
    }
}
