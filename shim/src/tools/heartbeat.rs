//! `heartbeat`.

use super::{Call, Defaults, Tool};
use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::request::{Heartbeat, Request};

pub(super) const TOOL: Tool = Tool {
    name: "heartbeat",
    description: "Say that this session is alive. Hardly ever needed: being connected says it.",
    properties: &[],
    required: &[],
    read_only: false,
    always_load: false,
    decode,
};

#[expect(clippy::unnecessary_wraps, reason = "the signature of all tools")]
fn decode(_: Args, _: &Defaults) -> Result<Call, Error> {
    Ok(Call::plain(Request::Heartbeat(Heartbeat {})))
}
