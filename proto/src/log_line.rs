//! What the logs of all programs have in common: how lines of JSON are asked for, and what such a line is.
//!
//! It knows nothing of where lines go, or of what is logged.

use serde_json::{Map, Value, json};
use std::fmt;
use tracing::Event;
use tracing::field::{Field, Visit};

/// The word in `C2C_LOG` that asks for lines of JSON.
const JSON: &str = "json";

/// Whether each line is to be a JSON object (the word `json` among the others), and what is to be logged: the other words.
#[must_use]
pub fn wanted(words: &str) -> (bool, String) {
    let (json, others): (Vec<&str>, Vec<&str>) =
        words.split(',').map(str::trim).partition(|word| *word == JSON);
    (!json.is_empty(), others.join(","))
}

/// An event as an object: `timestamp`, `level`, what the event says, `target`.
#[must_use]
pub fn object(at: &str, event: &Event<'_>) -> Value {
    let metadata = event.metadata();
    let mut members = Members(Map::new());
    members.0.insert("timestamp".to_owned(), json!(at));
    members.0.insert("level".to_owned(), json!(metadata.level().as_str()));
    event.record(&mut members);
    members.0.insert("target".to_owned(), json!(metadata.target()));
    Value::Object(members.0)
}

/// What an event says.
struct Members(Map<String, Value>);

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), json!(value));
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn the_word_json_is_about_the_form_and_not_a_target() {
        assert_eq!(wanted(""), (false, String::new()));
        assert_eq!(wanted("debug"), (false, "debug".to_owned()));
        assert_eq!(wanted("json"), (true, String::new()));
        assert_eq!(wanted("info, json,c2c_broker=debug"), (true, "info,c2c_broker=debug".to_owned()));
    }
}
