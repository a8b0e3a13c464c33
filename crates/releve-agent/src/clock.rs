//! What time is it, by both clocks, and how far can the wall clock be believed?
//!
//! Edges come from the wall clock, durations from the monotonic one. The kernel's own answer (`adjtimex`) has no
//! safe binding, so the daemon that disciplines the clock is asked: chrony, else systemd.

use std::{path::Path, process::Command, time::Instant};

use releve_types::{Timestamp, time::wall_clock};
use releve_wire::Clock;

/// Both clocks, read together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    pub wall: Timestamp,
    /// Milliseconds of a clock that never steps, from any origin.
    pub mono_ms: u64,
}

/// The bound the kernel itself puts on a clock that it calls synchronised, and what stands for 'not known'.
pub const MAX_ERR_US_UNKNOWN: u64 = 16_000_000;

/// Reads both clocks for a program's loop. Everything below takes the [`Moment`] as an argument.
#[derive(Debug)]
pub struct Clocks {
    origin: Instant,
}

impl Clocks {
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub fn now(&self) -> Moment {
        let mono_ms = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment { wall: wall_clock(), mono_ms }
    }
}

/// What is known of the node's clock, and from whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClockTrust {
    pub synced: bool,
    pub max_err_us: u64,
    pub source: &'static str,
}

impl ClockTrust {
    pub const UNKNOWN: Self = Self { synced: false, max_err_us: MAX_ERR_US_UNKNOWN, source: "nobody" };

    pub const fn report(&self, step_ms: Option<i64>) -> Clock {
        Clock { synced: self.synced, max_err_us: self.max_err_us, step_ms }
    }
}

/// Asks chrony, then systemd. Starts a process: call it once a window, not once a tick.
pub fn clock_trust() -> ClockTrust {
    if let Some(trust) = answer_of("chronyc", &["-c", "-n", "tracking"]).as_deref().and_then(from_chrony) {
        return trust;
    }
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return ClockTrust { synced: true, max_err_us: MAX_ERR_US_UNKNOWN, source: "systemd-timesyncd" };
    }
    answer_of("timedatectl", &["show", "--property=NTPSynchronized"])
        .as_deref()
        .and_then(from_timedatectl)
        .unwrap_or(ClockTrust::UNKNOWN)
}

fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then_some(())?;
    String::from_utf8(output.stdout).ok()
}

/// One line of `chronyc -c tracking`. The error is at most the offset, half the way to the root and its dispersion.
fn from_chrony(line: &str) -> Option<ClockTrust> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let [_, _, stratum, _, offset, _, _, _, _, _, delay, dispersion, _, leap, ..] = fields.as_slice() else {
        return None;
    };
    let max_err_us = micros(offset)?.checked_add(micros(delay)? / 2)?.checked_add(micros(dispersion)?)?;
    let synced = *leap != "Not synchronised" && *stratum != "0" && max_err_us < MAX_ERR_US_UNKNOWN;
    Some(ClockTrust { synced, max_err_us: max_err_us.min(MAX_ERR_US_UNKNOWN), source: "chrony" })
}

fn from_timedatectl(text: &str) -> Option<ClockTrust> {
    let synced = match text.trim().strip_prefix("NTPSynchronized=")? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some(ClockTrust { synced, max_err_us: MAX_ERR_US_UNKNOWN, source: "systemd-timedated" })
}

/// Seconds with decimals as whole microseconds, rounded up, the sign dropped.
fn micros(seconds: &str) -> Option<u64> {
    let text = seconds.trim_start_matches(['-', '+']);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let (kept, rest) = decimals.split_at(decimals.len().min(6));
    let fraction: u64 = format!("{kept:0<6}").parse().ok()?;
    let up = u64::from(rest.contains(|c| c != '0'));
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)?.checked_add(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chrony_says_how_far_off_the_clock_may_be() {
        let line = "A29FC87B,162.159.200.123,4,1784000000.123456789,-0.000012345,0.000001,0.00002,-3.1,0.0,0.01,\
                    0.010501000,0.001200001,64.5,Normal\n";
        let trust = ClockTrust { synced: true, max_err_us: 13 + 5250 + 1201, source: "chrony" };
        assert_eq!(from_chrony(line), Some(trust));
        let lost = line.replace("Normal", "Not synchronised");
        assert_eq!(from_chrony(&lost).map(|t| t.synced), Some(false));
        assert_eq!(from_chrony("506 Cannot talk to daemon"), None);
    }

    #[test]
    fn systemd_says_yes_or_no() {
        assert_eq!(from_timedatectl("NTPSynchronized=yes\n").map(|t| t.synced), Some(true));
        assert_eq!(from_timedatectl("NTPSynchronized=no\n").map(|t| t.synced), Some(false));
        assert_eq!(from_timedatectl("Failed to connect to bus"), None);
    }

    #[test]
    fn decimals_become_microseconds_rounded_up() {
        for (text, us) in [("0", 0), ("1.5", 1_500_000), ("-0.0000001", 1), ("0.000001", 1), ("12.3456789", 12_345_679)]
        {
            assert_eq!(micros(text), Some(us), "{text}");
        }
        assert_eq!(micros("n/a"), None);
    }
}
