//! `c2c tail`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {}

/// Show the messages of all sessions as they come.
pub(crate) async fn run(_args: TailArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
