//! `c2c-broker --restore FILE`: a backup takes the place of the store, and the process ends. A broker that a session started
//! makes room for that moment; its clients start the next one, on what was restored.

use crate::args::{Args, Mode};
use crate::clock::Clock;
use crate::instance::{self, Claim};
use crate::store::restore::{Prepared, prepare};
use crate::takeover;
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::paths::{StorePaths, ensure_private_dir};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What was done.
struct Restored {
    messages: u64,
    /// Where the store as it was is now.
    aside: Option<PathBuf>,
}

/// Restores, and says what came of it: one JSON object on stdout with `--ready-stdout`, else words.
pub async fn run(args: &Args, paths: Result<StorePaths, Error>, backup: &Path, clock: Clock) -> ExitCode {
    let restored = match paths {
        Ok(paths) => restore(&paths, backup, &clock).await,
        Err(error) => Err(error),
    };
    let (object, words, code) = match restored {
        Ok(Restored { messages, aside }) => {
            let aside = aside.map(|aside| aside.display().to_string());
            let words = match &aside {
                Some(aside) => format!("restored {messages} messages; the store as it was is {aside}"),
                None => format!("restored {messages} messages"),
            };
            (json!({"restored": true, "messages": messages, "aside": aside}), words, ExitCode::SUCCESS)
        }
        Err(error) => {
            let words = format!("c2c-broker: {error}\n  {}", error.hint);
            (json!({"restored": false, "error": error}), words, ExitCode::FAILURE)
        }
    };
    let line = if args.ready_stdout { object.to_string() } else { words };
    // Whoever asked may be gone; what was done stays done.
    let _ = writeln!(std::io::stdout(), "{line}");
    code
}

async fn restore(paths: &StorePaths, backup: &Path, clock: &Clock) -> Result<Restored, Error> {
    // With it the folder that the copy is made in, where there has been no store yet.
    ensure_private_dir(&paths.run_dir)?;
    let prepared: Prepared = prepare(paths, backup).await?;
    let messages = prepared.messages;
    let _lock = match instance::claim(paths, Mode::Restore)? {
        Claim::Held(instance) => instance,
        Claim::Taken(holder) => match takeover::take(paths, holder, Mode::Restore).await? {
            Claim::Held(instance) => instance,
            Claim::Taken(_) => return Err(service_runs()),
        },
    };
    prepared.go_on_from(paths).await?;
    let aside = prepared.put_into_place(paths, clock)?;
    Ok(Restored { messages, aside })
}

fn service_runs() -> Error {
    Error::new(
        ErrorCode::Conflict,
        "the broker runs as a service, which makes no room; nothing was changed",
        "stop the service, restore, and start it again; `c2c status` says whether it is one",
    )
}
