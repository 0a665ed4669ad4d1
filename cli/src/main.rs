//! `c2c`: the command line for people. It decides what runs and how the process ends, and does nothing itself.

mod acting;
mod args;
mod cmd;
mod compose;
mod control;
mod entries;
mod everybody;
mod exit;
mod link;
mod mail;
mod mcp;
mod person;
mod print;
mod progress;
mod shape;
mod text;
mod trouble;
mod values;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(args) => args,
        Err(error) => return exit::after_parsing(&error),
    };
    match cmd::run(args.command).await {
        Ok(exit) => exit.into(),
        Err(error) => exit::after_failure(&error).into(),
    }
}
