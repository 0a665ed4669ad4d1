//! What `send_message` and `ask` share: to whom, and what.

use crate::args::{Args, Many, at_most_bytes, check_tag};
use c2c_proto::Error;
use c2c_proto::limits::{BODY_MAX_BYTES, RECIPIENTS_MAX};
use c2c_proto::message::To;
use c2c_proto::name::{EVERYONE, EVERYWHERE, fold};
use std::collections::HashSet;

/// What `to` is, for who left it out or gave something else.
pub(super) const TO: &str = "a name, a list of names, or \"*\" for everyone";
/// The same for the body.
const BODY: &str = "what the recipient should know or do";

/// `to`, if given.
pub(super) fn to(args: &mut Args) -> Result<Option<To>, Error> {
    let Some((names, many)) = args.texts("to", TO)? else { return Ok(None) };
    if names.iter().any(String::is_empty) || names.is_empty() {
        return Err(Error::invalid(
            if names.is_empty() { "to is an empty list" } else { "to contains an empty name" },
            "name at least one recipient; list_sessions shows who is there, \"*\" is everyone",
        ));
    }
    if names.iter().any(|name| name == EVERYONE) {
        return if names.len() == 1 {
            Ok(Some(To::Everyone))
        } else {
            Err(Error::invalid("to mixes \"*\" with names", "give \"*\" alone for everyone, or only names"))
        };
    }
    if names == [EVERYWHERE] {
        return Ok(Some(To::One(EVERYWHERE.to_owned())));
    }
    let names = without_repetition(names);
    if names.len() > RECIPIENTS_MAX {
        return Err(Error::too_large(
            "to",
            names.len(),
            RECIPIENTS_MAX,
            "names",
            "send in several calls, or to \"*\"",
        ));
    }
    Ok(Some(match (many, names) {
        (Many::Single, mut names) if names.len() == 1 => To::One(names.remove(0)),
        (_, names) => To::Many(names),
    }))
}

fn without_repetition(names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.into_iter().filter(|name| seen.insert(fold(name))).collect()
}

/// `body`.
pub(super) fn body(args: &mut Args) -> Result<String, Error> {
    let body = args.text_or_empty("body", BODY)?;
    if body.is_empty() {
        return Err(Error::invalid("body is empty", format!("say in the body {BODY}")));
    }
    at_most_bytes("body", &body, BODY_MAX_BYTES, "put the content into a file and send its path")?;
    Ok(body)
}

/// `tag`, if given.
pub(super) fn tag(args: &mut Args) -> Result<Option<String>, Error> {
    let tag = args.text("tag")?;
    check_tag(tag.as_deref())?;
    Ok(tag)
}
