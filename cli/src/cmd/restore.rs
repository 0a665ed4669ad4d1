//! `c2c restore`: a backup takes the place of the store. The work is the broker's program, which alone opens stores; this
//! asks the person first.

use super::setup::ask;
use crate::control;
use crate::exit::Exit;
use crate::print;
use crate::progress::Progress;
use crate::text::visible;
use anyhow::Context;
use c2c_proto::client::{broker_not_found, find_broker};
use c2c_proto::paths::StorePaths;
use c2c_proto::{Error, ErrorCode};
use clap::Args;
use serde::Deserialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// What `c2c restore --help` begins with.
pub(crate) const RESTORE: &str = "\
Puts a backup into the place of the store.

The backup is copied and looked through first, while sessions go on. Then a broker that a session started makes
room for a moment, the store as it is now is moved aside (its new name is printed), and the copy takes its name.
Sessions that are connected go on with what was restored: messages that came after the backup are only in the
file that was moved aside.";

const RESTORE_AFTER: &str = "\
With --json: one object, on one line.
  messages  messages in the store now
  aside     where the store as it was is now; null if there was none

Exit status:
  0  restored
  1  an error: the file is no sound backup, the broker runs as a service, you did not want it after all
  4  there is no such file
  5  c2c-broker is not found

Examples:
  c2c backup ~/c2c-before.db
  c2c restore ~/c2c-before.db";

/// What can be said to `c2c restore`.
#[derive(Debug, Args)]
#[command(after_help = RESTORE_AFTER)]
pub(crate) struct RestoreArgs {
    /// A file that `c2c backup` made
    file: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Say nothing of how far it is
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the broker's program has behind the store's own name while it copies.
const UNFINISHED: &str = ".restore-unfinished";

/// The broker's word on it.
#[derive(Deserialize)]
struct Word {
    #[serde(default)]
    messages: u64,
    aside: Option<String>,
    error: Option<Error>,
}

/// Restores.
pub(crate) async fn run(args: RestoreArgs) -> anyhow::Result<Exit> {
    let paths = StorePaths::from_env()?;
    let file = std::path::absolute(&args.file).context("the file has no usable path")?;
    if !file.is_file() {
        return Err(Error::not_found(
            format!("there is no file {}", file.display()),
            "name a file that `c2c backup` made",
        )
        .into());
    }
    if !args.yes {
        writeln!(io::stdout(), "{}", visible(&warning(&paths).await?))?;
    }
    if !ask::allowed(args.yes, "Go on?")? {
        writeln!(io::stdout(), "nothing was changed")?;
        return Ok(Exit::Error);
    }
    let word = {
        let progress = Progress::new("copying", file.metadata().map_or(0, |file| file.len()), args.quiet);
        let mut unfinished = paths.store.clone().into_os_string();
        unfinished.push(UNFINISHED);
        tokio::select! {
            word = restore(&paths, &file) => word,
            never = progress.of_file(Path::new(&unfinished)) => match never {},
        }
    };
    let Word { messages, aside, error } = word?;
    if let Some(error) = error {
        return Err(error.into());
    }
    if args.json {
        let object = serde_json::json!({"messages": messages, "aside": aside});
        print::json(&object)?;
    } else {
        writeln!(
            io::stdout(),
            "restored {messages} messages to {}",
            visible(&paths.store.display().to_string())
        )?;
        if let Some(aside) = aside {
            writeln!(io::stdout(), "the store as it was is {}", visible(&aside))?;
        }
    }
    Ok(Exit::Done)
}

/// What is about to happen.
async fn warning(paths: &StorePaths) -> anyhow::Result<String> {
    let store = paths.store.display();
    Ok(match control::status(paths).await? {
        Some(status) => format!(
            "{store} with {} messages will be moved aside; sessions online: {}",
            status.messages, status.sessions_online
        ),
        None => format!("{store} will be moved aside, if it is there; no broker runs for it"),
    })
}

async fn restore(paths: &StorePaths, file: &Path) -> anyhow::Result<Word> {
    let broker = find_broker().ok_or_else(|| broker_not_found(paths))?;
    let output = Command::new(&broker)
        .arg("--ready-stdout")
        .arg("--store")
        .arg(&paths.store)
        .arg("--restore")
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("failed to run {}", broker.display()))?;
    serde_json::from_slice(&output.stdout).map_err(|_no_word| {
        let said = String::from_utf8_lossy(&output.stderr);
        Error::new(
            ErrorCode::VersionMismatch,
            format!("{} did not say what came of it: {}", broker.display(), said.trim()),
            "c2c and c2c-broker must be of one version: `c2c doctor` compares them",
        )
        .into()
    })
}
