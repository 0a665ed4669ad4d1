//! `c2c completions`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {}

/// Print the completions for a shell.
pub(crate) async fn run(_args: CompletionsArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
