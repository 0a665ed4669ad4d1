//! Tests that cannot run here say so, where everybody sees it.

use std::io::Write;

/// Says that the calling test is skipped, and why. The test runner swallows what a test that passes prints through the
/// macros; a skipped one must not look like one that ran, so this writes past it.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Without a terminal or file behind stderr there is nobody to tell.
    let _told = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}
