//! `c2c sessions`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c sessions`.
#[derive(Debug, Args)]
pub(crate) struct SessionsArgs {}

/// List the sessions.
pub(crate) async fn run(_args: SessionsArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
