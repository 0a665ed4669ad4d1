//! What a person may set in `c2c.toml` beside the store. An absent file, and an absent key, is the default.
//!
//! Owns the file's words and their bounds; who obeys a setting is elsewhere. A word that it does not know is an error
//! that names file and line, so that a typing error never passes for a setting.

use crate::platform;
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::limits;
use c2c_proto::push::{CHOICES, Choice};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;

/// The settings of one broker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What an acknowledged message survives.
    pub durability: Durability,
    /// A broker that a shim started exits after this time without connections; zero is never.
    /// In the file: seconds, or a number with `ms`, `s`, `m`, `h` or `d`, such as `"15m"`.
    #[serde(deserialize_with = "duration")]
    pub idle_exit: Duration,
    /// Prune what is older than this many days, once a day; `None` never prunes unasked.
    #[serde(deserialize_with = "retention_days")]
    pub retention_days: Option<u32>,
    /// How nudges travel, for clients whose environment does not say.
    #[serde(deserialize_with = "push")]
    pub push: Option<Choice>,
    /// Limits that differ from [`c2c_proto::limits`].
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            idle_exit: Duration::from_secs(limits::IDLE_EXIT_S),
            retention_days: None,
            push: None,
            limits: Limits::default(),
        }
    }
}

/// What an acknowledged message survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power cut: every commit is flushed to the disk before its answer.
    #[default]
    Full,
    /// A crash of the broker, but not the last moments before a power cut.
    Normal,
}

impl Durability {
    /// The word in the file and in `c2c status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }
}

/// The limits that can be set, under `[limits]`; each within 1 and the bound beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// A message's body, in bytes; at most [`limits::BODY_MAX_BYTES`], which is what frames are made for.
    pub body_max_bytes: usize,
    /// A value of the shared state, in bytes; at most [`limits::STATE_VALUE_MAX_BYTES`].
    pub state_value_max_bytes: usize,
    /// A session's metadata, in bytes; at most [`limits::METADATA_MAX_BYTES`].
    pub metadata_max_bytes: usize,
    /// Names in one list of recipients; at most [`limits::RECIPIENTS_MAX`].
    pub recipients: usize,
    /// Unread messages in one mailbox.
    pub unread_per_mailbox: u32,
    /// Open connections.
    pub connections: usize,
    /// Calls of one connection that are not answered yet.
    pub calls_in_flight: usize,
    /// Messages of one thread within an hour.
    pub thread_messages_per_hour: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_max_bytes: limits::BODY_MAX_BYTES,
            state_value_max_bytes: limits::STATE_VALUE_MAX_BYTES,
            metadata_max_bytes: limits::METADATA_MAX_BYTES,
            recipients: limits::RECIPIENTS_MAX,
            unread_per_mailbox: limits::UNREAD_PER_MAILBOX_MAX,
            connections: limits::CONNECTIONS_MAX,
            calls_in_flight: limits::CALLS_IN_FLIGHT,
            thread_messages_per_hour: limits::THREAD_MESSAGES_MAX,
        }
    }
}

/// Counts that may be raised above their default stay below this: they are bounds, not switches.
const COUNT_MAX: u64 = 1_000_000;

impl Limits {
    /// Each limit with its name and the most that it may be.
    fn bounds(&self) -> [(&'static str, u64, u64); 8] {
        [
            ("body_max_bytes", self.body_max_bytes as u64, limits::BODY_MAX_BYTES as u64),
            (
                "state_value_max_bytes",
                self.state_value_max_bytes as u64,
                limits::STATE_VALUE_MAX_BYTES as u64,
            ),
            ("metadata_max_bytes", self.metadata_max_bytes as u64, limits::METADATA_MAX_BYTES as u64),
            ("recipients", self.recipients as u64, limits::RECIPIENTS_MAX as u64),
            ("unread_per_mailbox", self.unread_per_mailbox.into(), COUNT_MAX),
            ("connections", self.connections as u64, COUNT_MAX),
            ("calls_in_flight", self.calls_in_flight as u64, COUNT_MAX),
            ("thread_messages_per_hour", self.thread_messages_per_hour.into(), COUNT_MAX),
        ]
    }
}

impl Config {
    /// Reads the file; the defaults if there is none.
    ///
    /// # Errors
    /// `invalid_argument` with the file, the line and what is wrong with it.
    pub fn load(file: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(file) {
            // In a folder such as /tmp, where everyone may put files, it may be anybody's.
            Ok(_) if !platform::is_of_user(file) => Err(Error::invalid(
                format!("the configuration {} belongs to another user", file.display()),
                "keep the store in a folder of your own, or make yourself the file's owner",
            )),
            Ok(text) => Self::parse(file, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::invalid(
                format!("the configuration {} cannot be read: {error}", file.display()),
                "make it a text file that you may read, or remove it to run with the defaults",
            )),
        }
    }

    /// Reads the text of a file of that name.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map(|span| span.start);
            refusal(file, text, at, error.message())
        })?;
        for (name, value, most) in config.limits.bounds() {
            if !(1..=most).contains(&value) {
                let message = format!("limits.{name} is {value}, it must be between 1 and {most}");
                return Err(refusal(file, text, key_position(text, name), &message));
            }
        }
        Ok(config)
    }
}

/// Where the key of a limit stands, however it is written; the text is known to be sound.
fn key_position(text: &str, name: &str) -> Option<usize> {
    #[derive(Deserialize)]
    struct Keys {
        limits: HashMap<Spanned<String>, IgnoredAny>,
    }
    let keys: Keys = toml::from_str(text).ok()?;
    keys.limits.keys().find(|key| key.get_ref() == name).map(|key| key.span().start)
}

/// The error for one place in the file; the offending line is quoted, so that its key is named whatever is wrong.
fn refusal(file: &Path, text: &str, at: Option<usize>, what: &str) -> Error {
    let what = shown(&what.trim().replace('\n', ", "));
    let message = match at.map(|at| at.min(text.len())) {
        Some(at) => {
            let before = text.as_bytes().get(..at).unwrap_or_default();
            let number = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let line: String =
                text.lines().nth(number - 1).unwrap_or_default().trim().chars().take(80).collect();
            format!("{} line {number} ({line:?}): {what}", file.display())
        }
        None => format!("{}: {what}", file.display()),
    };
    Error::new(ErrorCode::InvalidArgument, message, "correct that line, or remove it to have the default")
}

/// What the parser says can quote any part of the file; a person sees it on a terminal.
fn shown(what: &str) -> String {
    let mut shown = String::with_capacity(what.len());
    for char in what.chars() {
        if char.is_control() { shown.extend(char.escape_default()) } else { shown.push(char) }
    }
    shown
}

/// Seconds, or a number with a unit.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct DurationVisitor;
    impl Visitor<'_> for DurationVisitor {
        type Value = Duration;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("seconds, or a text such as \"90s\", \"15m\", \"2h\" or \"1d\"")
        }

        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
            let valid = u64::try_from(seconds).ok().and_then(|seconds| bounded(seconds, 1_000));
            valid.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(seconds), &self))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse_duration(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(DurationVisitor)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    bounded(number.parse().ok()?, unit_ms)
}

/// At most ten years: beyond it a timer's arithmetic is what breaks.
fn bounded(number: u64, unit_ms: u64) -> Option<Duration> {
    const MOST_MS: u64 = 10 * 365 * 86_400_000;
    number.checked_mul(unit_ms).filter(|millis| *millis <= MOST_MS).map(Duration::from_millis)
}

/// Days, from 1: zero would delete what was read a moment ago.
fn retention_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let days = u32::deserialize(deserializer)?;
    if days == 0 || days > 36_500 {
        return Err(de::Error::custom(format!("retention_days is {days}, it must be between 1 and 36500")));
    }
    Ok(Some(days))
}

fn push<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Choice>, D::Error> {
    let way = String::deserialize(deserializer)?;
    let choice =
        way.parse().map_err(|()| de::Error::custom(format!("push is {way:?}, it must be {CHOICES}")));
    choice.map(Some)
}

#[cfg(test)]
mod tests {
    use super::{Choice, Config, Durability, Limits};
    use std::path::Path;
    use std::time::Duration;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/x/c2c.toml"), text).map_err(|error| error.message)
    }

    #[test]
    fn the_limits_are_the_promised_ones_unless_somebody_set_others() {
        let limits = Limits::default();
        assert_eq!((limits.body_max_bytes, limits.state_value_max_bytes), (8_388_608, 1_048_576));
        assert_eq!((limits.metadata_max_bytes, limits.recipients), (16_384, 256));
        assert_eq!((limits.unread_per_mailbox, limits.thread_messages_per_hour), (100_000, 100));
        assert_eq!((limits.connections, limits.calls_in_flight), (12_000, 256));
    }

    #[test]
    fn a_missing_or_empty_file_is_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Config::load(&folder.path().join("c2c.toml")).unwrap(), Config::default());
        assert_eq!(parse("").unwrap(), Config::default());
        assert_eq!(Config::default().idle_exit, Duration::from_secs(900));
    }

    #[test]
    fn every_key_is_read() {
        let text = "durability = \"normal\"\nidle_exit = \"2h\"\nretention_days = 90\npush = \"off\"\n\
                    [limits]\nbody_max_bytes = 1000\nunread_per_mailbox = 5\nconnections = 3\n";
        let expected = Config {
            durability: Durability::Normal,
            idle_exit: Duration::from_secs(7_200),
            retention_days: Some(90),
            push: Some(Choice::Off),
            limits: Limits {
                body_max_bytes: 1_000,
                unread_per_mailbox: 5,
                connections: 3,
                ..Limits::default()
            },
        };
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn durations_are_seconds_or_have_a_unit() {
        for (text, seconds) in
            [("0", 0), ("90", 90), ("\"90\"", 90), ("\"90s\"", 90), ("\"15m\"", 900), ("\"1 d\"", 86_400)]
        {
            assert_eq!(
                parse(&format!("idle_exit = {text}")).unwrap().idle_exit,
                Duration::from_secs(seconds)
            );
        }
        assert_eq!(parse("idle_exit = \"20 ms\"").unwrap().idle_exit, Duration::from_millis(20));
        for text in ["-1", "\"15 minutes\"", "\"\"", "1.5", "true", "\"99999999999999d\"", "9999999999999"] {
            parse(&format!("idle_exit = {text}")).unwrap_err();
        }
    }

    #[test]
    fn the_line_that_is_named_is_the_one_with_the_key() {
        for (text, line) in [
            ("# connections are few\n[limits]\nconnections = 0\n", 3),
            ("durability = \"full\"\r\n\r\n[limits]\r\nrecipients = 1\r\nconnections = 0\r\n", 5),
            ("limits = { recipients = 1, connections = 0 }\n", 1),
            ("push = \"off\"\nlimits.connections = 0\n", 2),
            ("[limits]\nrecipients = 1\n\"conn\\u0065ctions\" = 0\n", 3),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(&format!("/x/c2c.toml line {line} (")), "{message}");
            assert!(
                message.ends_with("limits.connections is 0, it must be between 1 and 1000000"),
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_quoted_of_the_file_cannot_move_the_cursor() {
        let message = parse("\"a\\u001b[2J\\tb\" = 1\n").unwrap_err();
        assert!(!message.contains(char::is_control) && message.contains("\\u{1b}[2J\\tb"), "{message}");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let texts = [
            "durability = \"full\"\n\ndurabilty = \"normal\"\n",
            "[limits]\nbody_max = 3\n",
            "durability = \"fast\"\n",
            "retention_days = 0\n",
            "push = \"maybe\"\n",
            "idle_exit = \"soon\"\n",
            "# limits\n\n[limits]\nconnections = 0\n",
            "[limits]\nbody_max_bytes = 999999999\n",
            "[limits]\nconnections = \"many\"\n",
            "durability = \n",
        ];
        let messages: Vec<String> = texts.iter().map(|text| parse(text).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
