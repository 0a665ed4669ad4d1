//! The command line: what to measure, and what becomes of the figures.

use c2c_benches::groups::{ALL, Context, Group};
use c2c_benches::machine::Machine;
use c2c_benches::report::Report;
use c2c_benches::{floors, guard, plots, table};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures c2c beside the floors of this machine. Build everything in release first.
#[derive(Debug, Parser)]
#[command(name = "c2c-benches")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures groups of figures (all of them unless some are named), prints tables and writes JSON
    Run {
        /// The groups
        groups: Vec<String>,
        /// Fewer repeats and smaller stores: to see that it works
        #[arg(long)]
        quick: bool,
        /// Only settings that contain this, such as `64 clients, 200 B`
        #[arg(long)]
        only: Option<String>,
        /// Also a store of ten million messages, which takes long to make and some 10 GB
        #[arg(long)]
        huge: bool,
        /// Where the figures go; those of other groups that are there already stay
        #[arg(long, default_value = "target/benches.json")]
        json: PathBuf,
    },
    /// Lists the groups
    Groups,
    /// Compares the instruction counts of the hot paths with the committed ones; exit status 1 if they grew
    Guard {
        /// Writes the present counts instead
        #[arg(long)]
        renew: bool,
        /// The committed counts
        #[arg(long, default_value = "benches/guard.json")]
        baseline: PathBuf,
        /// A folder for what callgrind writes of each scenario, for `callgrind_annotate`
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Prints the tables of figures that were measured
    Table {
        /// The figures
        #[arg(default_value = "target/benches.json")]
        json: PathBuf,
    },
    /// Draws the plots of figures that were measured
    Plots {
        /// The figures
        #[arg(default_value = "target/benches.json")]
        json: PathBuf,
        /// The folder that they go to
        #[arg(long, default_value = "docs/pictures")]
        folder: PathBuf,
    },
    /// Answers over a socket with what comes
    #[command(hide = true)]
    ServeEcho { address: PathBuf },
    /// An MCP server that does nothing
    #[command(hide = true)]
    ServeMcp,
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Run { groups, quick, only, huge, json } => {
            run(&groups, Context { quick, only: only.as_deref(), huge }, &json);
        }
        Command::Groups => ALL.iter().for_each(|group| println!("{:<12} {}", group.name, group.about)),
        Command::Guard { renew, baseline, keep } => {
            release_only();
            if !guard::run(&baseline, renew, keep.as_deref()) {
                return ExitCode::FAILURE;
            }
        }
        Command::Table { json } => {
            print!("{}", table::markdown(&read(&json).expect("figures that were measured")));
        }
        Command::Plots { json, folder } => {
            plots::write(&read(&json).expect("figures that were measured"), &folder);
        }
        #[cfg(unix)]
        Command::ServeEcho { address } => floors::serve_echo(&address),
        #[cfg(not(unix))]
        Command::ServeEcho { .. } => panic!("there are no Unix sockets here"),
        Command::ServeMcp => floors::serve_mcp(),
    }
    ExitCode::SUCCESS
}

fn run(names: &[String], context: Context<'_>, json: &Path) {
    release_only();
    let mut report = Report {
        machine: Machine::here(),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        began: jiff::Timestamp::now().to_string(),
        figures: Vec::new(),
    };
    let before = read(json);
    for group in chosen(names) {
        eprintln!("{}: {}", group.name, group.about);
        report.figures.extend((group.run)(context));
        write(json, &merged(&report, before.as_ref()));
    }
    print!("{}", table::markdown(&report));
}

fn release_only() {
    if cfg!(debug_assertions) {
        panic!("figures of a debug build mean nothing: run this with --release");
    }
}

fn chosen(names: &[String]) -> Vec<&'static Group> {
    let find = |name: &String| {
        let known = || ALL.iter().map(|group| group.name).collect::<Vec<_>>().join(", ");
        ALL.iter()
            .find(|group| group.name == name)
            .unwrap_or_else(|| panic!("no group {name}; there are {}", known()))
    };
    if names.is_empty() { ALL.iter().collect() } else { names.iter().map(find).collect() }
}

/// With the figures of an earlier run of other groups, in the order of the groups.
fn merged(report: &Report, before: Option<&Report>) -> Report {
    let earlier = before.map_or(&[][..], |before| &before.figures);
    let of = |group: &Group| {
        let measured: Vec<_> = report.figures.iter().filter(|figure| figure.group == group.name).collect();
        if measured.is_empty() {
            earlier.iter().filter(|figure| figure.group == group.name).collect()
        } else {
            measured
        }
    };
    let figures = ALL.iter().flat_map(of).cloned().collect();
    Report { figures, ..report.clone() }
}

fn read(json: &Path) -> Option<Report> {
    let text = std::fs::read_to_string(json).ok()?;
    Some(
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{} holds no figures: {error}", json.display())),
    )
}

fn write(json: &Path, report: &Report) {
    let text = serde_json::to_string_pretty(report).expect("figures can be written");
    std::fs::write(json, text)
        .unwrap_or_else(|error| panic!("{} cannot be written: {error}", json.display()));
}
