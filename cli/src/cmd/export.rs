//! `c2c export`: everything that a store holds for people, as JSON lines.

use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::mail;
use crate::print::{json_text, now};
use crate::progress::Progress;
use crate::shape;
use crate::{entries, everybody};
use anyhow::Context;
use c2c_proto::id::MessageId;
use c2c_proto::limits::{ACTIVE_WITHIN_MAX_MIN, INBOX_LIMIT_MAX};
use c2c_proto::request::{Status, Traffic, is_global};
use c2c_proto::{Error, ErrorCode};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Prints all messages, sessions and entries of the shared state as JSON lines, for `c2c import` or for programs.

It is what the store holds when the export begins: later messages are not in it. Nothing is marked read by it.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
Each line is an object with a \"type\", in this order:
  export   the first line: version (1), store_id, exported_at
  session  session_id, name, online, waiting, unread, cwd, client, started_at, last_seen_at, metadata
  state    of this machine (keys with global: are of all): key, value, value_chars, version, updated_at, updated_by, expires_at
  message  id, from_name, from_session, to, body, body_chars, tag, reply_to, thread, priority, created_at, read_at,
           receipts (name, state, shown_at, read_at, read_by), ascending by id, with the whole body
  end      the last line: lines; an export without it was cut off

Exit status:
  0  complete
  1  an error: FILE is there already or cannot be written
  5  no broker runs for this store and none could be started

Examples:
  c2c export --output c2c.jsonl
  c2c export | jq -r 'select(.type == \"message\") | .from_name' | sort | uniq -c";

/// What can be said to `c2c export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Write into this new file, which is yours alone, instead of stdout; it appears when it is complete
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Say nothing of how far it is
    #[arg(long)]
    quiet: bool,
}

/// Print all messages, sessions and state as JSON lines.
pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<Exit> {
    let link = Link::look_on()?;
    match &args.output {
        None => all(&link, &mut io::stdout().lock(), args.quiet).await?,
        Some(path) => into_file(&link, path, args.quiet).await?,
    }
    Ok(Exit::Done)
}

/// Under another name until it is complete, and never in the place of something.
async fn into_file(link: &Link, path: &Path, quiet: bool) -> anyhow::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(is_there(path).into());
    }
    let cannot = || format!("{} cannot be written", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::Builder::new().prefix(".c2c-export-").tempfile_in(folder).with_context(cannot)?;
    all(link, file.as_file_mut(), quiet).await?;
    file.as_file().sync_all().with_context(cannot)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(path).into()),
        Err(error) => Err(error.error).with_context(cannot),
    }
}

fn is_there(path: &Path) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("{} is there already, and an export never replaces anything", path.display()),
        "name another file, or move that one away",
    )
}

async fn all(link: &Link, out: &mut impl Write, quiet: bool) -> anyhow::Result<()> {
    let mut out = Lines { out: BufWriter::new(out), written: 0 };
    let status = ask!(link, Status(Status {}), Status);
    // Before all else: what comes later is not in it.
    let newest = mail::newest_one(link).await?.map_or(0, |message| message.id);
    let header = json!({"version": 1, "store_id": status.store_id, "exported_at": now().to_string()});
    out.add("export", header)?;
    sessions(link, &mut out).await?;
    state(link, &mut out).await?;
    messages(link, &mut out, newest, quiet).await?;
    let lines = out.written + 1;
    out.add("end", json!({ "lines": lines }))?;
    Ok(out.out.flush()?)
}

async fn sessions(link: &Link, out: &mut Lines<impl Write>) -> anyhow::Result<()> {
    for session in everybody::sessions(link, ACTIVE_WITHIN_MAX_MIN, usize::MAX).await?.0 {
        out.add("session", shape::session(&session))?;
    }
    Ok(())
}

async fn state(link: &Link, out: &mut Lines<impl Write>) -> anyhow::Result<()> {
    for entry in entries::all(link, "").await?.0 {
        // That of all machines is no part of this store.
        if is_global(&entry.state_key) {
            continue;
        }
        if entry.value.is_some() {
            out.add("state", shape::entry(&entry))?;
            continue;
        }
        // It may have gone in between.
        if let Some(whole) = entries::one(link, &entry.state_key).await?.0.entry {
            out.add("state", shape::entry(&whole))?;
        }
    }
    Ok(())
}

async fn messages(
    link: &Link,
    out: &mut Lines<impl Write>,
    newest: MessageId,
    quiet: bool,
) -> anyhow::Result<()> {
    let mut progress = Progress::new("exporting", u64::try_from(newest).unwrap_or_default(), quiet);
    let mut after = 0;
    while after < newest {
        let ask_for = Traffic { after_id: Some(after), limit: INBOX_LIMIT_MAX, ..Traffic::default() };
        let page = ask!(link, Traffic(ask_for), Inbox);
        // Those that were there may have been pruned since.
        let Some(last) = page.messages.last().map(|message| message.id) else { break };
        for mut message in page.messages.into_iter().take_while(|message| message.id <= newest) {
            match mail::complete(link, &mut message).await {
                // It was pruned meanwhile.
                Err(error) if is_gone(&error) => {}
                whole => {
                    whole?;
                    out.add("message", shape::message(&message))?;
                }
            }
        }
        after = last;
        progress.at(u64::try_from(after).unwrap_or_default());
    }
    Ok(())
}

fn is_gone(error: &Error) -> bool {
    error.code == ErrorCode::NotFound
}

/// What was written of an export.
struct Lines<W: Write> {
    out: BufWriter<W>,
    written: u64,
}

impl<W: Write> Lines<W> {
    /// The object on a line of its own, with its type first.
    fn add(&mut self, kind: &str, object: impl Serialize) -> anyhow::Result<()> {
        let members = json_text(&object);
        self.written += 1;
        Ok(writeln!(self.out, "{{\"type\":\"{kind}\",{}", members.trim_start_matches('{'))?)
    }
}
