//! What becomes of lines of every kind.

use super::{Incoming, read, too_long};
use proptest::prelude::*;
use rmcp::model::JsonRpcMessage;
use serde_json::{Value, json};

/// What became of a line, as text.
fn fate(line: &[u8], initialized: bool) -> String {
    match read(line, initialized) {
        Incoming::Message(message) => match *message {
            JsonRpcMessage::Request(request) => format!("request {}", request.request.method()),
            JsonRpcMessage::Response(_) => "response".to_owned(),
            JsonRpcMessage::Notification(_) => "notification".to_owned(),
            JsonRpcMessage::Error(_) => "error".to_owned(),
        },
        Incoming::Answers(lines) => {
            lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n")
        }
        Incoming::Nothing => "nothing".to_owned(),
    }
}

fn initialize() -> String {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
    .to_string()
}

#[test]
fn before_initialize_nothing_else_gets_through() {
    let cases = [
        initialize(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":2,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":"x","method":"tools/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":3,"method":"no/such"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":4,"method":"initialize","params":{}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":5,"result":{}}"#.to_owned(),
    ];
    let fates: Vec<String> = cases.iter().map(|line| fate(line.as_bytes(), false)).collect();
    insta::assert_snapshot!(fates.join("\n"));
}

#[test]
fn afterwards_messages_get_through() {
    for (line, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "request tools/list"),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "notification"),
        (r#"{"jsonrpc":"2.0","method":"notifications/other","params":{"a":1}}"#, "notification"),
        (r#"{"jsonrpc":"2.0","id":5,"result":{}}"#, "response"),
        ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r", "request ping"),
    ] {
        assert_eq!(fate(line.as_bytes(), true), expected, "{line}");
    }
    assert!(fate(br#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#, true).contains("-32601"));
}

#[test]
fn what_is_no_message_is_answered() {
    let cases: [&[u8]; 16] = [
        b"",
        b"  \r",
        b"hello",
        b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{",
        b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\xff\"}",
        b"[]",
        b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":\"ping\"}]",
        b"[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]",
        b"12",
        b"null",
        b"{\"jsonrpc\":\"2.0\",\"id\":8}",
        b"{\"id\":9,\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":11,\"method\":\"no/such\",\"params\":[1]}",
        b"{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"tools/call\",\"params\":[1]}",
        b"{\"jsonrpc\":\"1.0\",\"id\":10,\"result\":{}}",
    ];
    let fates: Vec<String> = cases.iter().map(|line| fate(line, true)).collect();
    insta::assert_snapshot!(fates.join("\n"));
}

#[test]
fn every_method_that_is_not_there_is_refused_alike() {
    for (method, params) in [
        ("no/such", json!({"a": 1})),
        ("prompts/list", json!({})),
        ("prompts/get", json!({"name": "x"})),
        ("logging/setLevel", json!({"level": "info"})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": "b"}}),
        ),
        ("completion/complete", json!({})),
        ("tasks/list", json!({})),
    ] {
        for initialized in [false, true] {
            let line = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
            let answer: Value = serde_json::from_str(&fate(line.as_bytes(), initialized)).unwrap();
            let expected =
                json!({"code": -32601, "message": format!("this server has no method {method:?}")});
            assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 1, "error": expected}));
        }
    }
}

/// A call of `set_state` with this value.
fn set_state(value: &str) -> String {
    let head = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"set_state","_meta":{"x":0.10000000000000000001},"#;
    format!(r#"{head}"arguments":{{"key":"k","value":{value}}}}},"id":3}}"#)
}

#[test]
fn a_value_that_cannot_be_kept_is_refused_as_an_argument() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let refused = [
        ("123456789012345678901234567890.10".to_owned(), "123456789012345678901234567890.10"),
        ("{\"a\":[1e400]}".to_owned(), "the number 1e400 in"),
        (deep(125), "nested 128 levels deep, the limit is 127 levels"),
        (deep(100_000), "nested 100003 levels deep"),
    ];
    for (value, said) in refused {
        let answer: Value = serde_json::from_str(&fate(set_state(&value).as_bytes(), true)).unwrap();
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(3), &json!(true)), "{answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        let error: Value = serde_json::from_str(text).unwrap();
        assert_eq!(error["code"], "invalid_argument");
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("string"), "{error}");
    }
    for value in ["1.10", "18446744073709551615", "\"1e400\"", "[0.1,1e2]", &deep(124)] {
        assert_eq!(fate(set_state(value).as_bytes(), true), "request tools/call", "{value}");
    }
    let elsewhere = r#"{"jsonrpc":"2.0","id":3,"method":"ping","params":{"x":1e400}}"#;
    assert!(fate(elsewhere.as_bytes(), true).contains("number out of range"));
    assert!(fate(set_state("1e400").as_bytes(), false).contains("\"error\""));
}

#[test]
fn a_line_that_was_too_long() {
    insta::assert_snapshot!(String::from_utf8(too_long(Some(&json!(7)))).unwrap());
}

#[test]
fn nesting_without_end_is_answered() {
    let line = format!("{{\"id\":5,\"x\":{}", "[".repeat(100_000));
    let answer: Value = serde_json::from_str(&fate(line.as_bytes(), true)).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(5), &json!(-32700)));
}

proptest! {
    #[test]
    fn any_line_is_a_message_or_gets_answers_of_one_line_each(line in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Incoming::Answers(answers) = read(&line, true) {
            prop_assert!(!answers.is_empty());
            for answer in answers {
                prop_assert!(!answer.contains(&b'\n'));
                prop_assert!(serde_json::from_slice::<Value>(&answer).is_ok());
            }
        }
    }
}
