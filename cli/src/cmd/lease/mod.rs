//! `c2c lease`: an entry of the shared state that one holder at a time sets, until it is released or expires.

mod ending;
mod hold;
mod run;

use super::state::for_a_person;
use crate::acting;
use crate::exit::Exit;
use crate::print::{self, json_text};
use crate::text::visible;
use c2c_proto::id::Version;
use c2c_proto::limits::{STATE_TTL_MAX_S, WAIT_MAX_S};
use c2c_proto::response::StateSet;
use clap::{Args, Subcommand};
use hold::{Held, Terms};
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Holds a lease: a key of the shared state that only one holder at a time can have, until it is released or expires.

A session takes the same lease with set_state(key, value, if_version=0, ttl_s). Its version is the fencing token:
a later holder's is always higher, so whatever is protected can refuse a lower one than it has seen. A renewal gives
the lease a new version too.

`run` takes a lease, runs a command, renews the lease while the command runs, and releases it at its end. If the lease
is lost, because somebody changed the key or it could not be renewed in time, the command is ended; a change
by somebody else is noticed at the next renewal, a third of --ttl later at most.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
The key's value is {\"holder\": NAME}, and from `run` also \"pid\", the process of c2c. The command that `run` starts has
C2C_LEASE_KEY and C2C_LEASE_VERSION (the version at taking) in its environment; Ctrl-C and requests to terminate end it
with a request to terminate, and after 5 seconds by force. If the lease cannot be renewed it is asked so early that it is
over when the lease expires. Where there is no terminal all of its process group is meant, else the command alone.

`take` and `renew` print the version. With --json: key, version, holder, expires_at.

Exit status:
  0    done
  1    an error; the lease is held by somebody else, or lost
  2    wrong usage
  3    with --wait: the time ran out
  5    no broker runs for this store and none could be started
  130  interrupted
  `run` ends with the status of the command (128 and the signal's number, if a signal ended it).

Examples:
  c2c lease run deploy --wait 600 -- ./deploy.sh
  token=$(c2c lease take db --ttl 120) && ./migrate.sh; c2c lease release db --version \"$token\"";

/// How long a lease lives that is not renewed, in seconds, if nothing else is said.
const TTL_S: u64 = 60;

/// What can be said to `c2c lease`.
#[derive(Debug, Args)]
pub(crate) struct LeaseArgs {
    #[command(subcommand)]
    what: What,
    /// Hold it under this name instead of your own
    #[arg(long = "as", value_name = "NAME", global = true)]
    as_name: Option<String>,
    /// Print JSON objects
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Take a lease, and print its version
    #[command(after_help = AFTER)]
    Take(TakeArgs),
    /// Make a lease that you hold live longer, and print its new version
    #[command(after_help = AFTER)]
    Renew {
        /// Which key
        key: String,
        /// The lease's present version
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
        version: Version,
        /// It expires after this many seconds from now on
        #[arg(long, value_name = "S", default_value_t = TTL_S, value_parser = clap::value_parser!(u64).range(1..=STATE_TTL_MAX_S))]
        ttl: u64,
    },
    /// Give a lease back
    #[command(after_help = AFTER)]
    Release {
        /// Which key
        key: String,
        /// The lease's present version
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
        version: Version,
    },
    /// Run a command while holding a lease
    #[command(after_help = AFTER)]
    Run {
        #[command(flatten)]
        take: TakeArgs,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

/// What can be said of taking a lease.
#[derive(Debug, Args)]
struct TakeArgs {
    /// Which key
    key: String,
    /// It expires after this many seconds, unless it is renewed
    #[arg(long, value_name = "S", default_value_t = TTL_S, value_parser = clap::value_parser!(u64).range(1..=STATE_TTL_MAX_S))]
    ttl: u64,
    /// Wait so many seconds for it, if somebody else holds it
    #[arg(long, value_name = "S", default_value_t = 0, hide_default_value = true,
          value_parser = clap::value_parser!(u64).range(0..=WAIT_MAX_S))]
    wait: u64,
}

/// Hold a lease in the shared state.
pub(crate) async fn run(args: LeaseArgs) -> anyhow::Result<Exit> {
    let LeaseArgs { what, as_name, json } = args;
    let (link, holder) = acting::take_part(as_name.as_deref()).await?;
    match what {
        What::Take(args) => {
            let terms = terms(&args, &json!({"holder": holder}));
            match hold::take(&link, &terms, Duration::from_secs(args.wait)).await? {
                Ok((set, _)) => tell(&set, json),
                Err(held) => refuse(&args, &held),
            }
        }
        What::Renew { key, version, ttl } => {
            let terms = Terms::new(key, ttl, &json!({"holder": holder}));
            let set = hold::renew(&link, &terms, version, c2c_proto::id::new_call_key()).await;
            tell(&set.map_err(for_a_person)?, json)
        }
        What::Release { key, version } => {
            hold::release(&link, &key, version).await.map_err(for_a_person)?;
            if json {
                print::json(&json!({"key": key, "version": version, "released": true}))?;
            }
            Ok(Exit::Done)
        }
        What::Run { take, command } => {
            let value = json!({"holder": holder, "pid": std::process::id()});
            let terms = terms(&take, &value);
            match hold::take(&link, &terms, Duration::from_secs(take.wait)).await? {
                Ok((set, since)) => run::run(&link, &terms, (set.version, since), &command).await,
                Err(held) => refuse(&take, &held),
            }
        }
    }
}

fn terms(args: &TakeArgs, value: &serde_json::Value) -> Terms {
    Terms::new(args.key.clone(), args.ttl, value)
}

fn tell(set: &StateSet, json: bool) -> anyhow::Result<Exit> {
    let text = if json {
        json_text(&json!({
            "key": set.state_key,
            "version": set.version,
            "holder": set.updated_by,
            "expires_at": set.expires_at.map(|at| at.to_string()),
        }))
    } else {
        set.version.to_string()
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(Exit::Done)
}

/// Somebody else has it.
fn refuse(args: &TakeArgs, held: &Held) -> anyhow::Result<Exit> {
    let waited = if args.wait > 0 { format!(" after {} seconds", args.wait) } else { String::new() };
    let hint = if args.wait > 0 {
        "it was not taken; wait longer, or ask the holder to release it"
    } else {
        "it was not taken; --wait SECONDS waits for it"
    };
    let text = format!("c2c: {}{waited}\n     {hint}\n", visible(&held.to_string()));
    io::stderr().write_all(text.as_bytes())?;
    Ok(if args.wait > 0 { Exit::TimedOut } else { Exit::Error })
}
