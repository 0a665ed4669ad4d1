//! Arguments in every spelling, and the texts for those that are not understood.

use super::{Args, Many};
use serde_json::{Value, json};

fn args(arguments: Value) -> Args {
    let Value::Object(map) = arguments else { panic!("arguments are an object") };
    Args::new("inbox", &["a", "b"], Some(map)).unwrap()
}

#[test]
fn null_and_empty_text_are_absent() {
    let mut given = args(json!({"a": null, "b": ""}));
    assert!(!given.has("a"));
    assert_eq!(given.text("a").unwrap(), None);
    assert_eq!(given.integer("b", 0, 9).unwrap(), None);
}

#[test]
fn whole_numbers_in_every_spelling() {
    for spelling in [json!(12), json!(12.0), json!("12"), json!(" 12 "), json!("12.0")] {
        assert_eq!(args(json!({"a": spelling})).integer("a", 1, 20).unwrap(), Some(12));
    }
    for wrong in [json!(12.5), json!("x"), json!([12]), json!(true), json!({})] {
        args(json!({"a": wrong})).integer("a", 1, 20).unwrap_err();
    }
    assert_eq!(args(json!({"a": i64::MAX})).id("a").unwrap(), Some(i64::MAX));
}

#[test]
fn a_number_out_of_its_range_names_value_and_range() {
    let error = args(json!({"a": 501})).integer("a", 1, 500).unwrap_err();
    assert_eq!(error.message, "a is 501, allowed is from 1 to 500");
    let error = args(json!({"a": 90000})).seconds_as_ms("a", 0, 86_400).unwrap_err();
    assert_eq!(error.message, "a is 90000, allowed is from 0 to 86400 seconds");
}

#[test]
fn seconds_may_have_a_fraction() {
    assert_eq!(args(json!({"a": "0.25"})).seconds_as_ms("a", 0, 10).unwrap(), Some(250));
    assert_eq!(args(json!({"a": 0})).seconds_as_ms("a", 0, 10).unwrap(), Some(0));
    args(json!({"a": -1})).seconds_as_ms("a", 0, 10).unwrap_err();
    args(json!({"a": "NaN"})).seconds_as_ms("a", 0, 10).unwrap_err();
    args(json!({"a": 0})).seconds_as_ms("a", 1, 10).unwrap_err();
}

#[test]
fn a_whole_number_is_a_text_too() {
    assert_eq!(args(json!({"a": 7})).text("a").unwrap().unwrap(), "7");
    for wrong in [json!(7.5), json!(true), json!(["x"]), json!({})] {
        args(json!({"a": wrong})).text("a").unwrap_err();
    }
}

#[test]
fn flags_in_words() {
    assert_eq!(args(json!({"a": "True"})).flag("a").unwrap(), Some(true));
    assert_eq!(args(json!({"a": false})).flag("a").unwrap(), Some(false));
    args(json!({"a": "yes"})).flag("a").unwrap_err();
}

#[test]
fn a_single_value_is_a_list_of_one() {
    assert_eq!(args(json!({"a": 7})).required_ids("a").unwrap(), [7]);
    assert_eq!(args(json!({"a": "7"})).required_ids("a").unwrap(), [7]);
    assert_eq!(args(json!({"a": [7, "8", 9.0]})).required_ids("a").unwrap(), [7, 8, 9]);
    assert_eq!(args(json!({"a": "[7, 8]"})).required_ids("a").unwrap(), [7, 8]);
    args(json!({"a": "7, 8"})).required_ids("a").unwrap_err();
    let (names, many) = args(json!({"a": "local"})).texts("a", "names").unwrap().unwrap();
    assert_eq!((names, many), (vec!["local".to_owned()], Many::Single));
    let (names, many) = args(json!({"a": "[\"x\", \"y\"]"})).texts("a", "names").unwrap().unwrap();
    assert_eq!((names, many), (vec!["x".to_owned(), "y".to_owned()], Many::List));
}

#[test]
fn a_text_that_only_begins_like_a_list_is_a_text() {
    let (names, many) = args(json!({"a": "[draft"})).texts("a", "names").unwrap().unwrap();
    assert_eq!((names, many), (vec!["[draft".to_owned()], Many::Single));
}

#[test]
fn an_object_may_come_as_text() {
    assert_eq!(args(json!({"a": {"x": 1}})).object("a").unwrap().unwrap(), r#"{"x":1}"#);
    assert_eq!(args(json!({"a": "{\"x\": 1}"})).object("a").unwrap().unwrap(), r#"{"x":1}"#);
    args(json!({"a": "[1]"})).object("a").unwrap_err();
    let error = args(json!({"a": "{\"x\": 1234567890123456789012}"})).object("a").unwrap_err();
    assert!(error.message.contains("1234567890123456789012"), "{error}");
}

#[test]
fn an_explicit_null_can_be_a_value() {
    let mut given = args(json!({"a": null}));
    assert_eq!(given.json("a"), Some(Value::Null));
    assert_eq!(given.json("b"), None);
}

#[test]
fn texts_of_errors() {
    let unknown =
        Args::new("inbox", &["limit", "tag"], json!({"colour": 1}).as_object().cloned()).unwrap_err();
    let none = Args::new("heartbeat", &[], json!({"x": 1}).as_object().cloned()).unwrap_err();
    let wrong = args(json!({"a": {"x": 1}})).text("a").unwrap_err();
    let long = args(json!({"a": "é".repeat(100)})).integer("a", 0, 1).unwrap_err();
    let missing = args(json!({})).required_text("a", "a name").unwrap_err();
    let shown: Vec<String> = [unknown, none, wrong, long, missing]
        .iter()
        .map(|error| format!("{error} [{}]", error.hint))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}
