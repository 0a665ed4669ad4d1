//! Windows: no program of the system takes a text and shows it without a script.

/// What tells.
pub(super) const PROGRAM: Option<&str> = None;

/// Never called.
pub(super) const fn arguments(_title: &str, _text: &str) -> Vec<String> {
    Vec::new()
}
