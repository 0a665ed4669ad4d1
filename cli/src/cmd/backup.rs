//! `c2c backup`: the broker copies the store; this tells how far it is.

use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::json_text;
use crate::progress::Progress;
use crate::text::visible;
use anyhow::Context;
use c2c_proto::Error;
use c2c_proto::request::{Backup, Status};
use c2c_proto::response::BackedUp;
use clap::Args;
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Copies the store into a new file, as it is at one moment, while sessions go on using it.

The copy is a complete store of its own, for you alone to read; `c2c restore` puts it in the store's place. While
it is made it is called FILE.unfinished. Nothing is ever replaced: FILE must not be there yet.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
With --json: one object, on one line.
  path      where the copy is
  bytes     its length
  messages  messages in it

Exit status:
  0  the copy is complete and on disk
  1  an error: FILE is there already, cannot be written, or no space is left
  5  no broker runs for this store and none could be started

Examples:
  c2c backup ~/backups/c2c.db
  c2c backup --quiet \"/mnt/backups/c2c-$(date +%F).db\"";

/// How long it may take, in milliseconds: an hour, more than any store needs.
const TIMEOUT_MS: u64 = 3_600_000;

/// What can be said to `c2c backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The new file
    file: PathBuf,
    /// Say nothing of how far it is
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Copy the store into a file, while it is in use.
pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<Exit> {
    let target = std::path::absolute(&args.file).context("the file has no absolute path")?;
    let path = target.to_str().ok_or_else(|| not_a_text(&target))?.to_owned();
    let link = Link::look_on()?;
    let status = ask!(link, Status(Status {}), Status);
    let made = {
        let progress = Progress::new("copying", status.store_bytes, args.quiet);
        let mut unfinished = target.clone().into_os_string();
        unfinished.push(".unfinished");
        tokio::select! {
            made = copy(&link, path) => made?,
            never = progress.of_file(Path::new(&unfinished)) => match never {},
        }
    };
    let text = if args.json {
        let object = json!({"path": made.path, "bytes": made.bytes, "messages": made.messages});
        format!("{}\n", json_text(&object))
    } else {
        format!("{}: {} messages, {} bytes\n", visible(&made.path), made.messages, made.bytes)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

async fn copy(link: &Link, path: String) -> anyhow::Result<BackedUp> {
    Ok(ask!(link, Backup(Backup { path, timeout_ms: TIMEOUT_MS }), BackedUp))
}

fn not_a_text(target: &Path) -> Error {
    Error::invalid(
        format!("the path {} is no UTF-8", target.display()),
        "name a file whose path the broker can be told as a text",
    )
}
