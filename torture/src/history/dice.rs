//! Choices that follow from a seed: the same seed makes the same choices.

use std::time::Duration;

/// A small generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The choices of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Choices for one of many, independent of the others.
    #[must_use]
    pub const fn for_one(seed: u64, one: u64) -> Self {
        Self(mixed(seed ^ mixed(one.wrapping_add(1))))
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `end`; 0 if that is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.number() % end }
    }

    /// A place in a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One of a list, if there is any.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.index(list.len()))
    }

    /// True in so many of a thousand cases.
    pub const fn per_mille(&mut self, cases: u64) -> bool {
        self.below(1_000) < cases
    }

    /// A time with an exponential distribution, at most ten times the mean.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are plenty for a time")]
        let unit = (self.number() >> 11) as f64 / (1_u64 << 53) as f64;
        mean.mul_f64((-(1.0 - unit).ln()).min(10.0))
    }
}

const fn mixed(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
