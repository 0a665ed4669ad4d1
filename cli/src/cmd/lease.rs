//! `c2c lease`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c lease`.
#[derive(Debug, Args)]
pub(crate) struct LeaseArgs {}

/// Hold a lease in the shared state.
pub(crate) async fn run(_args: LeaseArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
