//! What the model does: rules as data, looked through from the first at every request.

use super::ModelRequest;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ids of calls are unique over all models of a process.
static CALLS: AtomicU64 = AtomicU64::new(1);

/// When the model sees all these texts in the news, it does this. See [`when`].
#[derive(Clone, Debug)]
pub struct Rule {
    sees: Vec<String>,
    unless: Vec<String>,
    acts: Vec<Act>,
    times: usize,
}

#[derive(Clone, Debug)]
enum Act {
    Say(String),
    Call(String, Value),
}

/// A rule that fits when the news hold this text.
#[must_use]
pub fn when(sees: &str) -> Rule {
    Rule { sees: vec![sees.to_owned()], unless: Vec::new(), acts: Vec::new(), times: usize::MAX }
}

impl Rule {
    /// Only if the news hold this as well.
    #[must_use]
    pub fn and(mut self, sees: &str) -> Self {
        self.sees.push(sees.to_owned());
        self
    }

    /// Not if the news hold this.
    #[must_use]
    pub fn unless(mut self, sees: &str) -> Self {
        self.unless.push(sees.to_owned());
        self
    }

    /// The first time only.
    #[must_use]
    pub const fn once(self) -> Self {
        self.times(1)
    }

    /// The first so many times only.
    #[must_use]
    pub const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// The model says this.
    #[must_use]
    pub fn says(mut self, text: &str) -> Self {
        self.acts.push(Act::Say(text.to_owned()));
        self
    }

    /// The model calls a tool, by its full name or by its name on its server. An argument `"$id"` becomes the first
    /// value of `"id":` in the news, looked for in the results of tools first.
    #[must_use]
    pub fn calls(mut self, tool: &str, arguments: Value) -> Self {
        self.acts.push(Act::Call(tool.to_owned(), arguments));
        self
    }

    fn fits(&self, news: &str) -> bool {
        self.times > 0
            && self.sees.iter().all(|text| news.contains(text))
            && !self.unless.iter().any(|text| news.contains(text))
    }
}

/// The blocks of the answer to a request; counts the rule that gave them.
pub(super) fn content(rules: &mut [Rule], request: &ModelRequest) -> Vec<Value> {
    let conversation = request.of_conversation();
    let Some(rule) = rules.iter_mut().find(|rule| conversation && rule.fits(&request.news)) else {
        return vec![json!({"type": "text", "text": "done"})];
    };
    rule.times -= 1;
    rule.acts.iter().map(|act| block(act, request)).collect()
}

fn block(act: &Act, request: &ModelRequest) -> Value {
    match act {
        Act::Say(text) => json!({"type": "text", "text": text}),
        Act::Call(tool, arguments) => {
            // One that the client has not loaded is called by the name that a server from a configuration has.
            let name = request.tool(tool).unwrap_or_else(|| format!("mcp__c2c__{tool}"));
            let id = format!("toolu_{:024}", CALLS.fetch_add(1, Ordering::Relaxed));
            // A result can also come as a notice, when its call had been moved to the background.
            let news = format!("{}\n{}", request.results().join("\n"), request.news);
            json!({"type": "tool_use", "id": id, "name": name, "input": filled(arguments, &news)})
        }
    }
}

/// The arguments, with what they ask to be taken from the news.
fn filled(value: &Value, news: &str) -> Value {
    match value {
        Value::String(text) if text.starts_with('$') => {
            found(&text[1..], news).unwrap_or_else(|| value.clone())
        }
        Value::Array(items) => items.iter().map(|item| filled(item, news)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), filled(field, news))).collect()
        }
        _ => value.clone(),
    }
}

/// The first value of this field in a text that holds JSON.
fn found(field: &str, text: &str) -> Option<Value> {
    let key = format!("\"{field}\":");
    text.match_indices(&key).find_map(|(at, _)| {
        let rest = &text[at + key.len()..];
        serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok()
    })
}
