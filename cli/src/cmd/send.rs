//! `c2c send`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c send`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {}

/// Send a message.
pub(crate) async fn run(_args: SendArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
