//! `c2c search`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {}

/// Search the bodies of all messages.
pub(crate) async fn run(_args: SearchArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
