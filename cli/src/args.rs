//! What can be typed after `c2c`, and what `--help` says. It knows nothing of what the commands do.

use crate::cmd::setup_args::{self, SetupArgs, UninstallArgs};
use crate::cmd::{
    ask, backup, completions, doctor, export, import, inbox, lease, link, log, man, metrics, prune, read,
    restore, search, send, sessions, show, state, stop, tail, top, wait,
};
use clap::{Parser, Subcommand};

const EXIT_STATUSES: &str = "\
Exit status:
  0    done
  1    an error
  2    wrong usage
  3    the time ran out
  4    what was asked for does not exist
  5    no broker runs for this store, and none could be started
  130  interrupted

Environment:
  CLAUDE_C2C_DB  the store (default: ~/.claude/c2c.db); everything else lies beside it
  NO_COLOR       no colour, also on a terminal

Examples:
  c2c demo                                          see what c2c does, in a folder of its own
  c2c setup                                         install it for Claude Code
  c2c sessions                                      who is there
  c2c send api \"is the schema final?\" --wait       write to a session and wait for its answer
  c2c inbox                                         your own mail
  c2c tail -f                                       all messages as they come; `c2c top` for a live view
  c2c doctor                                        why does a session get no mail";

const DEMO: &str = "\
Plays a working day of three coding sessions in a temporary folder and prints it as a time line.

It starts what real sessions start: three c2c-shim processes that speak MCP on their stdin and stdout. It
lets them hand work over, wait, ask, take a lease and broadcast, and in the middle it kills the broker with
SIGKILL. Each result is checked; the list of the checks comes last.

Nothing outside of the temporary folder is read or written, your own store least of all. Everything that was
started is ended again, also after Ctrl-C. It takes a few seconds.";

const DEMO_AFTER: &str = "\
Exit status:
  0    every check holds
  1    a check failed, or the demonstration could not be played
  3    c2c did not answer in time
  130  interrupted

Example:
  c2c demo | less";

const HOOK: &str = "\
Tells the model of a Claude Code session who it is, who is there, and which mail came. Claude Code runs it
at the session's turning points; `c2c setup` or the plugin enter it in its settings.

It reads the hook's JSON on stdin and finds its session by CLAUDE_PID, the client's process. What one hook or
nudge has announced, no other announces again.";

const HOOK_AFTER: &str = "\
Events:
  session-start       the session's name, who is online, the unread mail
  user-prompt-submit  mail that has not been announced
  stop                the same; it prolongs the turn, once
  session-end         nothing
  rewake              waits until there is mail to announce, tells it on stderr and ends with 2: for clients
                      that have no inbox socket

Exit status:
  0  always, also when something fails: the reason is in hooks.log beside the broker's log
  2  only rewake: the session is to be woken

Example:
  echo '{\"session_id\": \"s\"}' | CLAUDE_PID=4711 c2c hook session-start";

const STATUS: &str = "\
Says whether a broker runs for your store, and how it does.

None is started for this: the broker starts by itself with the first session that needs it, and ends by
itself some time after the last one.";

const STATUS_AFTER: &str = "\
With --json: one object, on one line. Keys are added over time, never renamed.
  version            the broker's version
  protocol           version of the protocol between the broker and this program
  pid                its process id
  uptime_s           seconds since it started
  epoch              how many times a broker has opened this store
  service            true: it runs as a service; false: a session started it
  store, store_id    the store's path and id
  store_bytes        size of the store with its write-ahead log
  durability         \"full\": an answered send survives a power cut; \"normal\": it survives a crash of c2c
  connections        open connections, this one included
  sessions_online    sessions that are connected
  waits              calls that are blocked until something arrives
  messages, unread   messages in the store, deliveries that nobody has marked read
  commits            transactions since it started
  commit_p50_us      duration of the latest commits in microseconds: median
  commit_p99_us      and 99th percentile
  last_errors        the latest errors, oldest first
  push               how each connected session is told of mail: name, choice (C2C_PUSH or the configuration),
                     way (socket, channel or hooks), last (at, outcome) or null
  metrics            what `c2c metrics` prints, each: name, unit (\"\", \"bytes\" or \"us\", microseconds), labels,
                     type (counter, gauge or histogram), and value, or for a histogram: buckets (up_to, and the
                     count of those within), count and sum

Exit status:
  0  a broker runs
  1  an error: it cannot be reached safely, or does not answer
  5  no broker runs for this store

Examples:
  c2c status
  c2c status --json | jq -r .store";

/// Messages between coding sessions on this machine, and on others that it is linked with.
///
/// Sessions talk to c2c through their MCP server `c2c-shim`; this program is for the person who runs them, and who
/// takes part under a name of their own, `user-<login>`.
#[derive(Debug, Parser)]
#[command(name = "c2c", version, after_help = EXIT_STATUSES, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One variant for each file in `cmd/`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the sessions
    #[command(long_about = sessions::ABOUT)]
    Sessions(sessions::SessionsArgs),
    /// Send a message
    #[command(long_about = send::ABOUT)]
    Send(send::SendArgs),
    /// Ask sessions a question and wait for their answers
    #[command(long_about = ask::ABOUT)]
    Ask(ask::AskArgs),
    /// List your mail, or that of a session
    #[command(long_about = inbox::ABOUT)]
    Inbox(inbox::InboxArgs),
    /// Show one message whole, with its receipts and its thread
    #[command(long_about = show::ABOUT)]
    Show(show::ShowArgs),
    /// Mark messages of your mailbox read
    #[command(long_about = read::ABOUT)]
    Read(read::ReadArgs),
    /// Wait for mail
    #[command(long_about = wait::ABOUT)]
    Wait(wait::WaitArgs),
    /// Search the bodies of all messages
    #[command(long_about = search::ABOUT)]
    Search(search::SearchArgs),
    /// Show the messages of all sessions as they come
    #[command(long_about = tail::ABOUT)]
    Tail(tail::TailArgs),
    /// Watch sessions and messages live
    #[command(long_about = top::ABOUT)]
    Top(top::TopArgs),
    /// Read and change the shared state
    #[command(long_about = state::ABOUT, after_help = state::AFTER)]
    State(state::StateArgs),
    /// Hold a lease in the shared state
    #[command(long_about = lease::ABOUT, after_help = lease::AFTER)]
    Lease(lease::LeaseArgs),
    /// Write to sessions on other machines, and hear from them
    #[command(long_about = link::ABOUT, after_help = link::AFTER)]
    Link(link::LinkArgs),
    /// Say whether a broker runs, and how it does
    #[command(long_about = STATUS, after_help = STATUS_AFTER)]
    Status {
        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Find out what keeps c2c from working, and what mends it
    #[command(long_about = doctor::ABOUT)]
    Doctor(doctor::DoctorArgs),
    /// Show the broker's log
    #[command(long_about = log::ABOUT, after_help = log::AFTER)]
    Log(log::LogArgs),
    /// Print the broker's counters and durations as OpenMetrics text
    #[command(long_about = metrics::ABOUT, after_help = metrics::AFTER)]
    Metrics(metrics::MetricsArgs),
    /// Ask the broker to finish and exit
    #[command(long_about = stop::ABOUT, after_help = stop::AFTER)]
    Stop(stop::StopArgs),
    /// Copy the store into a file, while it is in use
    #[command(long_about = backup::ABOUT, after_help = backup::AFTER)]
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the store
    #[command(long_about = restore::RESTORE)]
    Restore(restore::RestoreArgs),
    /// Print all messages, sessions and state as JSON lines
    #[command(long_about = export::ABOUT, after_help = export::AFTER)]
    Export(export::ExportArgs),
    /// Add the messages and state of an export to the store
    #[command(long_about = import::ABOUT, after_help = import::AFTER)]
    Import(import::ImportArgs),
    /// Delete what is old and done with
    #[command(long_about = prune::ABOUT, after_help = prune::AFTER)]
    Prune(prune::PruneArgs),
    /// Install c2c for Claude Code
    #[command(long_about = setup_args::SETUP, after_help = setup_args::SETUP_AFTER)]
    Setup(SetupArgs),
    /// Take away what `c2c setup` added
    #[command(long_about = setup_args::UNINSTALL, after_help = setup_args::UNINSTALL_AFTER)]
    Uninstall(UninstallArgs),
    /// Show what c2c does, with real sessions in a temporary folder
    #[command(long_about = DEMO, after_help = DEMO_AFTER)]
    Demo,
    /// Print the completions for a shell
    #[command(long_about = completions::ABOUT, after_help = completions::AFTER)]
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    #[command(long_about = man::ABOUT, after_help = man::AFTER)]
    Man(man::ManArgs),
    /// Tell Claude Code's model of mail; run by its hooks, not by hand
    #[command(long_about = HOOK, after_help = HOOK_AFTER)]
    Hook {
        /// The hook: session-start, user-prompt-submit, stop, session-end or rewake
        // Anything is taken: a wrong word must not stop the client, as the status for wrong usage would.
        #[arg(value_name = "EVENT", num_args = 0.., trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// The arguments of this process.
pub(crate) fn parse() -> Result<Args, clap::Error> {
    Args::try_parse()
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn help_says_what_each_command_does_and_how_it_ends() {
        let mut command = Args::command();
        command.build();
        insta::assert_snapshot!("help", command.render_long_help());
        for subcommand in command.get_subcommands_mut() {
            let name = subcommand.get_name().to_owned();
            insta::assert_snapshot!(format!("help_{name}"), subcommand.render_long_help());
            for inner in subcommand.get_subcommands_mut() {
                let help = inner.render_long_help().to_string();
                let whole = help.contains("Exit status:") && help.contains("Examples:");
                assert!(whole, "c2c {name} {}: {help}", inner.get_name());
            }
        }
    }
}
