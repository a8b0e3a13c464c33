//! Where may a test kill this program? `RELEVE_FAILPOINT=<name>:<n>` ends it by SIGKILL at the n-th pass of a
//! point. Exists in debug builds only; in a release build the calls are empty.

#[cfg(debug_assertions)]
pub fn hit(name: &str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };
    static ARMED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let text = std::env::var("RELEVE_FAILPOINT").ok()?;
        let (name, nth) = text.rsplit_once(':')?;
        Some((name.to_owned(), nth.parse().ok()?))
    });
    static PASSES: AtomicU64 = AtomicU64::new(0);
    if let Some((armed, nth)) = ARMED.as_ref()
        && armed == name
        && PASSES.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    {
        tracing::warn!(failpoint = name, pass = nth, "killed at failpoint");
        // No destructor runs and nothing is said on a connection. The signal ends the process before this returns.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub const fn hit(_name: &str) {}
