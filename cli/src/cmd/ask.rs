//! `c2c ask`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c ask`.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {}

/// Ask sessions a question and wait for their answers.
pub(crate) async fn run(_args: AskArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
