//! `prune`.

use super::filter::call_key;
use super::schema::{IDEMPOTENCY_KEY, Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::limits::PRUNE_DAYS_MAX;
use c2c_proto::request::{Prune, Request};

/// When the call does not say, in days.
const OLDER_THAN_DEFAULT_DAYS: u32 = 30;

const PROPERTIES: &[Property] = &[property("older_than_days", Kind::Integer, "default 30"), IDEMPOTENCY_KEY];

pub(super) const TOOL: Tool = Tool {
    name: "prune",
    description: "Delete what is old and done with, for all sessions: messages that everyone has read, old \
broadcasts, sessions long gone, expired state. Never unread mail addressed to a session by name. Only when the user \
asks for it.",
    properties: PROPERTIES,
    required: &[],
    read_only: false,
    always_load: false,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let days = args.integer("older_than_days", 0, i64::from(PRUNE_DAYS_MAX))?;
    let older_than_days = days.and_then(|days| u32::try_from(days).ok()).unwrap_or(OLDER_THAN_DEFAULT_DAYS);
    let key = call_key(&mut args)?;
    Ok(Call::plain(Request::Prune(Prune { older_than_days, key })))
}
