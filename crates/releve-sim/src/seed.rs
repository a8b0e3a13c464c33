//! Where do made-up names, keys and numbers come from? From SHA-256 of what they are for, so that the same
//! seed makes the same bytes on every machine, for ever.

use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// 32 bytes for a purpose, given as parts; each part's length goes in, so that ("ab", "c") is not ("a", "bc").
pub fn bytes(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"releve-sim/1");
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// A version 8 UUID (one made by a rule of our own).
pub fn uuid(parts: &[&str]) -> Uuid {
    let mut first = [0; 16];
    first.copy_from_slice(&bytes(parts)[..16]);
    Uuid::new_v8(first)
}

/// The key that a made-up node signs with. No real node has one that can be recomputed from its name.
pub fn signing_key(parts: &[&str]) -> SigningKey {
    SigningKey::from_bytes(&bytes(parts))
}

/// A stream of numbers that looks random and is not (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(parts: &[&str]) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&bytes(parts)[..8]);
        Self(u64::from_be_bytes(first))
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `from..=to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to - from + 1).unwrap_or(1).max(1);
        from + i64::try_from(self.roll() % span).unwrap_or(0)
    }

    /// An index of `0..len`.
    pub fn index(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).unwrap_or(1).max(1);
        usize::try_from(self.roll() % len).unwrap_or(0)
    }

    /// True in `permille` of a thousand cases.
    pub const fn chance(&mut self, permille: u64) -> bool {
        self.roll() % 1_000 < permille
    }

    pub fn sixteen(&mut self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.roll().to_be_bytes());
        out[8..].copy_from_slice(&self.roll().to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_gives_the_same_thing_for_ever() {
        assert_eq!(uuid(&["node", "helios-001"]).to_string(), "418be4eb-3526-8fd7-99b4-ba87cecfe041");
        assert_ne!(bytes(&["ab", "c"]), bytes(&["a", "bc"]));
        let mut dice = Dice::new(&["dice"]);
        assert!((0..1_000).map(|_| dice.between(-3, 3)).all(|n| (-3..=3).contains(&n)));
    }
}
