//! The outline of a line that may be too deep, or hold numbers too long, to be parsed: its method, how deep it goes,
//! and where a tool's arguments stand in it.
//!
//! Knows just enough of JSON to tell members of the two outermost objects apart. On what is no JSON it says something
//! that means nothing, and never fails.

use crate::exact::after_string;

/// What a line is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outline<'a> {
    /// The text of `method`, as it is written.
    pub(super) method: &'a [u8],
    /// The text of `params.arguments`.
    pub(super) arguments: &'a [u8],
    /// Levels of objects and lists.
    pub(super) depth: usize,
}

impl<'a> Outline<'a> {
    /// Reads a line.
    pub(super) fn of(line: &'a [u8]) -> Self {
        let mut outline = Self::default();
        let mut depth = 0_usize;
        // The last string of the outermost object and of an object in it, and which of them named a member last.
        let mut last: [&[u8]; 2] = [b""; 2];
        let mut names: [&[u8]; 2] = [b""; 2];
        let mut arguments_from = None;
        let mut at = 0;
        while let Some(byte) = line.get(at) {
            let level = depth.checked_sub(1).filter(|level| *level < names.len());
            match byte {
                b'"' => {
                    let next = line.len() - after_string(&line[at + 1..]).len();
                    let string = &line[at + 1..next.saturating_sub(1).max(at + 1)];
                    if let Some(level) = level {
                        last[level] = string;
                    }
                    if depth == 1 && names[0] == b"method" {
                        outline.method = string;
                    }
                    at = next;
                    continue;
                }
                b'{' | b'[' => {
                    depth += 1;
                    outline.depth = outline.depth.max(depth);
                }
                b':' => {
                    if let Some(level) = level {
                        names[level] = last[level];
                    }
                    if depth == 2 && names == [b"params".as_slice(), b"arguments"] {
                        arguments_from = Some(at + 1);
                    }
                }
                b',' | b'}' | b']' => {
                    if depth == 2
                        && let Some(from) = arguments_from.take()
                    {
                        outline.arguments = &line[from..at];
                    }
                    if let Some(level) = level {
                        names[level] = b"";
                    }
                    depth = depth.saturating_sub(usize::from(*byte != b','));
                }
                _ => {}
            }
            at += 1;
        }
        outline
    }
}

#[cfg(test)]
mod tests {
    use super::Outline;
    use proptest::prelude::*;

    #[test]
    fn finds_method_arguments_and_depth() {
        let line = br#"{"x":["method",{"a":[1]}],"params":{"_meta":{"arguments":1},"name":"n","arguments": {"value":[[1]]} },"method" : "tools/call","id":1}"#;
        let outline = Outline::of(line);
        assert_eq!(outline.method, b"tools/call");
        assert_eq!(outline.arguments, br#" {"value":[[1]]} "#);
        assert_eq!(outline.depth, 5);
        for other in
            ["", "[1]", r#"{"params":["arguments",1]}"#, r#"{"arguments":{"params":1}}"#, "}}]],,::\""]
        {
            assert_eq!(Outline::of(other.as_bytes()).arguments, b"", "{other}");
        }
    }

    proptest! {
        #[test]
        fn never_fails_on_any_bytes(bytes in "[\\[\\]{}:,\"a\\\\]{0,60}") {
            Outline::of(bytes.as_bytes());
        }
    }
}
