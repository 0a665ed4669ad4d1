//! `c2c import`: what `c2c export` printed, put into a store.

use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::json_text;
use crate::print::now;
use crate::progress::Progress;
use crate::text::visible;
use anyhow::Context;
use c2c_proto::id::new_call_key;
use c2c_proto::limits::{IMPORT_MESSAGES_MAX, IMPORT_RECEIPTS_MAX};
use c2c_proto::request::{self, ImportedMessage, Request, SetState, is_global};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use clap::Args;
use record::{Record, Unreadable};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

mod record;

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Adds what `c2c export` printed to the store: messages with the senders, times and read marks that they had, and the
entries of the shared state whose keys are not there yet. Sessions belong to processes and are not imported.

Messages get new ids, in their order; replies and threads stay together. Nobody is told of them; what was unread is
unread. What was imported before is recognised, and so is the store's own export, so the same file can be imported again. (A
store that has imported them exports them as its own.)";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
With --json: one object, on one line.
  imported, known  messages that are new, and messages that were imported before
  state, kept      entries that are new, and entries whose keys were there and stay as they are

Exit status:
  0  everything is in the store
  1  an error: a line is no export's, or the export was cut off; what stands before that is imported
  4  there is no such file
  5  no broker runs for this store and none could be started

Examples:
  c2c import c2c.jsonl
  CLAUDE_C2C_DB=/srv/other.db c2c export | c2c import -";

/// What can be said to `c2c import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What `c2c export` wrote; `-` for stdin
    file: PathBuf,
    /// Say nothing of how far it is
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Default)]
struct Done {
    imported: u64,
    known: u64,
    state: u64,
    kept: u64,
}

/// Imports.
pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<Exit> {
    let (input, length) = open(&args.file)?;
    let progress = Progress::new("importing", length, args.quiet || length == 0);
    let done = Import::into_store(progress).await?.all(input).await?;
    let Done { imported, known, state, kept } = done;
    let text = if args.json {
        json_text(&serde_json::json!({"imported": imported, "known": known, "state": state, "kept": kept}))
    } else {
        format!(
            "imported {imported} messages and {state} entries; {known} messages were imported before, {kept} keys were there"
        )
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(Exit::Done)
}

/// The lines, and how many bytes they are where that is known.
fn open(path: &Path) -> anyhow::Result<(Box<dyn BufRead>, u64)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), 0));
    }
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let hint = "name a file that `c2c export` wrote, or - for stdin";
            anyhow::Error::from(Error::not_found(format!("there is no file {}", path.display()), hint))
        }
        _ => anyhow::Error::from(error).context(format!("{} cannot be read", path.display())),
    })?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    Ok((Box::new(BufReader::new(file)), length))
}

/// An export under way.
struct Export {
    store_id: String,
    /// Lines of it that were read.
    lines: u64,
}

/// An import under way.
struct Import {
    /// For messages, which are nobody's here.
    onlooker: Link,
    /// For state, which is set by the person.
    person: Option<Link>,
    /// The export that is being read, from its first line to its last.
    export: Option<Export>,
    /// Exports that were read to their last line.
    complete: u64,
    waiting: Vec<ImportedMessage>,
    waiting_bytes: usize,
    waiting_receipts: usize,
    done: Done,
    progress: Progress,
}

const WHAT_TO_IMPORT: &str = "import what `c2c export` wrote, as it is";

/// Text in one call, at most: far below a frame.
const CALL_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Import {
    async fn into_store(progress: Progress) -> anyhow::Result<Self> {
        Ok(Self {
            onlooker: Link::look_on()?,
            person: None,
            export: None,
            complete: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            waiting_receipts: 0,
            done: Done::default(),
            progress,
        })
    }

    async fn all(mut self, input: Box<dyn BufRead>) -> anyhow::Result<Done> {
        let mut bytes = 0;
        for (index, line) in input.lines().enumerate() {
            let number = index + 1;
            let line = line.with_context(|| format!("line {number} cannot be read"))?;
            bytes += line.len() as u64 + 1;
            let taken = match record::parsed(&line) {
                Ok(record) => self.take(record).await,
                Err(Unreadable::Cut) => Err(cut_off().into()),
                Err(Unreadable::Other(why)) => Err(no_export(&why).into()),
            };
            if let Err(error) = taken {
                // What stands before it is complete by itself.
                self.flush().await?;
                return Err(error.context(format!("line {number}")));
            }
            self.progress.at(bytes);
        }
        self.flush().await?;
        match self.export {
            None if self.complete == 0 => {
                Err(Error::invalid("there is no export in it", WHAT_TO_IMPORT).into())
            }
            None => Ok(self.done),
            Some(_) => Err(cut_off().into()),
        }
    }

    async fn take(&mut self, record: Record) -> anyhow::Result<()> {
        let begins = matches!(record, Record::Export { .. });
        match &mut self.export {
            Some(_) if begins => {
                self.flush().await?;
                return Err(cut_off().into());
            }
            Some(export) => export.lines += 1,
            None if begins => {}
            None => return Err(no_export("it stands before the first line of an export").into()),
        }
        match record {
            Record::Export { store_id } => self.export = Some(Export { store_id, lines: 1 }),
            Record::End { lines } => {
                self.flush().await?;
                if self.export.take().is_none_or(|export| export.lines != lines) {
                    return Err(cut_off().into());
                }
                self.complete += 1;
            }
            Record::Session => {}
            Record::State { key, value, expires_at } => self.set(key, value, expires_at).await?,
            Record::Message(message) => {
                let receipts = message.receipts.len();
                if self.waiting.len() == IMPORT_MESSAGES_MAX
                    || self.waiting_bytes + message.body.len() > CALL_BYTES_MAX
                    || self.waiting_receipts + receipts > IMPORT_RECEIPTS_MAX
                {
                    self.flush().await?;
                }
                self.waiting_bytes += message.body.len();
                self.waiting_receipts += receipts;
                self.waiting.push(*message);
            }
        }
        Ok(())
    }

    /// Sends what waits.
    async fn flush(&mut self) -> anyhow::Result<()> {
        let store_id = self.export.as_ref().map(|export| export.store_id.clone());
        let Some(store_id) = store_id.filter(|_| !self.waiting.is_empty()) else { return Ok(()) };
        let messages = std::mem::take(&mut self.waiting);
        (self.waiting_bytes, self.waiting_receipts) = (0, 0);
        let answer = ask!(self.onlooker, Import(request::Import { store_id, messages }), Imported);
        self.done.imported += answer.imported;
        self.done.known += answer.known;
        Ok(())
    }

    /// Sets a key that is not there.
    async fn set(
        &mut self,
        state_key: String,
        value: String,
        expires_at: Option<Timestamp>,
    ) -> anyhow::Result<()> {
        // One that has expired meanwhile is not there any more, in either store.
        let left_ms = expires_at.map(|at| u64::try_from((at.0 - now().0) / 1_000).unwrap_or_default());
        if left_ms == Some(0) {
            return Ok(());
        }
        // That of all machines is where they have it.
        if is_global(&state_key) {
            self.done.kept += 1;
            return Ok(());
        }
        let person = match &self.person {
            Some(person) => person.clone(),
            None => {
                let (person, _name) = Link::take_part(None).await?;
                self.person.insert(person).clone()
            }
        };
        let set = SetState { state_key, value, if_version: Some(0), ttl_ms: left_ms, key: new_call_key() };
        match person.ask(Request::SetState(set)).await {
            Ok(_) => self.done.state += 1,
            Err(error) if error.code == ErrorCode::Conflict => self.done.kept += 1,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn no_export(why: &str) -> Error {
    Error::invalid(format!("it is no line of an export: {}", visible(why)), WHAT_TO_IMPORT)
}

fn cut_off() -> Error {
    Error::invalid(
        "lines are missing: the export was cut off; what is here of it is in the store",
        "export again, and import that: what is in the store already is recognised",
    )
}
