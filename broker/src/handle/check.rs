//! Bounds of what a client sends, checked before anything is queued: each error names the limit and the value.

use c2c_proto::Error;
use c2c_proto::limits;
use c2c_proto::message::To;
use c2c_proto::request::{Filter, Send};

use crate::config::Limits;

/// A key is there and within its bound.
pub(super) fn key(key: &str) -> Result<(), Error> {
    let bound = limits::CALL_KEY_MAX_BYTES;
    if key.is_empty() {
        return Err(Error::invalid("the idempotency_key is empty", "leave it out, or give a unique text"));
    }
    if key.len() > bound {
        let hint = "any short unique text will do, for example a UUID";
        return Err(Error::too_large("the idempotency_key", key.len(), bound, "bytes", hint));
    }
    Ok(())
}

/// A message may be stored as it is.
pub(super) fn send(send: &Send, limits: &Limits) -> Result<(), Error> {
    key(&send.key)?;
    body(&send.body, limits.body_max_bytes)?;
    if let Some(tag) = &send.tag {
        self::tag(tag)?;
    }
    match &send.to {
        None if send.reply_to.is_none() => {
            Err(Error::invalid("`to` is missing", "give a name, a list of names, or \"*\" for everyone"))
        }
        Some(To::One(name)) => recipient(name),
        Some(To::Many(names)) => recipients(names, limits),
        None | Some(To::Everyone) => Ok(()),
    }
}

/// How long a message may take to other nodes.
pub(super) fn expires_in(ms: u64) -> Result<(), Error> {
    let most = limits::EXPIRES_IN_MAX_S * 1_000;
    if (1_000..=most).contains(&ms) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("expires_in_s is {ms} ms, allowed is 1 second to {} seconds", limits::EXPIRES_IN_MAX_S),
        "leave it out for a message that is sent until it has arrived",
    ))
}

/// A body is there and within its bound.
pub(super) fn body(body: &str, max_bytes: usize) -> Result<(), Error> {
    if body.is_empty() {
        return Err(Error::invalid("the body is empty", "say something; white space is kept as it is"));
    }
    if body.len() > max_bytes {
        let hint = "write the text to a file and send its path, or send it in parts";
        return Err(Error::too_large("the body", body.len(), max_bytes, "bytes", hint));
    }
    Ok(())
}

/// A tag is a word within its bound.
pub(super) fn tag(tag: &str) -> Result<(), Error> {
    let chars = tag.chars().count();
    if chars > limits::TAG_MAX_CHARS {
        let hint = "a tag is a filter word such as handoff, question, status, error";
        return Err(Error::too_large("the tag", chars, limits::TAG_MAX_CHARS, "characters", hint));
    }
    if tag.is_empty() {
        return Err(Error::invalid("the tag is empty", "leave it out, or give a word"));
    }
    Ok(())
}

fn recipients(names: &[String], limits: &Limits) -> Result<(), Error> {
    if names.is_empty() {
        return Err(Error::invalid("the list of recipients is empty", "give at least one name, or \"*\""));
    }
    if names.len() > limits.recipients {
        let hint = "use \"*\" for everyone, or several calls";
        return Err(Error::too_large(
            "the list of recipients",
            names.len(),
            limits.recipients,
            "names",
            hint,
        ));
    }
    let broadcast = |name: &&String| name.starts_with(c2c_proto::name::EVERYONE) && names.len() > 1;
    if let Some(name) = names.iter().find(broadcast) {
        return Err(Error::invalid(
            format!("{name:?} stands in a list"),
            format!("give {name:?} alone as `to`, it means everyone"),
        ));
    }
    names.iter().try_for_each(|name| recipient(name))
}

/// An address: any name that may be taken; also one from before the rule, if the store turns out to know it.
fn recipient(name: &str) -> Result<(), Error> {
    if c2c_proto::name::is_address(name) {
        return Ok(());
    }
    if name == c2c_proto::name::EVERYONE {
        return Err(Error::invalid("\"*\" stands in a list", "give \"*\" alone as `to`, it means everyone"));
    }
    let old_but_sound =
        !name.is_empty() && name.len() <= limits::STATE_KEY_MAX_BYTES && !c2c_proto::name::looks_stale(name);
    if old_but_sound { Ok(()) } else { Err(c2c_proto::name::no_address(name)) }
}

/// A filter's words are within their bounds.
pub(super) fn filter(filter: &Filter) -> Result<(), Error> {
    if let Some(tag) = &filter.tag {
        self::tag(tag)?;
    }
    match filter.from.as_deref() {
        Some("") => Err(Error::invalid("`from` is empty", "leave it out, or give a name")),
        _ => Ok(()),
    }
}

/// A key of the shared state.
pub(super) fn state_key(key: &str) -> Result<(), Error> {
    let bound = limits::STATE_KEY_MAX_BYTES;
    if key.is_empty() {
        return Err(Error::invalid("the key is empty", "give a key, for example \"last_run_id\""));
    }
    if key.contains('\0') {
        return Err(Error::invalid("the key contains a NUL character", "use a key of visible characters"));
    }
    if key.len() > bound {
        let hint = "use a short key, and put the rest into the value";
        return Err(Error::too_large("the key", key.len(), bound, "bytes", hint));
    }
    Ok(())
}
