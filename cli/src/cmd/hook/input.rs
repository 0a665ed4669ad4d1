//! What the client says to its hook on stdin. Whatever is not as expected counts as absent.

use serde_json::Value;
use std::io::{self, IsTerminal, Read};

/// A prompt may be long; what comes after this is left unread.
const INPUT_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The facts that a hook decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    /// The client session's id as it is now.
    pub(super) session_id: Option<String>,
    /// The turn was prolonged by a hook already.
    pub(super) stop_hook_active: bool,
}

impl Input {
    /// Reads stdin to its end; nothing from a terminal.
    pub(super) fn read() -> Self {
        let stdin = io::stdin();
        let mut text = Vec::new();
        if !stdin.is_terminal() && stdin.lock().take(INPUT_MAX_BYTES).read_to_end(&mut text).is_err() {
            text.clear();
        }
        Self::of(&text)
    }

    fn of(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        Self {
            session_id: value["session_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned),
            stop_hook_active: value["stop_hook_active"].as_bool().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Input;

    #[test]
    fn what_is_not_as_expected_counts_as_absent() {
        let known = Input::of(br#"{"session_id": "s", "stop_hook_active": true, "more": [1]}"#);
        assert_eq!(known, Input { session_id: Some("s".to_owned()), stop_hook_active: true });
        for text in ["", "no json", "[]", r#"{"session_id": 7, "stop_hook_active": "yes"}"#] {
            assert_eq!(Input::of(text.as_bytes()), Input::default(), "{text}");
        }
    }
}
