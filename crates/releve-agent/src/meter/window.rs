//! Which window does an instant belong to, and when is a window's report sent?

use releve_types::{NodeId, Timestamp};
use releve_wire::{Window, sha256};

/// The window of this length that holds an instant. Lengths divide an hour, so windows are aligned to UTC.
pub const fn window_at(instant: Timestamp, window_ms: i64) -> Window {
    let start = instant.as_millis().div_euclid(window_ms) * window_ms;
    Window { start: Timestamp::from_millis(start), end: Timestamp::from_millis(start + window_ms) }
}

/// Cuts a stretch at the edges of the windows.
pub fn cut(from: Timestamp, to: Timestamp, window_ms: i64) -> impl Iterator<Item = (Window, Timestamp, Timestamp)> {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= to {
            return None;
        }
        let window = window_at(at, window_ms);
        let (start, end) = (at, window.end.min(to));
        at = end;
        Some((window, start, end))
    })
}

/// By how much a node waits with each report, so that a fleet does not speak in one second. Always the same for
/// one node: its reports keep their distance.
pub fn spread_delay_ms(node: NodeId, spread_ms: u64) -> u64 {
    let digest = sha256(node.uuid().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.0[..8]);
    u64::from_be_bytes(first).checked_rem(spread_ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_stretch_is_cut_at_each_edge() {
        let at = Timestamp::from_millis;
        let cuts: Vec<String> = cut(at(59_000), at(180_000), 60_000)
            .map(|(w, a, b)| format!("{}+{} {}..{}", w.start, w.end.since(w.start), a.as_millis(), b.as_millis()))
            .collect();
        expect_test::expect![[r#"
            1970-01-01T00:00:00Z+60000 59000..60000
            1970-01-01T00:01:00Z+60000 60000..120000
            1970-01-01T00:02:00Z+60000 120000..180000"#]]
        .assert_eq(&cuts.join("\n"));
        assert_eq!(cut(at(5), at(5), 60_000).count(), 0);
        assert_eq!(window_at(at(-1), 60_000).end, at(0), "windows before 1970 are aligned too");
    }

    #[test]
    fn nodes_spread_and_each_keeps_its_place() {
        let delays: Vec<u64> =
            (0..1000).map(|n| spread_delay_ms(NodeId::from_uuid(Uuid::from_u128(n)), 45_000)).collect();
        let busiest = (0..45).map(|s| delays.iter().filter(|d| **d / 1000 == s).count()).max();
        assert!(busiest < Some(45), "a thousand nodes over 45 seconds, the busiest second has {busiest:?}");
        let node = NodeId::from_uuid(Uuid::from_u128(7));
        assert_eq!(spread_delay_ms(node, 45_000), delays[7]);
        assert_eq!(spread_delay_ms(node, 0), 0, "no spread, no delay");
    }
}
