//! `c2c state`: the shared state, read and changed by a person.

mod change;
mod look;
mod watch;

use crate::exit::Exit;
use c2c_proto::id::Version;
use c2c_proto::limits::{STATE_TTL_MAX_S, WAIT_MAX_S};
use clap::{Args, Subcommand};

pub(super) use change::for_a_person;

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Reads and changes the shared state: keys with JSON values, which all sessions see.

Each change gives the entry a new version, higher than any before in this store. With --if-version a change is
made only if nobody else made one since that version was read.

VALUE is JSON if it can be read as JSON, else it is taken as a text: 12 is a number, hello a text, '\"12\"' a text too.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
`get` prints the value as JSON on one line, a text with its quotes (jq -r takes them away). `watch` prints the entry,
if there is one, and each version that it gets from then on; versions that follow each other at once may be
left out, the last never is. With --json an entry is an object on one line, `ls` prints all as {\"entries\": [...]}.
  key          the key
  value        the value; null where `ls` leaves out a long one, or, in a watch, if the entry is gone
  value_chars  length of the value's JSON in characters
  version      its version; null in a watch if the entry is gone
  updated_at   when it was set, by whom (updated_by), and when it expires (expires_at) or null
`set --json` prints key, version, updated_at, updated_by and expires_at; `rm --json` prints key and deleted.

Exit status:
  0    done
  1    an error, or another version is there than --if-version says
  2    wrong usage
  3    `watch`: the time ran out
  4    there is no such entry
  5    no broker runs for this store and none could be started
  130  interrupted

Examples:
  c2c state set build/status '{\"green\": true}'
  c2c state get build/status | jq .green
  echo 'see the log' | c2c state set note -
  c2c state set deploy freeze --ttl 3600 --if-version 0    only if it is absent, for an hour
  c2c state ls build/
  c2c state watch build/status --json --timeout 600";

/// What can be said to `c2c state`.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    what: What,
    /// Set and remove under this name instead of your own; reading needs none
    #[arg(long = "as", value_name = "NAME", global = true)]
    as_name: Option<String>,
    /// Print JSON objects
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the value of one key
    #[command(after_help = AFTER)]
    Get {
        /// Which key
        key: String,
    },
    /// Set a key
    #[command(after_help = AFTER)]
    Set(SetArgs),
    /// Remove a key
    #[command(after_help = AFTER)]
    Rm {
        /// Which key
        key: String,
        /// Only if this is the present version
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
        if_version: Option<Version>,
    },
    /// List the keys that begin with a prefix
    #[command(after_help = AFTER)]
    Ls {
        /// Plain characters; left out: all keys
        #[arg(default_value = "", hide_default_value = true)]
        prefix: String,
    },
    /// Print each version of a key as it comes
    #[command(after_help = AFTER)]
    Watch(WatchArgs),
}

/// What can be said to `c2c state set`.
#[derive(Debug, Args)]
struct SetArgs {
    /// Which key
    key: String,
    /// The value: JSON, or else a text; - reads it from stdin, without its final line break
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// Only if this is the present version; 0: only if the key is absent or expired
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    if_version: Option<Version>,
    /// The entry expires after this many seconds; left out: never
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=STATE_TTL_MAX_S))]
    ttl: Option<u64>,
}

/// What can be said to `c2c state watch`.
#[derive(Debug, Args)]
struct WatchArgs {
    /// Which key
    key: String,
    /// Begin with what is newer than this version
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    newer_than: Version,
    /// End after this many seconds; left out: never
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=WAIT_MAX_S))]
    timeout: Option<u64>,
}

/// Read and change the shared state.
pub(crate) async fn run(args: StateArgs) -> anyhow::Result<Exit> {
    let StateArgs { what, as_name, json } = args;
    match what {
        What::Get { key } => look::get(&key, json).await,
        What::Ls { prefix } => look::list(&prefix, json).await,
        What::Watch(args) => watch::watch(args, json).await,
        What::Set(args) => change::set(args, as_name.as_deref(), json).await,
        What::Rm { key, if_version } => change::remove(key, if_version, as_name.as_deref(), json).await,
    }
}
