//! How much is too much? Every limit of the wire, with its unit.

/// A message, by default.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// What a deployment may raise [`MESSAGE_BYTES_MAX`] to, where one instant's segments alone pass it.
pub const MESSAGE_BYTES_CEILING: usize = 1024 * 1024;
/// Kept evidence: a message without its erasable strings, never longer than the largest message.
pub const EVIDENCE_BYTES_MAX: usize = MESSAGE_BYTES_CEILING;
/// Where the agent closes a window early and goes on in the next `seq`.
pub const MESSAGE_BYTES_SPLIT: usize = 60 * 1024;
/// The largest integer that every JSON reader agrees on: 2^53 − 1.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;
/// How deep JSON may nest, unknown fields included.
pub const JSON_DEPTH_MAX: usize = 32;
pub const LABELS_LEN_MAX: usize = 8;
pub const LABEL_BYTES_MAX: usize = 256;
pub const NAME_BYTES_MAX: usize = 256;
pub const WINDOW_MS_MIN: i64 = 10_000;
pub const WINDOW_MS_MAX: i64 = 3_600_000;
pub const COVERED_LEN_MAX: usize = 256;
pub const DEVICES_LEN_MAX: usize = 256;
/// The largest common multiple of the share denominators on one device; sums of shares then fit 128 bits.
pub const SHARE_MULTIPLE_MAX: u64 = 1_000_000_000_000;
