//! What can be typed after `c2c setup` and `c2c uninstall`, and what their `--help` says.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A server's name becomes part of each tool's name, which a client limits.
const NAME_MAX_CHARS: usize = 32;

/// The long help of `c2c setup`.
pub(crate) const SETUP: &str = "\
Installs c2c for Claude Code: the programs, the MCP server, the permissions for its tools, and the hooks.

It shows what it will change before it does, asks on a terminal, and at the end makes a real call. Lines of
yours in the files that it edits stay as they are, byte for byte. What it added is noted beside the store,
and `c2c uninstall` takes exactly that away again. Run again, it changes nothing that is as it should be.";

/// What follows the options of `c2c setup`.
pub(crate) const SETUP_AFTER: &str = "\
Which files:
  --scope user     ~/.claude/settings.json, and the MCP server for all of your projects
  --scope project  .claude/settings.json and .mcp.json of the folder you are in, for all who work on it
  --scope local    .claude/settings.local.json of the folder you are in, and the MCP server for it, for you

Exit status:
  0    it is installed, and a real call passes
  1    you said no, or nobody was there to be asked and --yes was not given, and nothing was changed; or
       something could not be done: what was done stays, and `c2c uninstall` takes it away
  3    a program that setup started did not end in time
  130  interrupted

Examples:
  c2c setup --dry-run         what would be changed
  c2c setup                   for all of your projects
  c2c setup --scope local     for the project you are in
  c2c setup --service --yes   with a broker that runs as long as you are logged in; without a question";

/// The long help of `c2c uninstall`.
pub(crate) const UNINSTALL: &str = "\
Takes away what `c2c setup` added, and nothing else.

A file that nobody changed since is byte for byte what it was before. Where you changed something, your
change stays, and what cannot be told from it is named. The store with all messages stays, unless --purge.";

/// What follows the options of `c2c uninstall`.
pub(crate) const UNINSTALL_AFTER: &str = "\
Exit status:
  0    nothing that setup added is left
  1    you said no, or nobody was there to be asked and --yes was not given, and nothing was changed; or
       something could not be taken away: it is named
  130  interrupted

Examples:
  c2c uninstall --dry-run      what would be taken away
  c2c uninstall                keep the store, in case you come back
  c2c uninstall --purge        the store too, after a question";

/// For whom something is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// All projects of the user
    User,
    /// All who work on the project
    Project,
    /// The user, in this project
    Local,
}

impl Scope {
    /// As `claude mcp add --scope` wants it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        }
    }
}

/// The options of `c2c setup`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct SetupArgs {
    /// For whom: all projects of yours, all who work on this one, or you in this one
    #[arg(
        long,
        value_enum,
        default_value = "user",
        hide_possible_values = true,
        value_name = "user|project|local"
    )]
    pub(crate) scope: Scope,
    /// The MCP server's name; its tools are mcp__NAME__…
    #[arg(long, default_value = "c2c", value_parser = server_name)]
    pub(crate) name: String,
    /// Where the programs go (default: ~/.local/bin, or where they are if that is on PATH)
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
    /// Without the hooks, which tell a session of its mail where its turns begin and end
    #[arg(long)]
    pub(crate) no_hooks: bool,
    /// Without the permissions: the client asks before each tool is used for the first time
    #[arg(long)]
    pub(crate) no_permissions: bool,
    /// Also add a few lines to CLAUDE.md that tell a session how to work with the others
    #[arg(long)]
    pub(crate) claude_md: bool,
    /// Also run the broker as a user service (systemd, launchd; on Windows a task at logon)
    #[arg(long)]
    pub(crate) service: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Only show what would be changed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The options of `c2c uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Also delete the store with all messages, its backups, settings and log; asks before
    #[arg(long)]
    pub(crate) purge: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Only show what would be taken away
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn server_name(name: &str) -> Result<String, String> {
    let fits = (1..=NAME_MAX_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let rule = format!("a name has 1 to {NAME_MAX_CHARS} of A-Z a-z 0-9 _ -");
    if fits { Ok(name.to_owned()) } else { Err(rule) }
}
