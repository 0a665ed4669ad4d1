//! The configuration beside the store. Only the broker knows its words, so one is started with a copy of it, on a store
//! of its own: a broker that runs already has read the file as it was then.

use super::report::Check;
use super::round_trip::Stage;
use anyhow::Context;
use c2c_proto::Error;
use c2c_proto::client::{broker_not_found, find_broker};
use c2c_proto::paths::StorePaths;
use serde::Deserialize;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// A broker starts in much less.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Its word is one line; whatever talks longer is no broker.
const WORD_MAX_BYTES: u64 = 64 * 1024;

/// How the start went.
#[derive(Deserialize)]
struct Word {
    error: Option<Error>,
}

/// Whether a broker takes it.
pub(super) async fn check(stage: &mut Stage, paths: &StorePaths) -> Check {
    if !paths.config.exists() {
        return Check::ok("config", format!("there is no {}: the defaults hold", paths.config.display()));
    }
    match tried(stage, paths).await {
        Ok(check) => check,
        Err(error) => Check::failed(
            "config",
            format!("{} could not be tried: {error:#}", paths.config.display()),
            format!("see that you can read {}", paths.config.display()),
        ),
    }
}

async fn tried(stage: &mut Stage, paths: &StorePaths) -> anyhow::Result<Check> {
    let copy = stage.store(&std::fs::read(&paths.config)?)?;
    let broker = find_broker().ok_or_else(|| broker_not_found(paths))?;
    // Not as a client starts one, which outlives it: this one goes with whoever waits for its word, also before it holds a lock
    // by which it could be found.
    let mut child = Command::new(&broker)
        .args(["--ready-stdout", "--store"])
        .arg(&copy.store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to run {}", broker.display()))?;
    let stdout = child.stdout.take().context("a started broker has no stdout")?;
    let mut line = String::new();
    let mut out = BufReader::new(stdout.take(WORD_MAX_BYTES));
    let read = timeout(TIMEOUT, out.read_line(&mut line)).await;
    child.kill().await.context("the broker that was started could not be ended")?;
    stage.end().await?;
    let shown = paths.config.display().to_string();
    let real = |text: &str| text.replace(&copy.config.display().to_string(), &shown);
    if read.is_err() {
        return Ok(Check::failed("config", "no broker could be started with it in time", "see `c2c log`"));
    }
    let word: Word = serde_json::from_str(&line)
        .with_context(|| format!("{} did not say what came of it", broker.display()))?;
    Ok(match word.error {
        None => Check::ok("config", format!("{shown} is valid")),
        Some(error) => {
            let mend = format!("correct {shown}, then `c2c stop`: {}", real(&error.hint));
            Check::failed("config", real(&error.message), mend)
        }
    })
}
