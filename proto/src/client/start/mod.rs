//! Starting a broker: which program, with what environment, and its one word about how it went.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as platform;

use super::config::BrokerCommand;
use crate::error::{Error, ErrorCode};
use crate::paths::{STORE_VARIABLE, StorePaths};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A broker's word is one line; whatever talks longer than this is not one.
const WORD_MAX_BYTES: u64 = 64 * 1024;
/// How long a program that closed its stdout may take to end, before its exit status is left out of the error.
const EXIT_MAX: Duration = Duration::from_millis(500);

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// The new broker accepts connections.
    Ready {
        /// Its process.
        pid: u32,
    },
    /// Another broker holds the lock; it listens, or will in a moment.
    Running,
}

/// What the broker prints, once, as one line of JSON.
#[derive(Debug, Deserialize)]
struct Word {
    ready: bool,
    #[serde(default)]
    pid: u32,
    #[serde(default)]
    running: bool,
    error: Option<Error>,
}

/// Starts a broker for the store and waits for its word. The process is detached: it outlives this one.
pub(super) async fn start(
    command: &BrokerCommand,
    paths: &StorePaths,
    limit: Duration,
) -> Result<Started, Error> {
    let program = match &command.program {
        Some(program) => program.clone(),
        None => find().ok_or_else(|| not_found(paths))?,
    };
    let mut child = spawn(&program, paths).map_err(|error| {
        Error::new(
            ErrorCode::BrokerUnreachable,
            format!("the broker {} cannot be started: {error}", program.display()),
            "check that the file is there and may be run, or install c2c again",
        )
    })?;
    let Some(stdout) = child.stdout.take() else {
        return Err(Error::internal("a started broker has no stdout"));
    };
    let word = timeout(limit, read_word(stdout)).await;
    match word {
        Ok(Ok(Some(word))) => {
            reap(child);
            said(word, &program)
        }
        Ok(Ok(None)) => Err(ended(child, &program, paths).await),
        Ok(Err(reason)) => {
            reap(child);
            Err(mute(&program, paths, &reason))
        }
        Err(_) => {
            reap(child);
            Err(mute(&program, paths, &format!("it did not say within {limit:?} that it is ready")))
        }
    }
}

fn spawn(program: &Path, paths: &StorePaths) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("--store")
        .arg(&paths.store)
        .args(["--on-demand", "--ready-stdout"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A client's environment holds secrets that are none of a daemon's business.
        .env_clear()
        .kill_on_drop(false);
    for name in platform::VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env(STORE_VARIABLE, &paths.store);
    platform::detach(&mut command);
    command.spawn()
}

/// `None` if the program closed its stdout without a word.
async fn read_word(stdout: ChildStdout) -> Result<Option<Word>, String> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(stdout.take(WORD_MAX_BYTES));
    reader
        .read_until(b'\n', &mut line)
        .await
        .map_err(|error| format!("its stdout cannot be read: {error}"))?;
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&line)
        .map(Some)
        .map_err(|error| format!("it did not speak as a broker does: {error}"))
}

fn said(word: Word, program: &Path) -> Result<Started, Error> {
    match word {
        Word { ready: true, pid, .. } => Ok(Started::Ready { pid }),
        Word { running: true, .. } => Ok(Started::Running),
        Word { error: Some(error), .. } => Err(error),
        Word { .. } => Err(Error::internal(format!(
            "the broker {} said that it is not ready, and not why",
            program.display()
        ))),
    }
}

/// Waits for the process in the background: a broker that ends later must not stay as a zombie.
fn reap(mut child: Child) {
    tokio::spawn(async move { child.wait().await });
}

async fn ended(mut child: Child, program: &Path, paths: &StorePaths) -> Error {
    match timeout(EXIT_MAX, child.wait()).await {
        Ok(Ok(status)) => mute(program, paths, &format!("it ended with {status} before it was ready")),
        _ => {
            reap(child);
            mute(program, paths, "it closed its stdout before it was ready")
        }
    }
}

fn mute(program: &Path, paths: &StorePaths, reason: &str) -> Error {
    Error::new(
        ErrorCode::BrokerUnreachable,
        format!("the broker {} did not start: {reason}", program.display()),
        format!("see its log {}, or run `{}` in a terminal", paths.log.display(), program.display()),
    )
}

/// What to tell whoever needs the broker's program where there is none.
#[must_use]
pub fn not_found(paths: &StorePaths) -> Error {
    Error::new(
        ErrorCode::BrokerUnreachable,
        format!(
            "no broker answers at {}, and there is no {} beside this program nor on PATH",
            paths.address,
            platform::PROGRAM
        ),
        "install c2c again, so that its programs lie in one folder",
    )
}

/// Beside this program, else on `PATH`.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let beside =
        std::env::current_exe().ok().and_then(|own| own.parent().map(|dir| dir.join(platform::PROGRAM)));
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    beside
        .into_iter()
        .chain(
            on_path
                .into_iter()
                .flatten()
                .filter(|dir| dir.is_absolute())
                .map(|dir| dir.join(platform::PROGRAM)),
        )
        .find(|file| file.is_file())
}
