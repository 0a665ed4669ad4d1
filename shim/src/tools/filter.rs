//! Arguments that several tools share: which messages, how long, under which key.

use crate::args::{Args, check_tag};
use c2c_proto::Error;
use c2c_proto::id::{key_from_model, new_call_key};
use c2c_proto::limits::{CALL_KEY_MAX_BYTES, STATE_KEY_MAX_BYTES, WAIT_MAX_S};
use c2c_proto::request::Filter;

/// `from`, `tag`, `reply_to`, `thread`.
pub(super) fn filter(args: &mut Args) -> Result<Filter, Error> {
    let tag = args.filled_text("tag")?;
    check_tag(tag.as_deref())?;
    Ok(Filter {
        from: args.filled_text("from")?,
        tag,
        reply_to: args.id("reply_to")?,
        thread: args.id("thread")?,
    })
}

/// `timeout_s` in milliseconds.
pub(super) fn timeout_ms(args: &mut Args, default_s: u64) -> Result<u64, Error> {
    Ok(args.seconds_as_ms("timeout_s", 0, WAIT_MAX_S)?.unwrap_or(default_s.saturating_mul(1_000)))
}

/// The call's key: the one that the model gave, else a new one.
pub(super) fn call_key(args: &mut Args) -> Result<String, Error> {
    let Some(given) = args.text("idempotency_key")? else { return Ok(new_call_key()) };
    let key = key_from_model(&given);
    if key.len() <= CALL_KEY_MAX_BYTES {
        return Ok(key);
    }
    let prefix = key.len() - given.len();
    let limit = CALL_KEY_MAX_BYTES - prefix;
    Err(Error::too_large("idempotency_key", given.len(), limit, "bytes", "give a shorter idempotency_key"))
}

/// What a key of the shared state is, for who left it out.
pub(super) const STATE_KEY: &str = "the name of one entry, such as \"deploy/lease\"";

/// Checks a key of the shared state.
pub(super) fn check_state_key(key: &str) -> Result<(), Error> {
    let hint = "give a shorter key, and put the rest into the value";
    crate::args::at_most_bytes("key", key, STATE_KEY_MAX_BYTES, hint)
}
