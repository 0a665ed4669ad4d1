//! `list_sessions`.

use super::schema::{Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::limits::ACTIVE_WITHIN_MAX_MIN;
use c2c_proto::request::{ListEverywhere, ListSessions, Request};

/// When the call does not say, in minutes.
const ACTIVE_WITHIN_DEFAULT_MIN: u32 = 10;

const PROPERTIES: &[Property] = &[
    property("active_within_min", Kind::Integer, "default 10"),
    property("after_name", Kind::Text, "next_after_name of the page before"),
    property("nodes", Kind::Text, "\"all\": other machines too"),
];

pub(super) const TOOL: Tool = Tool {
    name: "list_sessions",
    description: "Who can be written to: sessions that are online, and those seen in the last active_within_min \
minutes. For each: name, cwd, online, waiting (blocked until mail comes), unread, client, metadata; is_self marks \
you. Mail to a name that is not listed is kept for it all the same.",
    properties: PROPERTIES,
    required: &[],
    read_only: true,
    always_load: false,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let minutes = args.integer("active_within_min", 0, i64::from(ACTIVE_WITHIN_MAX_MIN))?;
    let active_within_min =
        minutes.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or(ACTIVE_WITHIN_DEFAULT_MIN);
    let after_name = args.text("after_name")?;
    let here = ListSessions { active_within_min, after_name };
    Ok(Call::plain(match args.text("nodes")?.as_deref() {
        None | Some("own") => Request::ListSessions(here),
        Some("all") => Request::ListEverywhere(ListEverywhere { here }),
        Some(other) => {
            return Err(Error::invalid(
                format!("nodes is {other:?}"),
                "give \"all\" for other machines too, or leave it out",
            ));
        }
    }))
}
