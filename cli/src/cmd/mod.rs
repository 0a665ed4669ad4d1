//! One file or folder for each command. This is their table of contents.

mod demo;
mod hook;
mod status;

use crate::args::Command;
use crate::exit::Exit;

/// Runs one command.
pub(crate) async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo => demo::run().await,
        Command::Hook { words } => Ok(hook::run(&words).await),
        Command::Status { json } => status::run(json).await,
    }
}
