//! Tool calls as pages write them: `api  send_message(to="web", body="hello")  → what comes of it`, one a line. A line
//! that begins with a space is for the reader.

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
    let calls = text.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    calls.map(|line| one(line).map_err(|why| format!("{line}: {why}"))).collect()
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
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<Value>();
        let parsed = values.next().ok_or("no value")?.map_err(|error| error.to_string())?;
        rest = &value[values.byte_offset()..];
        arguments.insert(name.to_owned(), parsed);
    };
    let promised = after.trim_start().trim_start_matches('→').split_whitespace().next();
    let error = ErrorCode::ALL.into_iter().find(|code| promised == Some(code.as_str()));
    Ok(Call { session: session.to_owned(), tool: tool.to_owned(), arguments, error })
}

#[test]
fn a_call_is_read_as_it_stands() {
    let text = "api    ask(to=[\"web\", \"x\"], body=\"a) b, c=d\", timeout_s=5)\n       … both answer\n\
                web    set_state(key=\"k\", value={\"a\": 1}, if_version=0)   → conflict, as api has it";
    let calls = parse(text).unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].session.as_str(), calls[0].tool.as_str()), ("api", "ask"));
    assert_eq!(calls[0].arguments["body"], "a) b, c=d");
    assert!(calls[0].waits() && calls[0].error.is_none());
    assert_eq!(calls[1].arguments["value"]["a"], 1);
    assert_eq!(calls[1].error, Some(ErrorCode::Conflict));
    for wrong in ["api", "api inbox", "api inbox(1)", "api inbox(limit=x)"] {
        parse(wrong).unwrap_err();
    }
}
