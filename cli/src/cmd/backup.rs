//! `c2c backup`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {}

/// Copy the store into a file, while it is in use.
pub(crate) async fn run(_args: BackupArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
