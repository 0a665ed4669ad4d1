//! `c2c state`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c state`.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {}

/// Read and change the shared state.
pub(crate) async fn run(_args: StateArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
