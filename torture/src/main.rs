//! The command line of the torture harness: one subcommand for each kind of fault.

use c2c_torture::report::Report;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Proves under faults that c2c loses nothing that it acknowledged.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

/// One kind of fault each.
#[derive(Debug, Subcommand)]
enum Command {
    /// Nodes that exchange mail while everything on and between them is broken, then the verdict on all of them.
    #[cfg(target_os = "linux")]
    Nodes(c2c_torture::nodes::Args),
    /// Plants bugs in a copy of the product, and demands that the suite catches each one.
    #[cfg(target_os = "linux")]
    Plants(c2c_torture::plants::Args),
    /// Kill the broker before every single call that changes a file, a folder or a socket
    #[cfg(target_os = "linux")]
    Points(c2c_torture::points::Args),
    /// Sessions at work while everything is broken again and again, then the verdict on all that they were told.
    #[cfg(target_os = "linux")]
    Run(c2c_torture::run::Args),
    /// Many shims that start at the same moment, with no broker there.
    #[cfg(target_os = "linux")]
    Starts(c2c_torture::starts::Args),
    /// Cuts the power at every write and every flush of a recorded run, and opens what a disk could then hold.
    #[cfg(target_os = "linux")]
    Power(c2c_torture::power::Args),
    /// Replace the broker by another version under waiting sessions, again and again
    #[cfg(unix)]
    Upgrades(c2c_torture::upgrades::Args),
    /// Let programs of different versions meet
    #[cfg(unix)]
    Versions(c2c_torture::versions::Args),
    /// Cuts the power of a real file system under a broker at work.
    #[cfg(target_os = "linux")]
    Shutdowns(c2c_torture::shutdowns::Args),
}

fn main() -> ExitCode {
    let report: Report = match Args::parse().command {
        #[cfg(target_os = "linux")]
        Command::Nodes(args) => c2c_torture::nodes::run(&args),
        #[cfg(target_os = "linux")]
        Command::Plants(args) => c2c_torture::plants::run(&args),
        #[cfg(target_os = "linux")]
        Command::Points(args) => c2c_torture::points::run(&args),
        #[cfg(target_os = "linux")]
        Command::Run(args) => c2c_torture::run::run(&args),
        #[cfg(target_os = "linux")]
        Command::Starts(args) => c2c_torture::starts::run(&args),
        #[cfg(target_os = "linux")]
        Command::Power(args) => c2c_torture::power::run(&args),
        #[cfg(unix)]
        Command::Upgrades(args) => c2c_torture::upgrades::run(&args),
        #[cfg(unix)]
        Command::Versions(args) => c2c_torture::versions::run(&args),
        #[cfg(target_os = "linux")]
        Command::Shutdowns(args) => c2c_torture::shutdowns::run(&args),
    };
    println!("{report}");
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
