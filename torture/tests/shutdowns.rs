//! A few power cuts of a real file system, and the proof that losses are seen where they must come.
#![cfg(target_os = "linux")]

use c2c_torture::shutdowns::{Args, impossible, run};

const SEED: u64 = 42;

#[test]
fn d5_what_was_acknowledged_survives_the_shutdown_of_a_real_file_system() {
    if let Some(why) = impossible() {
        return c2c_harness::skipped(&why);
    }
    let report = run(&Args { rounds: 5, seed: Some(SEED), lie: false, normal: false });
    assert!(report.holds(), "{report}");
}

#[test]
fn the_shutdown_of_a_real_file_system_loses_what_was_not_flushed() {
    if let Some(why) = impossible() {
        return c2c_harness::skipped(&why);
    }
    let report = run(&Args { rounds: 3, seed: Some(SEED), lie: false, normal: true });
    let text = report.to_string();
    assert!(!report.holds() && text.contains("lost"), "{text}");
    assert!(!text.contains("not carried out"), "{text}");
}
