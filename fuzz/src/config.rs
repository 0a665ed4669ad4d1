//! The configuration file: whatever stands in it, it is read or refused with the line that is wrong.

use crate::tally;
use c2c_broker::config::Config;
use c2c_proto::ErrorCode;
use c2c_proto::limits;
use std::path::Path;
use std::time::Duration;

const FILE: &str = "/x/c2c.toml";
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The file's bytes; what is no text is refused before.
pub fn check(data: &[u8]) {
    tally::input();
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(Path::new(FILE), text) {
        Ok(config) => {
            // It is a configuration.
            tally::reached();
            in_bounds(&config);
            assert_eq!(Config::parse(Path::new(FILE), text).as_ref(), Ok(&config), "read twice, read alike");
        }
        Err(error) => {
            assert_eq!(error.code, ErrorCode::InvalidArgument);
            assert!(!error.hint.is_empty());
            names_the_line(text, &error.message);
        }
    }
}

fn in_bounds(config: &Config) {
    let limits = &config.limits;
    for (value, most) in [
        (limits.body_max_bytes, limits::BODY_MAX_BYTES),
        (limits.state_value_max_bytes, limits::STATE_VALUE_MAX_BYTES),
        (limits.metadata_max_bytes, limits::METADATA_MAX_BYTES),
        (limits.recipients, limits::RECIPIENTS_MAX),
        (limits.connections, 1_000_000),
        (limits.calls_in_flight, 1_000_000),
        (limits.unread_per_mailbox as usize, 1_000_000),
        (limits.thread_messages_per_hour as usize, 1_000_000),
    ] {
        assert!((1..=most).contains(&value), "{config:?}");
    }
    assert!(config.idle_exit <= TEN_YEARS, "{config:?}");
    assert!(config.retention_days.is_none_or(|days| (1..=36_500).contains(&days)), "{config:?}");
}

/// The message begins with the file and a line that there is; where it is about one key, that key stands in the line.
fn names_the_line(text: &str, message: &str) {
    let after = message.strip_prefix(FILE).unwrap_or_else(|| panic!("the file is not named: {message}"));
    let after = after.strip_prefix(" line ").unwrap_or_else(|| panic!("no line is named: {message}"));
    let digits = after.find(|char: char| !char.is_ascii_digit()).expect("something follows the number");
    let number: usize = after[..digits].parse().expect("a line has a number");
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    assert!((1..=lines).contains(&number), "there is no line {number}: {message}");
    assert!(!message.contains(char::is_control), "{message:?}");
    let line = text.split('\n').nth(number - 1).unwrap_or_default();
    let key = message.split("): limits.").nth(1).and_then(|rest| rest.split(' ').next());
    if let Some(key) = key
        && message.contains("it must be between")
        && !text.contains('\\')
    {
        assert!(line.contains(key), "line {number} has no {key}: {message}");
        assert!(!line.trim_start().starts_with('#'), "line {number} is a comment: {message}");
    }
}
