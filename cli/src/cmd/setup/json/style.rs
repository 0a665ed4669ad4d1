//! How a JSON text is laid out, so that what is inserted looks like what is there.

use super::scan::Node;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::ops::Range;

/// What one level is indented by where the text does not show it.
const USUAL_UNIT: &str = "  ";

/// The layout of a whole text.
pub(super) struct Style<'a> {
    text: &'a str,
    newline: &'static str,
    unit: &'a str,
    one_line: bool,
}

impl<'a> Style<'a> {
    /// As the text around `root` shows it.
    pub(super) fn of(text: &'a str, root: &Node) -> Self {
        let newline =
            if text.find('\n').is_some_and(|at| text[..at].ends_with('\r')) { "\r\n" } else { "\n" };
        let first = root.children().into_iter().next();
        let one_line = first.as_ref().is_some_and(|first| !text[root.span.start..first.start].contains('\n'));
        let unit = first.map(|first| blanks_before(text, first.start)).filter(|unit| !unit.is_empty());
        Self { text, newline, unit: unit.filter(|_| !one_line).unwrap_or(USUAL_UNIT), one_line }
    }

    /// Where to insert a child at the end of this container, and the exact bytes.
    pub(super) fn new_child(&self, container: &Node, key: Option<&str>, value: &Value) -> (usize, String) {
        let children = container.children();
        let Some(last) = children.last() else { return self.only_child(container, key, value) };
        let first_start = children.first().map_or(last.start, |first| first.start);
        let lead = &self.text[container.span.start + 1..first_start];
        if lead.contains('\n') {
            let indent = blanks_before(self.text, first_start);
            let child = self.child(key, value, Some(indent));
            return (last.end, format!(",{}{indent}{child}", self.newline));
        }
        let child = self.child(key, value, None);
        (last.end, format!(",{}{child}", self.gap(&children)))
    }

    /// What stands between a comma and the next child on one line.
    fn gap(&self, children: &[Range<usize>]) -> &'a str {
        let tight = self.one_line && !self.text.contains(", ") && !self.text.contains(": ");
        let usual = if tight { "" } else { " " };
        let [.., before, last] = children else { return usual };
        let between = &self.text[before.end..last.start];
        let gap = between.split_once(',').map_or(usual, |(_, gap)| gap);
        if gap.contains('\n') { usual } else { gap }
    }

    fn only_child(&self, container: &Node, key: Option<&str>, value: &Value) -> (usize, String) {
        let at = container.span.start + 1;
        if self.one_line {
            return (at, self.child(key, value, None));
        }
        let base = line_indent(self.text, container.span.start);
        let indent = format!("{base}{}", self.unit);
        let child = self.child(key, value, Some(&indent));
        (at, format!("{0}{indent}{child}{0}{base}", self.newline))
    }

    /// Over several lines below this indentation, or on one line.
    fn child(&self, key: Option<&str>, value: &Value, indent: Option<&str>) -> String {
        let colon = if indent.is_none() && self.gap(&[]).is_empty() { ":" } else { ": " };
        let key = key.map_or_else(String::new, |key| format!("{}{colon}", Value::from(key)));
        let value = match indent {
            Some(indent) => self.pretty(value).replace('\n', &format!("{}{indent}", self.newline)),
            None => value.to_string(),
        };
        format!("{key}{value}")
    }

    fn pretty(&self, value: &Value) -> String {
        let mut out = Vec::new();
        let formatter = PrettyFormatter::with_indent(self.unit.as_bytes());
        let written = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
        written.ok().and_then(|()| String::from_utf8(out).ok()).unwrap_or_else(|| value.to_string())
    }
}

/// The blanks directly before a place, on the same line.
fn blanks_before(text: &str, at: usize) -> &str {
    let before = &text[..at];
    let start = before.trim_end_matches([' ', '\t']).len();
    &before[start..]
}

/// The blanks with which the line of this place begins.
fn line_indent(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let rest = &text[line..at];
    &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]
}
