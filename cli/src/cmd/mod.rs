//! One file or folder for each command. This is their table of contents.

mod demo;
mod hook;
mod setup;
mod status;
mod uninstall;

pub(crate) use setup::args as setup_args;

use crate::args::Command;
use crate::exit::Exit;

/// Runs one command.
pub(crate) async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo => demo::run().await,
        Command::Hook { words } => Ok(hook::run(&words).await),
        Command::Setup(args) => setup::run(args).await,
        Command::Status { json } => status::run(json).await,
        Command::Uninstall(args) => uninstall::run(args).await,
    }
}
