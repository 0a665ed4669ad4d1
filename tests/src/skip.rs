//! Tests that cannot run here say so, where everybody sees it.

use std::io::Write;

/// Set to `1` where everything is there that the tests need: a test that would be skipped then fails.
const NO_SKIP: &str = "C2C_NO_SKIP";

/// Says that the calling test is skipped, and why. The test runner swallows what a test that passes prints through the
/// macros; a skipped one must not look like one that ran, so this writes past it.
///
/// # Panics
/// If `C2C_NO_SKIP` is set: then nothing may be skipped.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let set = std::env::var_os(NO_SKIP).is_some_and(|set| !set.is_empty() && set != "0");
    assert!(!set, "{test} cannot run here, and {NO_SKIP} is set: {why}");
    // Without a terminal or file behind stderr there is nobody to tell.
    let _told = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}
