//! `get_state`: one key, the keys of a prefix, or a watch on a key.

use super::filter::{check_state_key, timeout_ms};
use super::schema::{Kind, Property, property};
use super::{Call, Defaults, Tool, View};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::limits::WATCH_DEFAULT_S;
use c2c_proto::request::{GetState, ListState, Request, WatchState};

const PROPERTIES: &[Property] = &[
    property("key", Kind::Text, ""),
    property("prefix", Kind::Text, "list the keys that begin with it"),
    property(
        "newer_than",
        Kind::Integer,
        "with key: block until the version is above this; 0 waits for creation",
    ),
    property("timeout_s", Kind::Number, "with newer_than: 0 to 86400, default 50"),
    property("after_key", Kind::Text, "next_after_key of the page before"),
];

pub(super) const TOOL: Tool = Tool {
    name: "get_state",
    description: "Read the state that all sessions share. With key: {entry}, null if absent. With prefix, or nothing: \
{entries}, sorted by key; values over 2,000 characters are replaced by value_chars. With key and newer_than: wait \
for a change. With as_of, global: keys are as they were then: no link keeps them current.",
    properties: PROPERTIES,
    required: &[],
    read_only: true,
    always_load: false,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let Some(state_key) = args.filled_text("key")? else { return list(args) };
    for name in ["prefix", "after_key"] {
        if args.has(name) {
            return Err(Error::invalid(
                format!("{name} was given together with key"),
                "give key for one entry, or prefix (and after_key) for a list",
            ));
        }
    }
    check_state_key(&state_key)?;
    if let Some(newer_than) = args.integer("newer_than", 0, i64::MAX)? {
        let timeout_ms = timeout_ms(&mut args, WATCH_DEFAULT_S)?;
        let request = Request::WatchState(WatchState { state_key, newer_than, timeout_ms });
        return Ok(Call { request, view: View::Watch, keyed: false });
    }
    if args.has("timeout_s") {
        return Err(Error::invalid(
            "timeout_s was given without newer_than",
            "to wait for a change give newer_than too: the version that you know, or 0 to wait for creation",
        ));
    }
    Ok(Call::plain(Request::GetState(GetState { state_key })))
}

fn list(mut args: Args) -> Result<Call, Error> {
    for name in ["newer_than", "timeout_s"] {
        if args.has(name) {
            return Err(Error::invalid(
                format!("{name} was given without key"),
                "a wait for a change needs key and newer_than",
            ));
        }
    }
    let prefix = args.text("prefix")?.unwrap_or_default();
    let after_key = args.text("after_key")?;
    Ok(Call::plain(Request::ListState(ListState { prefix, after_key })))
}
