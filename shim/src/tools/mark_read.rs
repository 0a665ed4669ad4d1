//! `mark_read`.

use super::filter::call_key;
use super::schema::{IDEMPOTENCY_KEY, Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::limits::MARK_READ_IDS_MAX;
use c2c_proto::request::{MarkRead, Request};

const PROPERTIES: &[Property] = &[property("message_ids", Kind::Integers, ""), IDEMPOTENCY_KEY];

pub(super) const TOOL: Tool = Tool {
    name: "mark_read",
    description: "Say that you have handled these messages: they no longer come back, and their senders see them as \
read. marked is how many became read now; already_read and not_found list the other ids.",
    properties: PROPERTIES,
    required: &["message_ids"],
    read_only: false,
    always_load: true,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let message_ids = args.required_ids("message_ids")?;
    if message_ids.len() > MARK_READ_IDS_MAX {
        let hint = "mark them in several calls";
        return Err(Error::too_large("message_ids", message_ids.len(), MARK_READ_IDS_MAX, "ids", hint));
    }
    let key = call_key(&mut args)?;
    Ok(Call::plain(Request::MarkRead(MarkRead { message_ids, key })))
}
