//! Ends a process without a warning: TerminateProcess, through the program that Windows brings for it.

use anyhow::ensure;
use std::process::Stdio;
use tokio::process::Command;

/// Kills the process at once.
pub(super) async fn now(pid: u32) -> anyhow::Result<()> {
    let status = Command::new("taskkill")
        .args(["/F", "/PID", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await?;
    ensure!(status.success(), "taskkill ended with {status}");
    Ok(())
}
