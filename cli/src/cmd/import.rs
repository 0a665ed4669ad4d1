//! `c2c import`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {}

/// Add the messages and state of an export to the store.
pub(crate) async fn run(_args: ImportArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
