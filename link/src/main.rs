//! `c2c-link`: carries mail between the broker of this machine and those of others, over NATS JetStream. It holds nothing that
//! matters: what waits is in the outbox of the broker that sent it, until the other broker has it.

mod args;
mod broker;
mod config;
mod direct;
mod envelope;
mod incoming;
mod later;
mod life;
mod nats;
mod outgoing;
mod parts;
mod platform;
mod presence;
mod refused;
mod shared;

use args::Args;
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let wanted = std::env::var("C2C_LOG").ok().and_then(|words| words.parse().ok());
    let usual =
        || Targets::new().with_default(LevelFilter::INFO).with_target("async_nats", LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(wanted.unwrap_or_else(usual)).init();
    match Box::pin(life::run(&args)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed stderr does not want to know.
            let _ = writeln!(std::io::stderr(), "c2c-link: {error:#}");
            ExitCode::FAILURE
        }
    }
}
