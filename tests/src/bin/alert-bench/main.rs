//! How long from a report's commit to its alert in the outbox while a full cluster reports, and does a fleet that falls silent make one
//! alert or a storm? `cargo run --release -p releve-tests --bin alert-bench`, with the programs built beside it; `-- latency` or
//! `-- fleet` for one of the two. On servers of its own, on loopback.

mod latency;
mod silence;

#[tokio::main]
async fn main() {
    let asked = std::env::args().nth(1);
    let wanted = |one: &str| asked.as_deref().is_none_or(|asked| asked == one);
    if wanted("latency") {
        latency::run().await;
    }
    if wanted("fleet") {
        silence::run().await;
    }
}
