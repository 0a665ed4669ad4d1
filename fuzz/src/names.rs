//! Names: the rule, the cleaned form of any text, and when two are one.

use crate::tally;
use c2c_proto::ErrorCode;
use c2c_proto::limits::{DERIVED_NAME_MAX_CHARS, NAME_MAX_CHARS};
use c2c_proto::name::{check as check_name, derive, fold, follows_rule, looks_stale, no_address};

/// Names longer than this are no names, but errors quote them all the same.
const ERROR_MAX_CHARS: usize = 2_000;

/// Any text may be given as a name.
pub fn check(data: &[u8]) {
    tally::input();
    let text = String::from_utf8_lossy(data);
    let follows = by_the_rule(&text);
    if follows {
        // It is a name.
        tally::reached();
    }
    assert_eq!(follows_rule(&text), follows, "{text:?}");
    match check_name(&text) {
        Ok(()) => assert!(follows),
        Err(error) => {
            assert!(!follows);
            for error in [error, no_address(&text)] {
                assert_eq!(error.code, ErrorCode::InvalidArgument);
                for said in [&error.message, &error.hint] {
                    assert!(!said.is_empty() && said.chars().count() < ERROR_MAX_CHARS);
                    assert!(!said.contains(char::is_control), "{said:?}");
                }
            }
        }
    }
    cleaned(&text);
    assert_eq!(fold(&fold(&text)), fold(&text), "folding twice is folding once");
    if follows {
        for same in [text.to_ascii_uppercase(), text.to_ascii_lowercase()] {
            assert!(follows_rule(&same), "{same} follows the rule as {text} does");
            assert_eq!(fold(&same), fold(&text));
        }
    }
}

/// What is made of any text can be taken as a name.
fn cleaned(text: &str) {
    let name = derive(text);
    assert!(by_the_rule(&name), "{text:?} becomes {name:?}");
    assert!(name.chars().count() <= DERIVED_NAME_MAX_CHARS);
    assert_eq!(derive(&name), name, "a cleaned name stays");
    if by_the_rule(text) && text.len() <= DERIVED_NAME_MAX_CHARS {
        assert_eq!(name, text, "a name that is short and sound stays");
    }
    for number in [2, 99_999] {
        let numbered = ['-', '_'].map(|separator| format!("{name}{separator}{number}"));
        assert!(numbered.iter().any(|name| by_the_rule(name)), "there is room for a number");
    }
    // What a row is called that lost its name is no name that anybody can take.
    assert!(looks_stale(&format!("{name}-stale-1795355401")));
}

/// The rule as it is promised: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, and no `-stale-` with a digit behind it.
fn by_the_rule(text: &str) -> bool {
    let bytes = text.as_bytes();
    let sound = (1..=NAME_MAX_CHARS).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
    let lower = bytes.to_ascii_lowercase();
    let stale = lower.windows(8).any(|window| window.starts_with(b"-stale-") && window[7].is_ascii_digit());
    sound && !stale
}
