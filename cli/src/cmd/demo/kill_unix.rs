//! Ends a process without a warning: SIGKILL.

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// Kills the process at once.
#[expect(clippy::unused_async, reason = "the Windows twin runs a program for it")]
pub(super) async fn now(pid: u32) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("that is no process id")?;
    Ok(kill_process(pid, Signal::KILL)?)
}
