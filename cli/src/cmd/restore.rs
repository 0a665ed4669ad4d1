//! `c2c restore`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {}

/// Put a backup in the place of the store.
pub(crate) async fn run(_args: RestoreArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
