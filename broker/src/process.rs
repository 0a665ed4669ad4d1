//! The broker's process: reads the command line, leaves its starter if so wished, and runs the broker.
//!
//! All of `main`, so that a program which prepares something for the broker is the same broker.

use crate::args::Args;
use crate::clock::Clock;
use crate::platform::{self, Standing};
use crate::restore;
use crate::server;
use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;

/// What still runs when the broker has stopped was given its time before.
const STRAGGLERS_END_WITHIN: Duration = Duration::from_millis(50);

/// Runs the process from its command line to its exit status, by this clock.
#[must_use]
pub fn run(clock: Clock) -> ExitCode {
    let args = Args::parse();
    let paths = args.paths();
    if args.mode().standing() == Standing::Detached
        && let Err(error) = platform::detach()
    {
        return platform_failure("cannot leave the terminal", &error);
    }
    platform::prepare();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return platform_failure("cannot begin", &error),
    };
    let code = match args.restore.clone() {
        Some(backup) => runtime.block_on(restore::run(&args, paths, &backup, clock)),
        None => runtime.block_on(server::run(args, paths, clock)),
    };
    runtime.shutdown_timeout(STRAGGLERS_END_WITHIN);
    code
}

/// Said on stderr, which may be all that there is.
fn platform_failure(what: &str, error: &std::io::Error) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "c2c-broker: {what}: {error}");
    ExitCode::FAILURE
}
