//! One request to the model, and what a test wants to know of it.

use serde_json::Value;
use std::fmt;
use std::time::Instant;

/// How much of the news a failed test prints of each request, in characters.
const SHOWN_CHARS: usize = 600;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// When it had been read.
    pub at: Instant,
    /// The whole of it.
    pub body: Value,
    /// The text of all that came since the model last spoke: prompts, results of tools, what the client and hooks add.
    pub news: String,
}

impl ModelRequest {
    pub(super) fn new(body: Value) -> Self {
        let news = latest(&body).map(text).collect::<Vec<_>>().join("\n");
        Self { at: Instant::now(), body, news }
    }

    /// Whether this is the session's conversation, not a title, a probe or another side matter of the client.
    #[must_use]
    pub fn of_conversation(&self) -> bool {
        let tools = self.body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
        tools && self.body["max_tokens"].as_u64().is_none_or(|tokens| tokens > 1)
    }

    /// Whether a turn begins here: nothing of the news is the result of a tool.
    #[must_use]
    pub fn begins_turn(&self) -> bool {
        self.results().is_empty()
    }

    /// The texts of the results of tools in the news.
    #[must_use]
    pub fn results(&self) -> Vec<String> {
        let blocks = latest(&self.body).filter_map(|message| message["content"].as_array()).flatten();
        blocks.filter(|block| block["type"] == "tool_result").map(text).collect()
    }

    /// Every text that the request holds, of all messages and the system prompt.
    #[must_use]
    pub fn everything(&self) -> String {
        let messages = self.body["messages"].as_array().into_iter().flatten();
        let mut texts: Vec<String> = messages.map(text).collect();
        texts.insert(0, text_of(&self.body["system"]));
        texts.join("\n")
    }

    /// The definitions of the tools whose names end so.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<String> {
        let tools = self.body["tools"].as_array().into_iter().flatten();
        let mut names = tools.filter_map(|tool| tool["name"].as_str());
        names.find(|full| *full == name || full.ends_with(&format!("__{name}"))).map(str::to_owned)
    }
}

impl fmt::Display for ModelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars = self.news.chars().count();
        let end: String = self.news.chars().skip(chars.saturating_sub(SHOWN_CHARS)).collect();
        let side = if self.of_conversation() { "" } else { " (side)" };
        write!(f, "request{side}, the last of {chars} new characters: {end:?}")
    }
}

/// The messages since the model last spoke.
fn latest(body: &Value) -> impl Iterator<Item = &Value> {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let spoke = messages.iter().rposition(|message| message["role"] == "assistant");
    messages.iter().skip(spoke.map_or(0, |at| at + 1))
}

fn text(holder: &Value) -> String {
    holder["text"].as_str().map_or_else(|| text_of(&holder["content"]), str::to_owned)
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(text).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
