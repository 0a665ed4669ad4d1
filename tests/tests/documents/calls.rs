//! Tool calls as pages write them: `api  send_message(to="web", body="hello")  → what comes of it`, one a line. A line
//! that begins with a space goes on about the call before.

use c2c_proto::ErrorCode;
use serde_json::{Map, Value};

/// One call.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    /// The session that makes it.
    pub(crate) session: String,
    /// The tool.
    pub(crate) tool: String,
    /// Its arguments.
    pub(crate) arguments: Map<String, Value>,
    /// The error that the page promises, if it promises one.
    pub(crate) error: Option<ErrorCode>,
}

impl Call {
    /// Whether it blocks until somebody else does something.
    pub(crate) fn waits(&self) -> bool {
        let watches = self.tool == "get_state" && self.arguments.contains_key("newer_than");
        watches || ["wait_for_message", "ask"].contains(&self.tool.as_str())
    }
}

/// The calls of a block.
pub(crate) fn parse(text: &str) -> Result<Vec<Call>, String> {
    let mut calls: Vec<Call> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            calls.push(one(line).map_err(|why| format!("{line}: {why}"))?);
        } else if let Some(call) = calls.last_mut() {
            call.error = call.error.or(promised(line));
        }
    }
    Ok(calls)
}

/// The error that is promised after an arrow.
fn promised(text: &str) -> Option<ErrorCode> {
    let word = text.trim_start().strip_prefix('→')?.split_whitespace().next()?;
    let word = word.trim_end_matches([',', ':', ';']);
    ErrorCode::ALL.into_iter().find(|code| code.as_str() == word)
}

fn one(line: &str) -> Result<Call, String> {
    let (session, rest) = line.split_once(' ').ok_or("no session and call")?;
    let (tool, mut rest) = rest.trim_start().split_once('(').ok_or("no parenthesis")?;
    let mut arguments = Map::new();
    let after = loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix(')') {
            break after;
        }
        let (name, value) = rest.split_once('=').ok_or("an argument is name=value")?;
        let (parsed, after) = leading(value).ok_or("a value is JSON")?;
        rest = after;
        arguments.insert(name.to_owned(), parsed);
    };
    Ok(Call { session: session.to_owned(), tool: tool.to_owned(), arguments, error: promised(after) })
}

/// The value at the beginning, and what comes after it: the shortest that is JSON and ends where an argument may end.
fn leading(text: &str) -> Option<(Value, &str)> {
    let ends = text.match_indices([',', ')']).map(|(end, _)| text.split_at(end));
    ends.map(|(value, after)| (serde_json::from_str(value).ok(), after))
        .find_map(|(value, after)| value.map(|value| (value, after)))
}

#[test]
fn a_call_is_read_as_it_stands() {
    let text = "api    ask(to=[\"web\", \"x\"], body=\"a) b, c=d\", timeout_s=5)\n       … both answer\n\
                web    set_state(key=\"k\", value={\"a\": 1}, if_version=0)   → conflict, as api has it\n\
                web    inbox()\n       → not_found: nothing";
    let calls = parse(text).unwrap();
    assert_eq!(calls.len(), 3);
    assert_eq!((calls[0].session.as_str(), calls[0].tool.as_str()), ("api", "ask"));
    assert_eq!(calls[0].arguments["body"], "a) b, c=d");
    assert!(calls[0].waits() && calls[0].error.is_none());
    assert_eq!(calls[1].arguments["value"]["a"], 1);
    assert_eq!(calls[1].error, Some(ErrorCode::Conflict));
    assert_eq!(calls[2].error, Some(ErrorCode::NotFound));
    for wrong in ["api", "api inbox", "api inbox(1)", "api inbox(limit=x)"] {
        parse(wrong).unwrap_err();
    }
}
