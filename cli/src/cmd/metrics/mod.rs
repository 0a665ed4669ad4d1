//! `c2c metrics`: what the broker counts and measures.

pub(super) mod object;
mod text;

use crate::control;
use crate::exit::Exit;
use c2c_proto::Error;
use c2c_proto::ErrorCode;
use c2c_proto::paths::StorePaths;
use clap::Args;
use std::io::{self, Write};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Prints the broker's counters and durations as OpenMetrics text 1.0, which Prometheus and others read.

They begin anew with each broker. None is started for this. `c2c status --json` has the same figures as JSON.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
Exit status:
  0  done
  1  an error: the broker cannot be reached safely, or does not answer
  5  no broker runs for this store

Examples:
  c2c metrics | grep c2c_calls_total
  c2c metrics > /var/lib/node_exporter/c2c.prom    for the textfile collector, from a timer";

/// What can be said to `c2c metrics`.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {}

/// Print the broker's counters and durations as OpenMetrics text.
pub(crate) async fn run(_args: MetricsArgs) -> anyhow::Result<Exit> {
    let paths = StorePaths::from_env()?;
    let Some(metrics) = control::metrics(&paths).await? else {
        return Err(Error::new(
            ErrorCode::BrokerUnreachable,
            format!("no broker runs for {}, or one of an older version", paths.store.display()),
            "that is normal while no session uses it: the first one that does starts it",
        )
        .into());
    };
    io::stdout().write_all(text::of(&metrics).as_bytes())?;
    Ok(Exit::Done)
}
