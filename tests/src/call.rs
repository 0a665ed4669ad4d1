//! A tool call on its way, and its result.

use crate::PATIENCE;
use crate::shim::Shim;
use crate::wire::Wire;
use c2c_proto::ErrorCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A call that was sent and is not awaited yet. Dropping it leaves the call alone.
#[derive(Debug)]
pub struct Pending {
    pub(crate) id: Value,
    pub(crate) wire: Arc<Wire>,
}

impl Pending {
    /// The JSON-RPC response, whatever it is.
    ///
    /// # Panics
    /// If none comes in time.
    #[track_caller]
    #[must_use]
    pub fn response(&self, within: Duration) -> Value {
        self.wire.response(&self.id, within).unwrap_or_else(|| {
            panic!(
                "no response to call {} within {within:?} (output faults: {:?})",
                self.id,
                self.wire.faults()
            )
        })
    }

    /// The tool's result.
    ///
    /// # Panics
    /// If none comes in time, or it is no tool result.
    #[track_caller]
    #[must_use]
    pub fn result(&self, within: Duration) -> ToolResult {
        ToolResult::of(&self.response(within))
    }

    /// The tool's result, if it comes in time.
    #[must_use]
    pub fn try_result(&self, within: Duration) -> Option<ToolResult> {
        self.wire.response(&self.id, within).map(|response| ToolResult::of(&response))
    }

    /// The tool's result within [`PATIENCE`], which must not be an error.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.result(PATIENCE).ok()
    }

    /// Whether the response is there.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.wire.has_response(&self.id)
    }

    /// Whether no response comes within this time.
    #[must_use]
    pub fn stays_open(&self, time: Duration) -> bool {
        self.wire.response(&self.id, time).is_none()
    }

    /// Tells the shim that the result is not wanted any more.
    pub fn cancel(&self, shim: &mut Shim) {
        shim.notify("notifications/cancelled", &json!({"requestId": self.id, "reason": "test"}));
    }
}

/// A tool's result: one JSON object in one text block.
#[derive(Debug, Clone)]
pub struct ToolResult {
    /// Whether the tool says that it failed.
    pub is_error: bool,
    /// The object.
    pub json: Value,
    /// The text block as it was sent.
    pub text: String,
}

impl ToolResult {
    /// Reads a response to `tools/call`, and holds it to the promised form.
    #[track_caller]
    pub(crate) fn of(response: &Value) -> Self {
        let result = response.get("result").unwrap_or_else(|| panic!("not a tool result: {response}"));
        assert!(result.get("structuredContent").is_none(), "the result is there twice: {result}");
        let content = result["content"].as_array().unwrap_or_else(|| panic!("no content: {result}"));
        assert_eq!(content.len(), 1, "one block: {result}");
        assert_eq!(content[0]["type"], "text");
        let text = content[0]["text"].as_str().expect("a text").to_owned();
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(json.is_object(), "one object: {text}");
        let chars = text.chars().count();
        assert!(chars < 40_000, "a result of {chars} characters");
        let is_error = result["isError"] == true;
        let result = Self { is_error, json, text };
        if is_error {
            result.check_error();
        }
        result
    }

    /// Every error says what, whether to retry, and what to do.
    #[track_caller]
    fn check_error(&self) {
        let code = self.json["code"].as_str().unwrap_or_default();
        let known = ErrorCode::ALL.iter().any(|known| known.as_str() == code);
        assert!(known, "an unknown code: {}", self.text);
        let message = self.json["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty() && !message.ends_with('.'), "a message: {}", self.text);
        let mut chars = message.chars();
        // A path may come first, on Windows with the letter of its drive.
        let capital =
            chars.next().is_some_and(|first| first.is_ascii_uppercase()) && chars.next() != Some(':');
        assert!(!capital, "a fragment: {}", self.text);
        assert!(self.json["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "a hint: {}", self.text);
        assert!(self.json["retry_safe"].is_boolean(), "whether to retry: {}", self.text);
    }

    /// Whether it succeeded.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        !self.is_error
    }

    /// The object of a success.
    ///
    /// # Panics
    /// If it is an error.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(!self.is_error, "an error instead of a result: {}", self.text);
        self.json
    }

    /// The object of an error with this code.
    ///
    /// # Panics
    /// If it is a success, or another error.
    #[track_caller]
    pub fn err(self, code: ErrorCode) -> Value {
        assert!(self.is_error, "a result instead of the error {code}: {}", self.text);
        assert_eq!(self.json["code"], code.as_str(), "{}", self.text);
        self.json
    }
}
