//! How much of a test that repeats itself is run: little by default, more with `C2C_TEST_SCALE`.

use std::sync::OnceLock;

/// The factor from `C2C_TEST_SCALE` (1 if it is not set), printed once.
///
/// # Panics
/// If it is no number from 1.
#[must_use]
pub fn scale() -> usize {
    static SCALE: OnceLock<usize> = OnceLock::new();
    *SCALE.get_or_init(|| {
        let given = std::env::var("C2C_TEST_SCALE").ok().filter(|given| !given.is_empty());
        let scale = given.map_or(1, |given| given.parse().expect("C2C_TEST_SCALE is a number"));
        assert!(scale > 0, "C2C_TEST_SCALE is at least 1");
        println!("scale: C2C_TEST_SCALE={scale}");
        scale
    })
}

/// A number of rounds, times the scale; printed with what they are.
#[must_use]
pub fn scaled(rounds: usize, what: &str) -> usize {
    let rounds = rounds * scale();
    println!("{rounds} {what} (C2C_TEST_SCALE={})", scale());
    rounds
}
