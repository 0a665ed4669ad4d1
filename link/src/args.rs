//! The words on the command line.

use clap::Parser;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  c2c link setup nats://localhost:4222 --node laptop     once: writes the settings, and runs this as a user service
  c2c-link                                               by hand, until it is ended

For the store X/c2c.db the settings are X/c2c.link.toml. The link starts no broker of its own accord but as any client does.

Environment:
  CLAUDE_C2C_DB  path of the store (default: ~/.claude/c2c.db); --store wins
  C2C_LOG        what goes to stderr: levels, also of single targets (default: info)

Exit status:
  0  asked to stop
  1  an error, which is on stderr: no settings, or another link of this store runs
  2  wrong usage";

/// The link of c2c: carries mail between the brokers of several machines.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "c2c-link", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The store's path [default: $CLAUDE_C2C_DB, else ~/.claude/c2c.db]
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,
}
