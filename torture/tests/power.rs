//! A short run of the power cuts, and the proof that it sees a disk that lies and a setting that does not flush.
#![cfg(target_os = "linux")]

use c2c_torture::power::{Args, run};

const SEED: u64 = 42;

#[test]
fn d5_what_was_acknowledged_survives_a_power_cut_at_every_barrier() {
    let report =
        run(&Args { images: 500, seed: Some(SEED), lie: false, normal: false, large: false, old: false });
    assert!(report.holds(), "{report}");
    let text = report.to_string();
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name)).expect(name);
        line.split_whitespace().next().and_then(|number| number.parse::<usize>().ok()).expect("a number")
    };
    let moments = number("moments with pending writes ");
    assert!(moments > 100, "{text}");
    // Not left to chance: a moment without a torn image is one at which a torn write goes unseen.
    for kind in ["everything written", "some of the writes", "some, one torn"] {
        assert!(number(kind) >= moments, "{kind}: {text}");
    }
    assert_eq!(number("moments with pending writes that got no torn or subset image"), 0);
}

#[test]
fn d12_a_power_cut_while_an_old_store_is_taken_over_leaves_the_old_or_the_new_one() {
    let report =
        run(&Args { images: 60, seed: Some(SEED), lie: false, normal: false, large: false, old: true });
    assert!(report.holds(), "{report}");
}

#[test]
fn d6_a_disk_that_lies_about_its_flushes_is_seen_to_lose() {
    let report =
        run(&Args { images: 60, seed: Some(SEED), lie: true, normal: false, large: false, old: false });
    let text = report.to_string();
    assert!(!report.holds() && text.contains("images with: lost"), "{text}");
}

#[test]
fn commits_that_are_not_flushed_are_seen_to_be_lost() {
    let report =
        run(&Args { images: 60, seed: Some(SEED), lie: false, normal: true, large: false, old: false });
    let text = report.to_string();
    assert!(!report.holds(), "{text}");
    let whole = text.lines().find(|line| line.contains("refused or damaged")).expect("a row");
    assert!(!whole.contains("BROKEN"), "less durable, but never damaged: {text}");
}
