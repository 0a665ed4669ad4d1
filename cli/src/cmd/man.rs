//! `c2c man`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {}

/// Print the manual page.
pub(crate) async fn run(_args: ManArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
