//! macOS: `osascript`. The script is constant, and gets the texts as arguments.

/// What tells.
pub(super) const PROGRAM: Option<&str> = Some("osascript");

const SCRIPT: &str = "\
on run argv
    display notification (item 2 of argv) with title (item 1 of argv)
end run";

/// What it is called with. What follows the script is for the script, whatever it begins with.
pub(super) fn arguments(title: &str, text: &str) -> Vec<String> {
    vec!["-e".to_owned(), SCRIPT.to_owned(), "--".to_owned(), title.to_owned(), text.to_owned()]
}
