//! Other programs that setup runs: their words are kept, and they do not run for ever.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long one may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a program to its end in this folder.
///
/// # Errors
/// With what it said, when it fails.
pub(in crate::cmd) async fn run(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    folder: &Path,
    environment: &[(&str, &str)],
) -> anyhow::Result<()> {
    let shown = || shown(program, arguments);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.envs(environment.iter().copied());
    let output = timeout(TIMEOUT, command.output())
        .await
        .with_context(|| format!("`{}` did not end in time", shown()))?
        .with_context(|| format!("`{}` could not be started", shown()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    bail!("`{}` failed: {}", shown(), String::from_utf8_lossy(&said).trim());
}

/// A command line for people.
pub(in crate::cmd) fn shown(program: &Path, arguments: &[impl AsRef<OsStr>]) -> String {
    let mut words = vec![program.file_stem().unwrap_or(program.as_os_str()).display().to_string()];
    words.extend(arguments.iter().map(|argument| argument.as_ref().display().to_string()));
    words.join(" ")
}
