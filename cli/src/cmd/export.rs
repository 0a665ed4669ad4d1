//! `c2c export`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {}

/// Print all messages, sessions and state as JSON lines.
pub(crate) async fn run(_args: ExportArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
