//! `send_message`.

use super::filter::call_key;
use super::recipients::{body, tag, to};
use super::schema::{IDEMPOTENCY_KEY, Kind, Property, property};
use super::{Call, Defaults, Tool};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::limits::EXPIRES_IN_MAX_S;
use c2c_proto::message::Priority;
use c2c_proto::request::{Request, Send, SendExpiring};

const PROPERTIES: &[Property] = &[
    property(
        "to",
        Kind::TextOrTexts,
        "a name, a list of names, or \"*\" for everyone; on another machine name@node, on all machines \"*@*\"",
    ),
    property("body", Kind::Text, ""),
    property("tag", Kind::Text, "a word to filter by: handoff, question, status, error"),
    property("reply_to", Kind::Integer, "id of the message that this answers"),
    property("priority", Kind::OneOf(&["normal", "fyi"]), "fyi: the recipient is not alerted"),
    property("expires_in_s", Kind::Number, "stop sending it to another machine after so many seconds"),
    IDEMPOTENCY_KEY,
];

pub(super) const TOOL: Tool = Tool {
    name: "send_message",
    description: "Send a message to other sessions. When this returns it is on disk, and stays in each recipient's \
mailbox until marked read there, also while they are away. To answer a message give its id as reply_to: then `to` \
may be left out, and the answered message is marked read. The result tells for each recipient whether it is known, \
online, waiting. To see later who has read it: inbox(sent=true).",
    properties: PROPERTIES,
    required: &["body"],
    read_only: false,
    always_load: true,
    decode,
};

fn decode(mut args: Args, _: &Defaults) -> Result<Call, Error> {
    let to = to(&mut args)?;
    let reply_to = args.id("reply_to")?;
    if to.is_none() && reply_to.is_none() {
        return Err(Error::invalid(
            "to is missing",
            "give to (list_sessions shows who is there), or reply_to to answer a message",
        ));
    }
    let body = body(&mut args)?;
    let tag = tag(&mut args)?;
    let priority = priority(&mut args)?;
    let expires_in_ms = args.seconds_as_ms("expires_in_s", 1_000, EXPIRES_IN_MAX_S)?;
    let key = call_key(&mut args)?;
    let send = Send { to, body, tag, reply_to, priority, key };
    Ok(Call::plain(match expires_in_ms {
        None => Request::Send(send),
        Some(expires_in_ms) => Request::SendExpiring(SendExpiring { send, expires_in_ms }),
    }))
}

fn priority(args: &mut Args) -> Result<Priority, Error> {
    match args.text("priority")?.as_deref() {
        None | Some("normal") => Ok(Priority::Normal),
        Some("fyi") => Ok(Priority::Fyi),
        Some(other) => {
            let shown: String = other.chars().take(40).collect();
            Err(Error::invalid(
                format!("priority is {shown:?}, allowed are \"normal\" and \"fyi\""),
                "leave priority out for normal, or give fyi for a message that alerts nobody",
            ))
        }
    }
}
