//! `c2c doctor`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

/// Find out what keeps c2c from working, and what mends it.
pub(crate) async fn run(_args: DoctorArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
