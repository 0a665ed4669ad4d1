//! `delete_state`.

use super::filter::{STATE_KEY, call_key, check_state_key};
use super::schema::{IDEMPOTENCY_KEY, Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::request::{DeleteState, Request};

const PROPERTIES: &[Property] = &[
    property("key", Kind::Text, ""),
    property("if_version", Kind::Integer, "only if this is the present version"),
    IDEMPOTENCY_KEY,
];

pub(super) const TOOL: Tool = Tool {
    name: "delete_state",
    description: "Remove a key of the shared state, for example to release a lease (with if_version). deleted tells \
whether there was anything.",
    properties: PROPERTIES,
    required: &["key"],
    read_only: false,
    always_load: false,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let state_key = args.required_text("key", STATE_KEY)?;
    check_state_key(&state_key)?;
    let if_version = args.integer("if_version", 0, i64::MAX)?;
    let key = call_key(&mut args)?;
    Ok(Call::plain(Request::DeleteState(DeleteState { state_key, if_version, key })))
}
