//! Which hooks there are, when each has something to do, and how it answers.

use super::input::Input;
use c2c_proto::push::Choice;
use c2c_proto::request::HookEvent;
use serde_json::{Value, json};

/// A hook, by the word after `c2c hook`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A session begins, is resumed, cleared or compacted.
    SessionStart,
    /// The user has said something.
    UserPromptSubmit,
    /// A turn ends.
    Stop,
    /// A session ends.
    SessionEnd,
    /// Runs beside an idle session.
    Rewake,
}

impl Event {
    const ALL: [Self; 5] =
        [Self::SessionStart, Self::UserPromptSubmit, Self::Stop, Self::SessionEnd, Self::Rewake];

    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::SessionStart => "session-start",
            Self::UserPromptSubmit => "user-prompt-submit",
            Self::Stop => "stop",
            Self::SessionEnd => "session-end",
            Self::Rewake => "rewake",
        }
    }

    /// What it asks the broker. Nothing at the end: the connection of the session's shim says it, and nothing may delay the
    /// exit.
    pub(super) const fn asks(self) -> Option<HookEvent> {
        match self {
            Self::SessionStart => Some(HookEvent::SessionStart),
            Self::UserPromptSubmit => Some(HookEvent::UserPromptSubmit),
            Self::Stop => Some(HookEvent::Stop),
            Self::SessionEnd => None,
            Self::Rewake => Some(HookEvent::Rewake),
        }
    }

    /// Whether there is anything to do this time.
    pub(super) fn applies(self, input: &Input) -> bool {
        match self {
            // It was prolonged already.
            Self::Stop => !input.stop_hook_active,
            Self::Rewake => may_wait(|name| std::env::var(name).ok()),
            Self::SessionStart | Self::UserPromptSubmit | Self::SessionEnd => true,
        }
    }

    /// The answer on stdout. `None`: it is told on stderr, with the status that wakes the session.
    pub(super) fn answer(self, text: &str) -> Option<Value> {
        let context =
            |name: &str| json!({"hookSpecificOutput": {"hookEventName": name, "additionalContext": text}});
        match self {
            Self::SessionStart => Some(context("SessionStart")),
            Self::UserPromptSubmit => Some(context("UserPromptSubmit")),
            Self::Stop => Some(json!({"decision": "block", "reason": text})),
            Self::SessionEnd | Self::Rewake => None,
        }
    }
}

/// Whether a hook may stay beside the session until mail comes. Not where the shim has the client's inbox socket, which
/// is the better way; not when nudges were turned off; and not in a session that nobody attends (`claude -p`), where the
/// client waits for such a hook to end.
fn may_wait(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let auto = set("C2C_PUSH").and_then(|word| word.parse().ok()).unwrap_or(Choice::Auto) == Choice::Auto;
    let attended = set("CLAUDE_CODE_SESSION_ATTENDED").is_none_or(|word| word != "0")
        && set("CLAUDE_CODE_ENTRYPOINT").is_none_or(|word| !word.starts_with("sdk"));
    let inbox = set("CLAUDE_CODE_MESSAGING_SOCKET").and(set("CLAUDE_CODE_MESSAGING_TOKEN"));
    auto && attended && inbox.is_none()
}

#[cfg(test)]
mod tests {
    use super::{Event, may_wait};

    #[test]
    fn each_word_names_its_hook() {
        for event in Event::ALL {
            assert_eq!(Event::named(event.word()), Some(event));
        }
        assert_eq!(Event::named("Stop"), None);
    }

    #[test]
    fn a_hook_stays_only_beside_an_attended_session_without_a_better_way() {
        let with = |set: &'static [(&str, &str)]| {
            may_wait(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(with(&[]));
        assert!(with(&[("CLAUDE_CODE_SESSION_ATTENDED", "1"), ("CLAUDE_CODE_ENTRYPOINT", "cli")]));
        assert!(!with(&[("CLAUDE_CODE_SESSION_ATTENDED", "0")]));
        assert!(!with(&[("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")]));
        assert!(with(&[("CLAUDE_CODE_MESSAGING_SOCKET", "/tmp/s")]), "nothing opens it");
        assert!(!with(&[("CLAUDE_CODE_MESSAGING_SOCKET", "/tmp/s"), ("CLAUDE_CODE_MESSAGING_TOKEN", "t")]));
        assert!(!with(&[("C2C_PUSH", "off")]));
    }
}
