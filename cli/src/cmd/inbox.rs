//! `c2c inbox`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c inbox`.
#[derive(Debug, Args)]
pub(crate) struct InboxArgs {}

/// List your mail, or that of a session.
pub(crate) async fn run(_args: InboxArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
