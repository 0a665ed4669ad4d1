//! The words on the command line. What follows from them is `process.rs`'s and `server.rs`'s business.

use crate::platform::Standing;
use c2c_proto::error::Error;
use c2c_proto::paths::StorePaths;
use clap::Parser;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  c2c-broker                      run in the foreground on the usual store
  c2c-broker --store /srv/t.db    the same on another store
  c2c-broker --service            what a systemd or launchd unit runs

You rarely need any of them: a client session starts a broker when none runs.

Everything lies beside the store: for X/c2c.db the settings are X/c2c.toml; the socket, the lock and the log
broker.log are in X/c2c.run/.

Environment:
  CLAUDE_C2C_DB  path of the store (default: ~/.claude/c2c.db); --store wins
  C2C_LOG        what goes into the log: levels, also of single targets (\"info,c2c_broker=debug\"; default: info);
                 with the word \"json\" among them each line is a JSON object

Exit status:
  0   asked to stop, idle for long enough, or another broker already runs on this store
  1   an error, which is on stderr
  2   wrong usage
  75  the store failed: start it again, what is on disk counts";

/// The broker of c2c: keeps the mail between the client sessions of one user.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "c2c-broker", version, after_help = AFTER_HELP)]
pub struct Args {
    /// The store's path [default: $CLAUDE_C2C_DB, else ~/.claude/c2c.db]
    #[arg(long, value_name = "PATH")]
    pub store: Option<PathBuf>,

    /// Leave the terminal, and exit after some time without connections (how a session starts it)
    #[arg(long, conflicts_with = "service")]
    pub on_demand: bool,

    /// Print one JSON line on stdout once ready or not, then close stdout
    #[arg(long)]
    pub ready_stdout: bool,

    /// Put a backup into the place of the store, which is moved aside, and exit (what `c2c restore` runs)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["service", "on_demand"])]
    pub restore: Option<PathBuf>,

    /// Stay for good, tell a service manager when ready, and take over from a broker that a session started
    #[arg(long)]
    pub service: bool,
}

/// What kind of broker this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Started by hand: stays until it is asked to stop.
    Foreground,
    /// Started by a session: exits when nobody needs it.
    OnDemand,
    /// Started by a service manager: stays, and does not make room for another.
    Service,
    /// Puts a backup into the place of the store, and exits.
    Restore,
}

impl Mode {
    /// The word in messages and in the lock file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "in the foreground",
            Self::OnDemand => "on demand",
            Self::Service => "service",
            Self::Restore => "restore",
        }
    }

    /// How this kind stands to its starter.
    #[must_use]
    pub const fn standing(self) -> Standing {
        match self {
            Self::OnDemand => Standing::Detached,
            Self::Foreground | Self::Service | Self::Restore => Standing::Attached,
        }
    }
}

impl Args {
    /// What kind of broker is asked for.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match (self.service, self.on_demand) {
            (true, _) => Mode::Service,
            (false, true) => Mode::OnDemand,
            (false, false) => Mode::Foreground,
        }
    }

    /// Everything that follows from the store's path. A relative `--store` is taken from the present folder, so this
    /// comes before the process leaves it.
    ///
    /// # Errors
    /// When there is no home to derive the path from, or the path is not usable.
    pub fn paths(&self) -> Result<StorePaths, Error> {
        let Some(store) = &self.store else { return StorePaths::from_env() };
        let absolute = std::path::absolute(store).map_err(|error| {
            Error::invalid(
                format!("--store {} is no usable path: {error}", store.display()),
                "give an absolute path of a file",
            )
        })?;
        StorePaths::of_store(&absolute)
    }
}
