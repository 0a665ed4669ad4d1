//! Insertions and their undoing, on examples and on random texts.

use super::{Added, Leaf, add, has, take_nested, take_out};
use proptest::prelude::*;
use serde_json::{Value, json};

fn element(at: &[&str], value: Value) -> Leaf {
    Leaf { at: at.iter().map(|key| (*key).to_owned()).collect(), key: None, value }
}

fn member(at: &[&str], key: &str, value: Value) -> Leaf {
    Leaf { key: Some(key.to_owned()), ..element(at, value) }
}

fn allow() -> Leaf {
    element(&["permissions", "allow"], json!("mcp__c2c__*"))
}

fn added(text: &str, leaves: &[Leaf]) -> (String, Added) {
    let mut added = Added::default();
    let after = add(text, leaves, &mut added).unwrap();
    (after, added)
}

#[test]
fn what_is_inserted_looks_like_what_is_there() {
    let cases = [
        ("", "{\n  \"permissions\": {\n    \"allow\": [\n      \"mcp__c2c__*\"\n    ]\n  }\n}\n"),
        ("{}", "{\n  \"permissions\": {\n    \"allow\": [\n      \"mcp__c2c__*\"\n    ]\n  }\n}"),
        ("{\"a\":1}", "{\"a\":1,\"permissions\":{\"allow\":[\"mcp__c2c__*\"]}}"),
        ("{\"a\": 1}", "{\"a\": 1, \"permissions\": {\"allow\":[\"mcp__c2c__*\"]}}"),
        (
            "{\r\n\t\"permissions\": {\r\n\t\t\"allow\": [ \"x\" ] \r\n\t}\r\n}",
            "{\r\n\t\"permissions\": {\r\n\t\t\"allow\": [ \"x\", \"mcp__c2c__*\" ] \r\n\t}\r\n}",
        ),
        (
            "{\n    \"permissions\": {\n        \"allow\": [\n            \"x\"  \n]\n    }\n}\n",
            "{\n    \"permissions\": {\n        \"allow\": [\n            \"x\",\n            \"mcp__c2c__*\"  \n]\n    }\n}\n",
        ),
        (
            "{\n\t\"permissions\": {}\n}",
            "{\n\t\"permissions\": {\n\t\t\"allow\": [\n\t\t\t\"mcp__c2c__*\"\n\t\t]\n\t}\n}",
        ),
    ];
    for (before, after) in cases {
        let (text, added) = added(before, &[allow()]);
        assert_eq!(text, after);
        let taken = take_out(&text, &added, |text| text == before).unwrap();
        assert_eq!((taken.text.as_str(), taken.missing), (before, vec![]));
        let (again, nothing) = super::tests::added(&text, &[allow()]);
        assert_eq!((again, nothing), (text, Added::default()));
    }
}

#[test]
fn what_is_no_json_or_something_else_is_refused() {
    let refused = [
        "{\"a\": 1,}",
        "{ // comment\n}",
        "nonsense",
        "[]",
        "{\"permissions\": []}",
        "{\"permissions\": {\"allow\": \"all\"}}",
        "{\"permissions\": null}",
    ];
    for text in refused {
        assert!(add(text, &[allow()], &mut Added::default()).is_err(), "{text}");
    }
    let server = member(&["mcpServers"], "c2c", json!({"command": "x"}));
    assert!(add("{\"mcpServers\": {\"c2c\": 1}}", &[server], &mut Added::default()).is_err());
}

#[test]
fn what_others_change_meanwhile_stays() {
    let before = "{\n  \"permissions\": {\n    \"allow\": [\n      \"x\"\n    ]\n  }\n}\n";
    let (text, added) = added(before, &[allow(), element(&["hooks", "Stop"], json!({"hooks": [1]}))]);
    let take = |text: &str| take_out(text, &added, |_| false).unwrap().text;
    // Behind ours, before ours, instead of the one before ours, inside of what was made for ours.
    let behind = text.replace("\"mcp__c2c__*\"", "\"mcp__c2c__*\",\n      \"y\"");
    assert_eq!(take(&behind), before.replace("\"x\"", "\"x\",\n      \"y\""));
    let gone = text.replace("\"x\",\n", "");
    assert_eq!(super::value(&take(&gone)).unwrap(), json!({"permissions": {"allow": []}}));
    let inside = text.replace("\"hooks\": {", "\"hooks\": {\n    \"Mine\": [],");
    let left = super::value(&take(&inside)).unwrap();
    assert_eq!(left, json!({"permissions": {"allow": ["x"]}, "hooks": {"Mine": []}}));
}

#[test]
fn a_hook_in_a_group_that_somebody_changed_is_found() {
    let mut text =
        "{\"h\": [{\"hooks\": [{\"c\": 1}, {\"c\": 2}]}, {\"hooks\": [{\"c\": 1}]}, 5]}".to_owned();
    let at = ["h".to_owned()];
    assert_eq!(take_nested(&mut text, &at, "hooks", |hook| hook["c"] == 1).unwrap(), 2);
    assert_eq!(text, "{\"h\": [{\"hooks\": [{\"c\": 2}]}, 5]}");
}

#[test]
fn a_byte_order_mark_stays() {
    let before = "\u{feff}{\r\n}\r\n";
    let (text, added) = added(before, &[allow()]);
    assert!(text.starts_with("\u{feff}{\r\n  \"permissions\""), "{text:?}");
    assert_eq!(take_out(&text, &added, |text| text == before).unwrap().text, before);
}

/// Any object, with the keys that matter here often among its keys.
fn any_object() -> impl Strategy<Value = Value> {
    let hooks = prop_oneof![any_json(), Just(json!({})), Just(json!({"Stop": []}))];
    let allow = prop_oneof![
        prop::collection::vec(any_json(), 0..3).prop_map(|allow| json!({ "allow": allow })),
        Just(json!({})),
    ];
    let others = prop::collection::vec((any_key(), any_json()), 0..4);
    (others, prop::option::of(hooks), prop::option::of(allow)).prop_map(|(others, hooks, allow)| {
        let mut members: serde_json::Map<String, Value> = others.into_iter().collect();
        members.extend(hooks.map(|hooks| ("hooks".to_owned(), hooks)));
        members.extend(allow.map(|allow| ("permissions".to_owned(), allow)));
        Value::Object(members)
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![Just("hooks".to_owned()), Just("Stop".to_owned()), Just("mcpServers".to_owned()), ".{0,3}"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = any_key().boxed();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        Just(json!("mcp__c2c__*")),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The value as a text, with these blanks between its parts in turn.
fn written(value: &Value, blanks: &mut impl Iterator<Item = String>, out: &mut String) {
    let list =
        |open: char, items: Vec<(Option<&String>, &Value)>, close: char, out: &mut String, blanks: &mut _| {
            out.push(open);
            for (index, (key, value)) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push(out, blanks);
                if let Some(key) = key {
                    out.push_str(&Value::from(key.as_str()).to_string());
                    push(out, blanks);
                    out.push(':');
                    push(out, blanks);
                }
                boxed(value, blanks, out);
                push(out, blanks);
            }
            push(out, blanks);
            out.push(close);
        };
    match value {
        Value::Object(members) => {
            list('{', members.iter().map(|(key, value)| (Some(key), value)).collect(), '}', out, blanks);
        }
        Value::Array(elements) => {
            list('[', elements.iter().map(|value| (None, value)).collect(), ']', out, blanks);
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn boxed(value: &Value, mut blanks: &mut dyn Iterator<Item = String>, out: &mut String) {
    written(value, &mut blanks, out);
}

fn push(out: &mut String, blanks: &mut impl Iterator<Item = String>) {
    out.push_str(&blanks.next().unwrap_or_default());
}

proptest! {
    #[test]
    fn inserting_and_taking_out_again_is_as_if_nothing_had_been(
        value in any_object(),
        blanks in prop::collection::vec("[ \t\r\n]{0,3}", 1..9),
        mark in any::<bool>(),
        event in prop_oneof![Just("Stop"), Just("hooks"), Just("x")],
    ) {
        let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
        let mut all = blanks.into_iter().cycle();
        push(&mut text, &mut all);
        written(&value, &mut all, &mut text);
        push(&mut text, &mut all);
        let leaves = [
            allow(),
            element(&["hooks", event], json!({"hooks": [{"type": "command"}]})),
            member(&["mcpServers"], "c2c", json!({"command": "c2c-shim", "args": []})),
        ];
        let mut note = Added::default();
        // What has something else in that place is refused.
        let Ok(after) = add(&text, &leaves, &mut note) else { return Ok(()) };
        for leaf in &leaves {
            prop_assert!(has(&after, leaf).unwrap(), "{after}");
        }
        let taken = take_out(&after, &note, |left| left == text).unwrap();
        prop_assert_eq!(&taken.text, &text);
        // By their meaning alone it comes to the same value.
        let blind = Added { inserted: Vec::new(), ..note };
        let taken = take_out(&after, &blind, |_| false).unwrap();
        prop_assert!(taken.missing.is_empty());
        prop_assert!(super::same(&taken.text, &text), "{} is not {}", taken.text, text);
    }
}
