//! Randomness that can be repeated: one seed, printed, from `C2C_TEST_SEED` if set.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A small generator (splitmix64): good enough to choose bytes and places.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// A new seed, or the one that `C2C_TEST_SEED` names; prints it, so that a failure can be repeated.
    ///
    /// # Panics
    /// If `C2C_TEST_SEED` is no number.
    #[must_use]
    pub fn new() -> Self {
        let seed = match std::env::var("C2C_TEST_SEED") {
            Ok(given) => given.parse().expect("C2C_TEST_SEED is a number"),
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        println!("seed: C2C_TEST_SEED={seed}");
        Self(seed)
    }

    /// The generator of this seed; whoever chose it prints it.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end).expect("usize fits")).expect("below a usize")
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number().to_le_bytes()[0]).collect()
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self::new()
    }
}
