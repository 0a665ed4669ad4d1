//! What is no MCP on stdin is answered, and disturbs nothing.

use c2c_harness::{PATIENCE, Sandbox, Seed, Shim};
use c2c_proto::limits::MCP_LINE_MAX_BYTES;
use serde_json::{Value, json};
use std::time::Duration;

/// An error that carries no id, or null.
#[track_caller]
fn answered_without_id(shim: &mut Shim, line: &[u8]) -> Value {
    shim.send_raw(line);
    shim.send_raw(b"\n");
    let shown = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
    let answer =
        shim.wire().response_without_id(PATIENCE).unwrap_or_else(|| panic!("no answer to {shown:?}"));
    assert!(answer["error"]["code"].as_i64().is_some_and(|code| code < 0), "{shown:?}: {answer}");
    assert!(answer["error"]["message"].is_string(), "{answer}");
    answer
}

/// An error that carries this id.
#[track_caller]
fn answered_with_id(shim: &mut Shim, line: &str, id: &Value) -> Value {
    shim.send_raw(line.as_bytes());
    shim.send_raw(b"\n");
    let answer = shim.wire().response(id, PATIENCE).unwrap_or_else(|| panic!("no answer to {line:.80}"));
    assert!(answer["error"]["code"].as_i64().is_some_and(|code| code < 0), "{line:.80}: {answer}");
    answer
}

#[track_caller]
fn still_serves(shim: &mut Shim) {
    shim.ok("heartbeat", json!({}));
}

#[test]
fn lines_that_are_no_json() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    for line in [
        b"hello".as_slice(),
        b"{",
        b"{\"jsonrpc\":\"2.0\",\"method\":}",
        b"\"unfinished",
        b"\xff\xfe\xfd",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"ping\xff\"",
        b"nul \0 nul",
        b"{\"a\":1}}",
        b"GET / HTTP/1.1",
        b"",
        b"   ",
        b"\r",
    ] {
        let answer = answered_without_id(&mut shim, line);
        assert_eq!(answer["error"]["code"], -32700, "{line:?}");
    }
    still_serves(&mut shim);
}

#[test]
fn json_that_is_no_request() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    for line in ["null", "7", "\"text\"", "true", "[]", "{}"] {
        answered_without_id(&mut shim, line.as_bytes());
    }
    // Batches went out of MCP with 2025-06-18.
    answered_without_id(&mut shim, br#"[{"jsonrpc":"2.0","id":1001,"method":"ping"}]"#);
    for (line, id) in [
        (r#"{"jsonrpc":"2.0","id":"a","method":7}"#, json!("a")),
        (r#"{"jsonrpc":"2.0","id":"b"}"#, json!("b")),
        (r#"{"jsonrpc":"1.0","id":"c","method":"ping"}"#, json!("c")),
        (r#"{"id":"d","method":"ping"}"#, json!("d")),
        (r#"{"jsonrpc":"2.0","id":"e","method":"no/such/method"}"#, json!("e")),
        (r#"{"jsonrpc":"2.0","id":"f","method":"tools/call","params":[1]}"#, json!("f")),
        (r#"{"jsonrpc":"2.0","id":"g","method":"tools/call","params":{}}"#, json!("g")),
        (r#"{"jsonrpc":"2.0","id":"h","method":"tools/call","params":{"name":7}}"#, json!("h")),
    ] {
        answered_with_id(&mut shim, line, &id);
    }
    let unknown = answered_with_id(&mut shim, r#"{"jsonrpc":"2.0","id":"i","method":"x"}"#, &json!("i"));
    assert_eq!(unknown["error"]["code"], -32601);
    still_serves(&mut shim);
}

#[test]
fn notifications_are_not_answered_and_end_nothing() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.shim().spawn();
    // Also before initialize.
    shim.notify("notifications/whatever", &json!({}));
    shim.notify("notifications/cancelled", &json!({"requestId": 77}));
    shim.initialize();
    shim.notify("notifications/cancelled", &json!({"requestId": "none", "reason": 7}));
    shim.notify("notifications/cancelled", &json!({}));
    shim.notify("notifications/progress", &json!({"progressToken": 1}));
    shim.notify("no/such", &json!(null));
    still_serves(&mut shim);
    assert!(shim.wire().response_without_id(Duration::ZERO).is_none());
}

#[test]
fn garbage_before_initialize() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.shim().spawn();
    answered_without_id(&mut shim, b"garbage");
    answered_without_id(&mut shim, b"[1,2]");
    let early = shim.start_call("heartbeat", json!({})).response(PATIENCE);
    assert!(early.get("error").is_some() || early.get("result").is_some(), "{early}");
    shim.initialize();
    still_serves(&mut shim);
}

#[test]
fn a_line_at_its_limit_is_read_and_one_byte_more_is_not() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    let head = |over: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":"edg{over}","method":"tools/call","params":{{"name":"send_message","arguments":{{"to":"bob","body":""#
        )
    };
    let tail = b"\"}}}";
    for over in [0, 1] {
        let filling = MCP_LINE_MAX_BYTES - head(over).len() - tail.len() + over;
        let line = [head(over).as_bytes(), &vec![b'x'; filling], tail, b"\n"].concat();
        shim.send_raw(&line);
        let answer = shim.wire().response(&json!(format!("edg{over}")), PATIENCE).expect("an answer");
        if over == 0 {
            let text = answer["result"]["content"][0]["text"].as_str().expect("a result of the tool");
            assert!(text.contains("too_large"), "{text}");
        } else {
            assert!(answer["error"]["message"].as_str().unwrap().contains("67108864"), "{answer}");
        }
    }
    still_serves(&mut shim);
}

#[test]
fn f2_a_line_that_is_too_long_is_answered_and_not_kept() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    let chunk = vec![b'x'; 1024 * 1024];
    shim.send_raw(br#"{"jsonrpc":"2.0","id":"long","method":"tools/call","params":{"name":"send_message","arguments":{"to":"bob","body":""#);
    for _ in 0..65 {
        shim.send_raw(&chunk);
    }
    shim.send_raw(b"\"}}}\n");
    // The id stands at the line's beginning, so it can be found.
    let answer = shim.wire().response(&json!("long"), PATIENCE).expect("an answer with the id");
    let said = answer["error"]["message"].as_str().expect("an error").to_owned();
    assert!(said.contains("67108864"), "the limit is named: {said}");
    still_serves(&mut shim);
    if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string(format!("/proc/{}/status", shim.id())).unwrap();
        let rss = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        let kib: u64 = rss.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kib < 60 * 1024, "{kib} KiB are kept after the line");
    }
}

#[test]
fn deep_and_odd_json_does_no_harm() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    answered_without_id(&mut shim, deep.as_bytes());
    let nested = format!(
        r#"{{"jsonrpc":"2.0","id":"n","method":"tools/call","params":{{"name":"set_state","arguments":{{"key":"k","value":{deep}}}}}}}"#
    );
    shim.send_raw(nested.as_bytes());
    shim.send_raw(b"\n");
    let told = shim.wire().response(&json!("n"), PATIENCE).is_some()
        || shim.wire().response_without_id(Duration::from_secs(5)).is_some();
    assert!(told, "a value that is nested too deeply is answered");
    still_serves(&mut shim);
    // Ids of every kind come back as they were.
    for id in [json!(0), json!(-5), json!(9_007_199_254_740_991_i64), json!(""), json!("ü\"\\")] {
        shim.send(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
        assert!(shim.wire().response(&id, PATIENCE).is_some(), "id {id}");
    }
    // A repeated key, unknown members.
    shim.send_raw(br#"{"jsonrpc":"2.0","id":"twice","method":"ping","extra":{"a":[1]}}"#);
    shim.send_raw(b"\r\n");
    assert!(shim.wire().response(&json!("twice"), PATIENCE).is_some(), "a line may end with CR LF");
}

#[test]
fn e2_random_bytes_between_calls() {
    let sandbox = Sandbox::new();
    let mut seed = Seed::new();
    let mut shim = sandbox.session("alice");
    for _ in 0..40 {
        let length = 1 + seed.below(200);
        let mut line = seed.bytes(length);
        line.retain(|byte| *byte != b'\n');
        line.insert(0, b'#');
        answered_without_id(&mut shim, &line);
    }
    still_serves(&mut shim);
}
