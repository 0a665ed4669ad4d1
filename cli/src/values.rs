//! JSON texts as they are typed and shown.

use crate::print::inert;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// What was typed as JSON text: as it is if it is JSON, else as a JSON string.
pub(crate) fn from_typed(typed: &str) -> String {
    if serde_json::from_str::<IgnoredAny>(typed).is_ok() {
        return typed.trim().to_owned();
    }
    serde_json::Value::from(typed).to_string()
}

/// The same value on one line, without a space between its parts, each number to its last digit, and with nothing in it
/// that a terminal would obey. A value of an old store that is no JSON is a text.
pub(crate) fn compact(json: &str) -> String {
    if serde_json::from_str::<IgnoredAny>(json).is_err() {
        return compact(&serde_json::Value::from(json).to_string());
    }
    let mut text = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for char in json.chars() {
        match char {
            ' ' | '\n' | '\r' | '\t' if !quoted => continue,
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = char == '\\' && !escaped;
        text.push(char);
    }
    inert(text)
}

/// The same as part of a larger JSON text.
pub(crate) fn exact(json: &str) -> Box<RawValue> {
    // It is JSON now, whatever it was.
    RawValue::from_string(compact(json)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{compact, from_typed};

    #[test]
    fn what_is_no_json_is_a_text() {
        for (typed, json) in [
            ("12", "12"),
            (" {\"a\": 1}\n", "{\"a\": 1}"),
            ("\"12\"", "\"12\""),
            ("hello", "\"hello\""),
            ("say \"x\"", "\"say \\\"x\\\"\""),
            ("", "\"\""),
            ("null", "null"),
            ("{a: 1}", "\"{a: 1}\""),
        ] {
            assert_eq!(from_typed(typed), json);
        }
    }

    #[test]
    fn a_value_is_shown_on_one_line_and_unchanged() {
        for (json, shown) in [
            ("{ \"a b\" :\n [1,\t2.50] }", "{\"a b\":[1,2.50]}"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("\"a \\\\\"", "\"a \\\\\""),
            ("[\"\\\"  \\\"\", 1]", "[\"\\\"  \\\"\",1]"),
            ("\"\u{9b}2J\u{202e}\"", "\"\\u009b2J\\u202e\""),
            ("no json", "\"no json\""),
        ] {
            assert_eq!(compact(json), shown);
        }
    }
}
