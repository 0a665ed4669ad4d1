//! `c2c top`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c top`.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {}

/// Watch sessions and messages live.
pub(crate) async fn run(_args: TopArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
