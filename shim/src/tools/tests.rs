//! Sizes and texts of the definitions, and how arguments become requests.

use super::{ALL, Call, Defaults, INSTRUCTIONS, View, definitions, find};
use c2c_proto::message::To;
use c2c_proto::request::Request;
use c2c_proto::{Error, ErrorCode};
use serde_json::{Value, json};

const DEFAULTS: Defaults = Defaults { wait_s: 50 };

fn decode(tool: &str, arguments: Value) -> Result<Call, Error> {
    let Value::Object(map) = arguments else { panic!("arguments are an object") };
    find(tool).unwrap().decode(Some(map), &DEFAULTS)
}

#[test]
fn texts_stay_small() {
    for tool in &ALL {
        assert!(tool.description.chars().count() <= 1_000, "{}", tool.name);
    }
    let all = serde_json::to_string(&definitions()).unwrap();
    assert!(all.chars().count() <= 12_000, "{} characters", all.chars().count());
    assert!(INSTRUCTIONS.chars().count() <= 2_000, "{} characters", INSTRUCTIONS.chars().count());
}

#[test]
fn the_definitions() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&definitions()).unwrap());
}

#[test]
fn the_instructions() {
    insta::assert_snapshot!(INSTRUCTIONS);
}

#[test]
fn hints_for_clients_are_on_the_right_tools() {
    let with = |pick: fn(&super::Tool) -> bool| -> Vec<&str> {
        ALL.iter().filter(|tool| pick(tool)).map(|tool| tool.name).collect()
    };
    assert_eq!(with(|tool| tool.read_only), ["list_sessions", "inbox", "wait_for_message", "get_state"]);
    assert_eq!(
        with(|tool| tool.always_load),
        ["send_message", "inbox", "mark_read", "wait_for_message", "ask"]
    );
}

#[test]
fn every_changing_tool_takes_a_key_and_passes_it_on() {
    let calls = [
        ("register_session", json!({"name": "a"})),
        ("send_message", json!({"to": "a", "body": "b"})),
        ("mark_read", json!({"message_ids": [1]})),
        ("ask", json!({"to": "a", "body": "b"})),
        ("set_state", json!({"key": "k", "value": 1})),
        ("delete_state", json!({"key": "k"})),
        ("prune", json!({})),
    ];
    for (tool, mut arguments) in calls {
        let fresh = decode(tool, arguments.clone()).unwrap();
        assert!(fresh.request.key().unwrap().starts_with("call:"), "{tool}");
        arguments["idempotency_key"] = json!("mine");
        let given = decode(tool, arguments.clone()).unwrap();
        assert_eq!(given.request.key(), Some("model:mine"), "{tool}");
        arguments["idempotency_key"] = json!("k".repeat(251));
        let error = decode(tool, arguments).unwrap_err();
        assert_eq!(error.message, "idempotency_key is 251 bytes, the limit is 250 bytes", "{tool}");
    }
}

#[test]
fn recipients_in_every_form() {
    let to = |to: Value| match decode("send_message", json!({"to": to, "body": "b"})).unwrap().request {
        Request::Send(send) => send.to.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(to(json!("a")), To::One("a".to_owned()));
    assert_eq!(to(json!("*")), To::Everyone);
    assert_eq!(to(json!(["*"])), To::Everyone);
    assert_eq!(to(json!(["*@*"])), To::One("*@*".to_owned()));
    assert_eq!(to(json!(["a", "b", "A"])), To::Many(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(to(json!(r#"["a","b"]"#)), To::Many(vec!["a".to_owned(), "b".to_owned()]));
    for wrong in [json!([]), json!(["a", "*"]), json!(["a", ""]), json!({"name": "a"})] {
        decode("send_message", json!({"to": wrong, "body": "b"})).unwrap_err();
    }
    let names: Vec<String> = (0..257).map(|n| format!("n{n}")).collect();
    let error = decode("send_message", json!({"to": names, "body": "b"})).unwrap_err();
    assert_eq!(error.message, "to is 257 names, the limit is 256 names");
}

#[test]
fn unread_only_follows_what_is_looked_for() {
    let unread_only = |arguments: Value| match decode("inbox", arguments).unwrap().request {
        Request::Inbox(inbox) => inbox.unread_only,
        other => panic!("{other:?}"),
    };
    for all in [
        json!({"sent": true}),
        json!({"query": "x"}),
        json!({"thread": 1}),
        json!({"before_id": 9}),
        json!({"unread_only": false}),
    ] {
        assert!(!unread_only(all));
    }
    for unread in
        [json!({}), json!({"after_id": 3}), json!({"tag": "x"}), json!({"thread": 1, "unread_only": true})]
    {
        assert!(unread_only(unread));
    }
}

#[test]
fn one_message_stands_alone() {
    for good in [
        json!({"message_id": 7}),
        json!({"message_id": "7", "offset": 30000}),
        json!({"message_id": 7, "unread_only": false, "limit": 1, "sent": true, "tag": null}),
    ] {
        assert!(matches!(decode("inbox", good).unwrap().request, Request::ReadMessage(_)));
    }
    for wrong in [
        json!({"message_id": 7, "tag": "x"}),
        json!({"message_id": 7, "unread_only": true}),
        json!({"message_id": 7, "after_id": 1}),
        json!({"message_id": 0}),
        json!({"offset": 1}),
    ] {
        decode("inbox", wrong).unwrap_err();
    }
}

#[test]
fn a_state_value_is_never_reinterpreted() {
    let exact: Value =
        serde_json::from_str("[0.30000000000000004,1.7976931348623157e308,9007199254740993]").unwrap();
    for value in [json!(null), json!("12"), json!("{\"a\":1}"), json!([1, "2"]), json!(""), exact] {
        let call = decode("set_state", json!({"key": "k", "value": value})).unwrap();
        let Request::SetState(set) = call.request else { panic!("{call:?}") };
        assert_eq!(set.value, value.to_string());
        assert_eq!(serde_json::from_str::<Value>(&set.value).unwrap(), value);
    }
    assert_eq!(decode("set_state", json!({"key": "k"})).unwrap_err().message, "value is missing");
}

#[test]
fn get_state_is_a_read_a_list_or_a_watch() {
    let request = |arguments: Value| decode("get_state", arguments).map(|call| call.request);
    assert!(matches!(request(json!({"key": "k"})), Ok(Request::GetState(_))));
    assert!(matches!(request(json!({})), Ok(Request::ListState(_))));
    assert!(matches!(request(json!({"prefix": "a%", "after_key": "a"})), Ok(Request::ListState(_))));
    let Ok(Request::WatchState(watch)) = request(json!({"key": "k", "newer_than": 0})) else { panic!() };
    assert_eq!((watch.newer_than, watch.timeout_ms), (0, 50_000));
    for wrong in [
        json!({"key": "k", "prefix": "k"}),
        json!({"newer_than": 1}),
        json!({"key": "k", "timeout_s": 5}),
        json!({"key": "k", "newer_than": -1}),
    ] {
        request(wrong).unwrap_err();
    }
}

#[test]
fn waits_default_to_what_suits_the_client() {
    let wait_ms = |tool: &str, arguments: Value, wait_s| {
        let Value::Object(map) = arguments else { panic!() };
        find(tool).unwrap().decode(Some(map), &Defaults { wait_s }).unwrap().request.wait_ms()
    };
    assert_eq!(wait_ms("wait_for_message", json!({}), 3_600), Some(3_600_000));
    assert_eq!(wait_ms("ask", json!({"to": "a", "body": "b"}), 50), Some(50_000));
    assert_eq!(wait_ms("wait_for_message", json!({"timeout_s": "1.5"}), 50), Some(1_500));
    decode("wait_for_message", json!({"timeout_s": 86_401})).unwrap_err();
}

#[test]
fn limits_are_named_with_the_value() {
    let errors = [
        decode("inbox", json!({"limit": 501})),
        decode("inbox", json!({"tag": "x".repeat(65)})),
        decode("inbox", json!({"query": "x".repeat(1_001)})),
        decode("send_message", json!({"to": "a", "body": ""})),
        decode("send_message", json!({"to": "a", "body": "x".repeat(8 * 1024 * 1024 + 1)})),
        decode("send_message", json!({"body": "x"})),
        decode("send_message", json!({"to": "a", "body": "x", "priority": "high"})),
        decode("register_session", json!({"name": "a", "metadata": {"x": "y".repeat(16 * 1024)}})),
        decode("register_session", json!({"metadata": {}})),
        decode("mark_read", json!({"message_ids": vec![1; 501]})),
        decode("set_state", json!({"key": "k".repeat(513), "value": 1})),
        decode("set_state", json!({"key": "k", "value": "v".repeat(1024 * 1024)})),
        decode("set_state", json!({"key": "k", "value": 1, "ttl_s": 0})),
        decode("send_message", json!({"to": "a"})),
        decode("send_message", json!({"to": [null], "body": "x"})),
        decode("send_message", json!({"to": {"name": "a"}, "body": "x"})),
        decode("mark_read", json!({})),
        decode("mark_read", json!({"message_ids": [[1]]})),
        decode("mark_read", json!({"message_ids": {"id": 1}})),
        decode("list_sessions", json!({"active_within_min": 4_294_967_295_u32})),
        decode("set_state", json!({"key": "", "value": 1})),
        decode("ask", json!({"body": "b"})),
        decode("ask", json!({"to": "a", "body": "b", "replies": 0})),
        decode("prune", json!({"older_than_days": -1})),
        decode("prune", json!({"days": 3})),
    ];
    let texts: Vec<String> = errors
        .into_iter()
        .map(|result| result.unwrap_err())
        .map(|error| format!("{error}\n    {}", error.hint))
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn an_empty_text_is_not_taken_for_everything() {
    for (tool, name) in [
        ("get_state", "key"),
        ("inbox", "from"),
        ("inbox", "tag"),
        ("inbox", "query"),
        ("wait_for_message", "from"),
        ("wait_for_message", "tag"),
        ("delete_state", "key"),
    ] {
        let error = decode(tool, json!({name: ""})).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{tool}");
        assert!(error.message.starts_with(name), "{tool}: {error}");
        if tool != "delete_state" {
            decode(tool, json!({name: null})).unwrap();
        }
    }
    decode("get_state", json!({"prefix": "", "after_key": ""})).unwrap();
}

#[test]
fn cursors_are_passed_on() {
    let call = decode("list_sessions", json!({"after_name": "m"})).unwrap();
    let Request::ListSessions(request) = call.request else { panic!("{call:?}") };
    assert_eq!(request.after_name.as_deref(), Some("m"));
    assert_eq!(decode("inbox", json!({"before_id": 5})).unwrap().view, View::Inbox { downward: true });
}
