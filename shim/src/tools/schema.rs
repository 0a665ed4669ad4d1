//! JSON schemas of arguments, from small constants.

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

/// One argument of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    /// Its name.
    pub(super) name: &'static str,
    /// What may be given.
    pub(super) kind: Kind,
    /// What it means; empty where the name says it.
    pub(super) description: &'static str,
}

/// What may be given for an argument.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Flag,
    Object,
    AnyJson,
    OneOf(&'static [&'static str]),
    TextOrTexts,
    Integers,
}

/// The key that makes a repeated call harmless; every changing tool has it.
pub(super) const IDEMPOTENCY_KEY: Property =
    property("idempotency_key", Kind::Text, "same key = same call, done once");

pub(super) const fn property(name: &'static str, kind: Kind, description: &'static str) -> Property {
    Property { name, kind, description }
}

/// The schema of an object with these properties.
pub(super) fn object(properties: &[Property], required: &[&str]) -> JsonObject {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    let members: Map<String, Value> =
        properties.iter().map(|property| (property.name.to_owned(), property.schema())).collect();
    schema.insert("properties".to_owned(), Value::Object(members));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

impl Property {
    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Integer => json!({"type": "integer"}),
            Kind::Number => json!({"type": "number"}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Object => json!({"type": "object"}),
            Kind::AnyJson => json!({}),
            Kind::OneOf(words) => json!({"type": "string", "enum": words}),
            Kind::TextOrTexts => {
                json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
            }
            Kind::Integers => json!({"type": "array", "items": {"type": "integer"}}),
        };
        if !self.description.is_empty()
            && let Some(members) = schema.as_object_mut()
        {
            members.insert("description".to_owned(), json!(self.description));
        }
        schema
    }
}
