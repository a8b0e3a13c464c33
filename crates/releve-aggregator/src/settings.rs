//! How much at once, how long, how often? The aggregator's limits, each with its unit.

use releve_broker::limits::{BATCH_BYTES_MAX, BATCH_LEN_MAX};
use releve_wire::limits::MESSAGE_BYTES_MAX;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Deliveries judged and committed together.
    pub batch_len_max: usize,
    /// Bytes of deliveries held together: bounds memory where messages are large. A queue holds one batch that is
    /// counted and one that is judged.
    pub batch_bytes_max: usize,
    /// How long a batch waits to fill, in milliseconds.
    pub batch_wait_ms_max: u64,
    /// The largest message, in bytes; up to 1 MiB where one instant's segments pass 64 KiB.
    pub message_bytes_max: usize,
    /// How many bytes are kept of a message that nobody signed.
    pub unsigned_bytes_max: usize,
    /// More messages a minute than this that the database refuses with one SQLSTATE are our fault, not theirs.
    pub culprits_per_minute_max: usize,
    /// Allocations remembered as named, so that they are not written again with each window.
    pub known_allocations_max: usize,
    /// GPUs remembered with where they sat, so that it is not asked again with each window.
    pub known_gpus_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_len_max: BATCH_LEN_MAX,
            batch_bytes_max: BATCH_BYTES_MAX,
            batch_wait_ms_max: 50,
            message_bytes_max: MESSAGE_BYTES_MAX,
            unsigned_bytes_max: 16 * 1024,
            culprits_per_minute_max: 20,
            known_allocations_max: 200_000,
            known_gpus_max: 200_000,
        }
    }
}
