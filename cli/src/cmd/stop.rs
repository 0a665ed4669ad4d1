//! `c2c stop`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {}

/// Ask the broker to finish and exit.
pub(crate) async fn run(_args: StopArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
