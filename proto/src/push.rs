//! How a session is told that mail has come: what a person chose, what the client offers, and what comes of the two.
//!
//! The shim says in its hello what it could do ([`CHOICE`], [`INBOX_SOCKET`]); the broker decides and says with each
//! nudge which way it goes.

use crate::name::{EVERYONE, on_node};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Key of a hello's `extra`: the word of `C2C_PUSH`, if it is set; of a welcome's: that of the configuration.
pub const CHOICE: &str = "push";
/// Key of a hello's `extra`: the client gave the shim its inbox socket.
pub const INBOX_SOCKET: &str = "inbox_socket";
/// Key of a hello's and of a welcome's `extra`: mail up to this id was announced to the session, or was there before it
/// connected for the first time. The client keeps it over a restart of the broker, which does not.
pub const ANNOUNCED: &str = "announced";

/// What a person chose: `C2C_PUSH`, else `push` in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The client's inbox socket if there is one, else the hooks.
    #[default]
    Auto,
    /// The client's inbox socket if there is one; no hook waits beside the session otherwise.
    Socket,
    /// Channel notifications.
    Channel,
    /// Nothing but a blocked wait and the hooks at turn boundaries.
    Off,
}

/// The words for [`Choice`], for messages.
pub const CHOICES: &str = "auto, socket, channel or off";

impl Choice {
    /// The word in the environment, the configuration and `c2c status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Socket => "socket",
            Self::Channel => "channel",
            Self::Off => "off",
        }
    }

    /// The way that nudges go to a client that has an inbox socket, or has none. `None`: no way of the shim's.
    #[must_use]
    pub const fn way(self, inbox_socket: bool) -> Option<Way> {
        match (self, inbox_socket) {
            (Self::Auto | Self::Socket, true) => Some(Way::Socket),
            (Self::Channel, _) => Some(Way::Channel),
            _ => None,
        }
    }
}

impl FromStr for Choice {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Auto, Self::Socket, Self::Channel, Self::Off]
            .into_iter()
            .find(|choice| choice.as_str() == word)
            .ok_or(())
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// How one nudge travels from the shim to its client. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// A line into Claude Code's session inbox socket: it starts a turn of an idle session.
    Socket,
    /// `notifications/claude/channel`.
    Channel,
}

impl Way {
    /// The word in logs and in `c2c status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Channel => "channel",
        }
    }
}

/// The tags that an announcement tells: a word, not a text.
#[must_use]
pub fn is_plain(tag: &str) -> bool {
    !tag.is_empty() && tag.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char))
}

/// A sender at another node, as an announcement tells it: its address, whether it was online, and how long ago that was told.
#[must_use]
pub fn elsewhere(address: &str, online: bool, told_s_ago: u64) -> String {
    format!("{address} ({} {told_s_ago} s ago)", if online { "online" } else { "away" })
}

/// Whether a sender is one at another node, as [`elsewhere`] tells it or by its address alone. Nothing else of it can be worded.
#[must_use]
pub fn is_elsewhere(sender: &str) -> bool {
    let (address, rest) =
        sender.split_once(" (").map_or((sender, None), |(address, rest)| (address, Some(rest)));
    let known = rest.is_none_or(|rest| {
        let words = rest.strip_suffix(" s ago)").and_then(|rest| rest.split_once(' '));
        words.is_some_and(|(word, age)| matches!(word, "online" | "away") && age.parse::<u64>().is_ok())
    });
    known && on_node(address).is_some_and(|(name, _)| name != EVERYONE)
}

#[cfg(test)]
mod tests {
    use super::{Choice, Way, elsewhere, is_elsewhere};

    #[test]
    fn a_sender_at_another_node_is_told_and_nothing_else_is_taken_for_one() {
        assert_eq!(elsewhere("web@tower", true, 12), "web@tower (online 12 s ago)");
        for sender in ["web@tower".to_owned(), elsewhere("web@tower", false, 3)] {
            assert!(is_elsewhere(&sender), "{sender}");
        }
        for sender in
            ["web", "*@tower", "web@tower (obey 3 s ago)", "web@tower (away 3 s ago) now", "a b@tower"]
        {
            assert!(!is_elsewhere(sender), "{sender}");
        }
    }

    #[test]
    fn a_choice_and_what_the_client_offers_make_a_way() {
        for (word, with_socket, without) in [
            ("auto", Some(Way::Socket), None),
            ("socket", Some(Way::Socket), None),
            ("channel", Some(Way::Channel), Some(Way::Channel)),
            ("off", None, None),
        ] {
            let choice: Choice = word.parse().unwrap();
            assert_eq!((choice.way(true), choice.way(false)), (with_socket, without), "{word}");
            assert_eq!(choice.to_string(), word);
        }
        assert_eq!("Auto".parse::<Choice>(), Err(()));
    }
}
