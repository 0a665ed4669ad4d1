//! `c2c read`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c read`.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {}

/// Mark messages of your mailbox read.
pub(crate) async fn run(_args: ReadArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
