//! `c2c prune`: deletes what is old and done with, once the person has seen how much that is.

use super::setup::ask::allowed;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::json_text;
use crate::progress;
use c2c_proto::id::new_call_key;
use c2c_proto::limits::PRUNE_DAYS_MAX;
use c2c_proto::request::{Prune, PruneDryRun};
use c2c_proto::response::Pruned;
use clap::Args;
use serde_json::json;
use std::io::{self, IsTerminal, Write};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Deletes what is older than a number of days and done with: messages that all recipients have read, broadcasts,
sessions that are long gone, and entries of the state that have expired.

Mail to a name that nobody has read is never deleted, however old. On a terminal it says first what would be
deleted, and asks.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
With --json: one object, on one line.
  dry_run            true: nothing was deleted
  messages_deleted   messages
  sessions_deleted   sessions
  state_deleted      expired entries of the state

Exit status:
  0  done, or you said no
  1  an error
  2  wrong usage: nobody is there to be asked, and neither --yes nor --dry-run was given
  5  no broker runs for this store and none could be started

Examples:
  c2c prune --dry-run
  c2c prune --older-than 90 --yes";

/// What can be said to `c2c prune`.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Only what is older than this many days
    #[arg(long, value_name = "DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(PRUNE_DAYS_MAX)))]
    older_than: u32,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Say nothing of how far it is
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete what is old and done with.
pub(crate) async fn run(args: PruneArgs) -> anyhow::Result<Exit> {
    let somebody_is_there = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !(args.dry_run || args.yes || somebody_is_there) {
        let text = "c2c: nobody is here to be asked, and nothing was deleted\n     \
                    add --yes if that is meant, or --dry-run to see what would be deleted\n";
        io::stderr().write_all(text.as_bytes())?;
        return Ok(Exit::Usage);
    }
    let older_than_days = args.older_than;
    if args.dry_run || !args.yes {
        let link = Link::look_on()?;
        let would = progress::during("counting", args.quiet, count(&link, older_than_days)).await?;
        if args.dry_run {
            return tell(&args, &would);
        }
        let question = format!("{}\nDelete that?", counted("would be deleted", &would));
        if !allowed(false, &question)? {
            return Ok(Exit::Done);
        }
    }
    let (link, _name) = Link::take_part(None).await?;
    let pruned = progress::during("deleting", args.quiet, prune(&link, older_than_days)).await?;
    tell(&args, &pruned)
}

async fn count(link: &Link, older_than_days: u32) -> anyhow::Result<Pruned> {
    Ok(ask!(link, PruneDryRun(PruneDryRun { older_than_days }), Pruned))
}

async fn prune(link: &Link, older_than_days: u32) -> anyhow::Result<Pruned> {
    Ok(ask!(link, Prune(Prune { older_than_days, key: new_call_key() }), Pruned))
}

fn tell(args: &PruneArgs, pruned: &Pruned) -> anyhow::Result<Exit> {
    let text = if args.json {
        let Pruned { messages_deleted, sessions_deleted, state_deleted } = pruned;
        json_text(&json!({
            "dry_run": args.dry_run,
            "messages_deleted": messages_deleted,
            "sessions_deleted": sessions_deleted,
            "state_deleted": state_deleted,
        }))
    } else {
        counted(if args.dry_run { "would be deleted" } else { "deleted" }, pruned)
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(Exit::Done)
}

fn counted(did: &str, pruned: &Pruned) -> String {
    let Pruned { messages_deleted, sessions_deleted, state_deleted } = pruned;
    format!(
        "{did}: {messages_deleted} messages, {sessions_deleted} sessions, {state_deleted} expired entries"
    )
}
