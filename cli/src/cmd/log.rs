//! `c2c log`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {}

/// Show the broker's log.
pub(crate) async fn run(_args: LogArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
