//! `set_state`.

use super::filter::{STATE_KEY, call_key, check_state_key};
use super::schema::{IDEMPOTENCY_KEY, Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::{Args, at_most_bytes, missing};
use c2c_proto::Error;
use c2c_proto::limits::{STATE_TTL_MAX_S, STATE_VALUE_MAX_BYTES};
use c2c_proto::request::{Request, SetState};

const PROPERTIES: &[Property] = &[
    property("key", Kind::Text, "at most 512 bytes; global:… is shared by all linked machines"),
    property("value", Kind::AnyJson, "any JSON, at most 1 MiB"),
    property(
        "if_version",
        Kind::Integer,
        "only if this is the present version; 0: only if absent or expired",
    ),
    property("ttl_s", Kind::Number, "the entry expires after this many seconds; without it, never"),
    IDEMPOTENCY_KEY,
];

pub(super) const TOOL: Tool = Tool {
    name: "set_state",
    description: "Write a key of the state that all sessions share. The last writer wins, unless if_version is given: \
then a changed entry is a conflict, and the error tells its version, who wrote it and when. A lease: if_version=0 \
with ttl_s; renew it with the returned version as if_version. Versions only grow.",
    properties: PROPERTIES,
    required: &["key", "value"],
    read_only: false,
    always_load: false,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let state_key = args.required_text("key", STATE_KEY)?;
    check_state_key(&state_key)?;
    let value =
        args.json("value").ok_or_else(|| missing("value", "any JSON; null is a value too"))?.to_string();
    at_most_bytes("value", &value, STATE_VALUE_MAX_BYTES, "put the content into a file and store its path")?;
    let if_version = args.integer("if_version", 0, i64::MAX)?;
    let ttl_ms = args.seconds_as_ms("ttl_s", 1, STATE_TTL_MAX_S)?;
    let key = call_key(&mut args)?;
    Ok(Call::plain(Request::SetState(SetState { state_key, value, if_version, ttl_ms, key })))
}
