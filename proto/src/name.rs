//! Names: the addresses of c2c. What may be one, when two are the same, and how one is derived from a folder.

use crate::error::Error;
use crate::limits::{DERIVED_NAME_MAX_CHARS, NAME_MAX_CHARS, NODE_MAX_CHARS};

/// The address of everyone.
pub const EVERYONE: &str = "*";

/// The address of everyone here and at every other node that is known.
pub const EVERYWHERE: &str = "*@*";

/// What a row is called whose name another session took: `<name>-stale-<unix seconds>`.
pub const STALE_INFIX: &str = "-stale-";

/// What stands between a name and the node that it is on.
pub const NODE_MARK: char = '@';

/// What a session is called when nothing else gives it a name.
pub const FALLBACK: &str = "session";

/// The form in which names are compared: two names that differ by case only are one.
#[must_use]
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// Checks a name that a session wants to take: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, and not like that of a stale row.
///
/// # Errors
/// `invalid_argument` with the rule, and a name that would do.
pub fn check(name: &str) -> Result<(), Error> {
    if follows_rule(name) {
        return Ok(());
    }
    let why = format!("the name {} {}", quoted(name), breach(name));
    Err(Error::invalid(why, format!("take another name, for example `{}`", derive(name))))
}

/// What to tell a sender whose address no session can have.
#[must_use]
pub fn no_address(name: &str) -> Error {
    Error::invalid(
        format!("no session can be called {}: it {}", quoted(name), breach(name)),
        "list_sessions shows who is there; several recipients are a list, and one on another machine is name@node",
    )
}

/// In which way a name breaks the rule.
fn breach(name: &str) -> String {
    if let Some((_, node)) = name.split_once(NODE_MARK) {
        if node.is_empty() {
            return "lacks the name of a machine after the @".to_owned();
        }
        if !node_follows_rule(node) {
            return format!(
                "has {} after the @, and a machine's name is 1 to {NODE_MAX_CHARS} of the characters a-z 0-9 -, the first no dash",
                quoted(node)
            );
        }
    }
    if looks_stale(name) {
        return "contains `-stale-` and a digit, which marks rows that lost their name".to_owned();
    }
    format!(
        "is not 1 to {NAME_MAX_CHARS} of the characters A-Z a-z 0-9 . _ - beginning with a letter or digit"
    )
}

/// Enough of a name to recognise it.
fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(NAME_MAX_CHARS + 1).collect();
    format!("{shown:?}")
}

/// Whether a name may be taken as it is.
#[must_use]
pub fn follows_rule(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && chars.all(allowed)
        && name.len() <= NAME_MAX_CHARS
        && !looks_stale(name)
}

/// The two parts of an address on another node, `name@node`, where `name` may be [`EVERYONE`]; `None` for any other text.
#[must_use]
pub fn on_node(address: &str) -> Option<(&str, &str)> {
    let (name, node) = address.split_once(NODE_MARK)?;
    ((name == EVERYONE || follows_rule(name)) && node_follows_rule(node)).then_some((name, node))
}

/// Whether it is the address of everyone at another node.
#[must_use]
pub fn is_everyone_at(address: &str) -> bool {
    on_node(address).is_some_and(|(name, _)| name == EVERYONE)
}

/// Whether mail can be sent to it whether or not anybody has had the name: one that may be taken, or beyond this store.
#[must_use]
pub fn is_address(text: &str) -> bool {
    follows_rule(text) || on_node(text).is_some() || text == EVERYWHERE
}

/// Whether a node may be called that: `[a-z0-9][a-z0-9-]{0,62}`, so that it is a word in whatever carries mail.
#[must_use]
pub fn node_follows_rule(node: &str) -> bool {
    let allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
    node.starts_with(allowed)
        && node.chars().all(|char| allowed(char) || char == '-')
        && node.len() <= NODE_MAX_CHARS
}

/// Whether a name reads like that of a stale row: `-stale-` with a digit after it.
#[must_use]
pub fn looks_stale(name: &str) -> bool {
    // Not `match_indices`: the dash behind one `stale` is also the one before the next.
    fold(name).as_bytes().windows(STALE_INFIX.len() + 1).any(|window| {
        let (infix, next) = window.split_at(STALE_INFIX.len());
        infix == STALE_INFIX.as_bytes() && next[0].is_ascii_digit()
    })
}

/// A name that follows the rule, made of any text (a folder's name, `C2C_NAME`): other characters become `-`,
/// leading ones that are not alphanumeric go, at most [`DERIVED_NAME_MAX_CHARS`] stay; of nothing: `session`.
#[must_use]
pub fn derive(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .map(|char| if allowed(char) { char } else { '-' })
        .skip_while(|char| !char.is_ascii_alphanumeric())
        .take(DERIVED_NAME_MAX_CHARS)
        .collect();
    let cleaned = without_stale_infix(cleaned);
    if cleaned.is_empty() { FALLBACK.to_owned() } else { cleaned }
}

/// `api-stale-7` would be refused; `api-stale_7` says the same.
fn without_stale_infix(mut name: String) -> String {
    while looks_stale(&name) {
        let Some(at) = fold(&name).find(STALE_INFIX) else { break };
        let end = at + STALE_INFIX.len();
        name.replace_range(end - 1..end, "_");
    }
    name
}

const fn allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::{check, derive, fold, follows_rule, no_address};
    use proptest::prelude::*;

    #[test]
    fn the_rule_at_its_edges() {
        for good in ["a", "7", "local", "API.v2_x-1", &"a".repeat(64), "x-stale-", "x-stale-y", "stale-1"] {
            check(good).unwrap();
        }
        for bad in [
            "",
            "-a",
            ".a",
            "a b",
            "ä",
            "a@b",
            "*",
            &"a".repeat(65),
            "x-stale-1",
            "X-STALE-9z",
            "x-stale-stale-1",
        ] {
            check(bad).unwrap_err();
        }
    }

    #[test]
    fn a_sender_is_not_told_to_take_a_name() {
        let refused = no_address("api@host");
        assert!(refused.message.starts_with("no session can be called \"api@host\": it is not 1 to 64"));
        assert!(refused.hint.contains("list_sessions") && !refused.hint.contains("take"), "{}", refused.hint);
        assert!(no_address("a-stale-1").message.contains("lost their name"));
        assert!(no_address("bob@").message.contains("after the @"));
        assert!(no_address("bob@Tower").message.contains("\"Tower\""));
        assert!(check("api@host").unwrap_err().hint.contains("`api-host`"));
    }

    #[test]
    fn derived_names_keep_what_they_can() {
        for (text, name) in [
            ("my project", "my-project"),
            ("..hidden", "hidden"),
            ("übung", "bung"),
            ("日本", "session"),
            ("", "session"),
            ("api-stale-7", "api-stale_7"),
            ("api-stale-stale-7", "api-stale_stale-7"),
        ] {
            assert_eq!(derive(text), name);
        }
        assert_eq!(derive(&"x".repeat(80)).len(), 56);
    }

    proptest! {
        #[test]
        fn every_derived_name_follows_the_rule(text in any::<String>()) {
            prop_assert!(follows_rule(&derive(&text)));
        }

        #[test]
        fn every_derived_name_follows_the_rule_near_stale(text in "[a-b]{0,2}(-?stale-?[0-9s]{0,2}){0,4}") {
            prop_assert!(follows_rule(&derive(&text)));
        }

        #[test]
        fn a_name_that_follows_the_rule_and_is_short_stays(name in "[A-Za-z0-9][A-Za-z0-9._]{0,40}") {
            prop_assert_eq!(derive(&name), name.as_str());
            prop_assert_eq!(fold(&name), name.to_ascii_lowercase());
        }
    }
}
