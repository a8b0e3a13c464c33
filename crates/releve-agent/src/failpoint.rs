//! Where may a test end this program? At named points, in builds with debug assertions only.
//!
//! `RELEVE_FAILPOINT="agent.spool.before_fsync:3"` kills the process when it comes to that point for the third
//! time, by SIGKILL: nothing is flushed, nothing is dropped. A release build has no such points.

/// Ends the process here, if it was asked to.
#[cfg(debug_assertions)]
pub fn hit(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };
    static ASKED: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| {
        let text = std::env::var("RELEVE_FAILPOINT").ok()?;
        let (name, nth) = text.split_once(':')?;
        Some((name.to_owned(), AtomicU64::new(nth.parse().ok()?)))
    });
    if let Some((point, left)) = asked
        && point == name
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        // No destructor runs and nothing is said on a connection. The signal ends the process before this returns.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}

/// Ends the process here, if it was asked to: never, in this build.
#[cfg(not(debug_assertions))]
pub const fn hit(_name: &str) {}
