//! `register_session`.

use super::filter::call_key;
use super::schema::{IDEMPOTENCY_KEY, Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::{Args, at_most_bytes};
use c2c_proto::Error;
use c2c_proto::limits::METADATA_MAX_BYTES;
use c2c_proto::request::{Register, Request};

const PROPERTIES: &[Property] = &[
    property("name", Kind::Text, ""),
    property("metadata", Kind::Object, "shown to others in list_sessions, at most 16 KiB"),
    IDEMPOTENCY_KEY,
];

pub(super) const TOOL: Tool = Tool {
    name: "register_session",
    description: "Choose the name under which other sessions reach you. You already have one; call this only to \
take another, or to set metadata. It takes the name even from a live session (that session is told, and the result \
names it in superseded). Unread mail of your old name comes along. A name is 1 to 64 of A-Z a-z 0-9 . _ - and \
begins with a letter or digit; case makes no difference.",
    properties: PROPERTIES,
    required: &["name"],
    read_only: false,
    always_load: false,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let name =
        args.required_text("name", "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit")?;
    let metadata = args.object("metadata")?;
    if let Some(metadata) = &metadata {
        let hint = "keep metadata short: it is repeated in every list of sessions";
        at_most_bytes("metadata", metadata, METADATA_MAX_BYTES, hint)?;
    }
    let key = call_key(&mut args)?;
    Ok(Call::plain(Request::Register(Register { name, metadata, key })))
}
