//! `c2c show`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {}

/// Show one message whole, with its receipts and its thread.
pub(crate) async fn run(_args: ShowArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
