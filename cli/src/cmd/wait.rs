//! `c2c wait`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {}

/// Wait for mail.
pub(crate) async fn run(_args: WaitArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
