//! What the shim can offer for telling its client of mail: read once, from the environment.

use super::inbox_socket::InboxSocket;
use c2c_proto::push::{CHOICE, CHOICES, Choice, INBOX_SOCKET};

/// The ways that this client has.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// `C2C_PUSH`; `None`: the configuration decides.
    choice: Option<Choice>,
    /// The client's inbox socket, if it gave one.
    pub(super) inbox: Option<InboxSocket>,
}

impl Offer {
    /// Reads `C2C_PUSH`, `CLAUDE_CODE_MESSAGING_SOCKET` and `CLAUDE_CODE_MESSAGING_TOKEN`. A word that is none is logged
    /// and counts as absent.
    #[must_use]
    pub fn from_env() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let socket = variable("CLAUDE_CODE_MESSAGING_SOCKET");
        let inbox = socket.zip(variable("CLAUDE_CODE_MESSAGING_TOKEN"));
        Self {
            choice: variable("C2C_PUSH").and_then(|word| choice(&word)),
            inbox: inbox.map(|(path, token)| InboxSocket::new(path, token)),
        }
    }

    /// Without the inbox: a client that is not Claude Code may have inherited the variables from a session that it was
    /// started in, whose inbox that is.
    #[must_use]
    pub fn without_inbox(self) -> Self {
        Self { inbox: None, ..self }
    }

    /// What the hello says of it.
    #[must_use]
    pub fn extra(&self) -> Vec<(String, String)> {
        let choice = self.choice.map(|choice| (CHOICE.to_owned(), choice.to_string()));
        let inbox = self.inbox.as_ref().map(|_| (INBOX_SOCKET.to_owned(), "1".to_owned()));
        choice.into_iter().chain(inbox).collect()
    }

    /// Whether channel notifications may be what was chosen, here or in the configuration: the client has to be told of it
    /// before that is known.
    #[must_use]
    pub fn may_be_channel(&self) -> bool {
        self.choice.is_none_or(|choice| choice == Choice::Channel)
    }
}

fn choice(word: &str) -> Option<Choice> {
    let choice = word.parse().ok();
    if choice.is_none() {
        tracing::warn!("C2C_PUSH is {word:?}, which is none of {CHOICES}; it is taken as absent");
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::{Choice, InboxSocket, Offer, choice};

    #[test]
    fn the_hello_says_what_there_is_and_never_the_token() {
        let inbox = Some(InboxSocket::new("/tmp/s".to_owned(), "secret".to_owned()));
        let offer = Offer { choice: Some(Choice::Off), inbox };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(offer.extra(), [pair("push", "off"), pair("inbox_socket", "1")]);
        assert!(!format!("{offer:?}").contains("secret"));
        assert_eq!(Offer::default().extra(), []);
    }

    #[test]
    fn a_word_that_is_none_counts_as_absent() {
        assert_eq!((choice("socket"), choice("on")), (Some(Choice::Socket), None));
    }
}
