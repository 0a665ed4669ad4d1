//! One file or folder for each command. This is their table of contents.

pub(crate) mod ask;
pub(crate) mod backup;
pub(crate) mod completions;
mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
mod hook;
pub(crate) mod import;
pub(crate) mod inbox;
pub(crate) mod lease;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod metrics;
pub(crate) mod prune;
pub(crate) mod read;
pub(crate) mod restore;
pub(crate) mod search;
pub(crate) mod send;
pub(crate) mod sessions;
mod setup;
pub(crate) mod show;
pub(crate) mod state;
mod status;
pub(crate) mod stop;
pub(crate) mod tail;
pub(crate) mod top;
mod uninstall;
pub(crate) mod wait;

pub(crate) use setup::args as setup_args;

use crate::args::Command;
use crate::exit::Exit;

/// Runs one command.
pub(crate) async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Ask(args) => ask::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Completions(args) => completions::run(args).await,
        Command::Demo => demo::run().await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Hook { words } => Ok(hook::run(&words).await),
        Command::Import(args) => import::run(args).await,
        Command::Inbox(args) => inbox::run(args).await,
        Command::Lease(args) => lease::run(args).await,
        Command::Link(args) => link::run(args).await,
        Command::Log(args) => log::run(args).await,
        Command::Man(args) => man::run(args).await,
        Command::Metrics(args) => metrics::run(args).await,
        Command::Prune(args) => prune::run(args).await,
        Command::Read(args) => read::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Search(args) => search::run(args).await,
        Command::Send(args) => send::run(args).await,
        Command::Sessions(args) => sessions::run(args).await,
        Command::Setup(args) => setup::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::State(args) => state::run(args).await,
        Command::Status { json } => status::run(json).await,
        Command::Stop(args) => stop::run(args).await,
        Command::Tail(args) => tail::run(args).await,
        Command::Top(args) => top::run(args).await,
        Command::Uninstall(args) => uninstall::run(args).await,
        Command::Wait(args) => wait::run(args).await,
    }
}
