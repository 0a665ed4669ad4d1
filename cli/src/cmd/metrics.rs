//! `c2c metrics`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c metrics`.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {}

/// Print the broker's counters and durations as OpenMetrics text.
pub(crate) async fn run(_args: MetricsArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
