//! `c2c doctor`: looks at everything that has to be right for mail to arrive, and says what mends what is not.
//!
//! It decides the order of the checks and which ones rest on others. What each looks at is in a file of its own; none
//! of them changes anything of the user's, but for a broker that is started if none runs.

mod broker;
mod client;
mod config;
mod disk;
mod folders;
mod link;
#[cfg_attr(unix, path = "modes_unix.rs")]
#[cfg_attr(not(unix), path = "modes_other.rs")]
mod modes;
mod programs;
mod registered;
mod report;
mod round_trip;
mod service;
mod sessions;
mod store;
mod stores;

use crate::cmd::demo::interrupt;
use crate::cmd::setup::places::Places;
use crate::cmd::setup::service::Daemon;
use crate::exit::Exit;
use clap::Args;
use registered::Registered;
use report::Check;
use round_trip::Stage;

/// What `c2c doctor --help` begins with.
pub(crate) const ABOUT: &str = "\
Finds out why a session gets no mail: it looks at the programs, the store, the broker, the service, Claude
Code's configuration and the sessions, and sends a message between two real shims in a temporary folder.

Each check is one line: ok, warning, failed or skipped, and for a warning or failure what mends it. Nothing
of yours is changed; if no broker runs for your store, one is started to look at it.";

/// What comes after the options.
const AFTER: &str = "\
With --json: one object, on one line.
  checks             each with name, status (\"ok\", \"warning\", \"failed\" or \"skipped\"), says, and mend or null
  failed, warnings   how many there are of each

Names of the checks; they do not change:
  programs, path, folders, file_system, free_space, lock, broker, config, store, clock, service,
  registration, hooks, environment, other_stores, sessions, link, link_service, round_trip

Exit status:
  0    nothing failed; there may be warnings
  1    a check failed
  130  interrupted

Examples:
  c2c doctor
  c2c doctor --quiet
  c2c doctor --json | jq -r '.checks[] | select(.status == \"failed\") | .mend'";

/// What can be said to `c2c doctor`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Print only what is not ok, and nothing of how far it is
    #[arg(long)]
    quiet: bool,
}

/// Find out what keeps c2c from working, and what mends it.
pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<Exit> {
    let mut stage = Stage::default();
    let examined = tokio::select! {
        checks = examine(&mut stage, args.quiet) => Some(checks),
        asked = interrupt::requested() => {
            asked?;
            None
        }
    };
    // What was started for a check is ended whichever way it went.
    let ended = stage.end().await;
    match examined {
        Some(checks) => {
            let mut checks = checks?;
            if let Err(error) = ended {
                checks.push(Check::warning(
                    "round_trip",
                    format!("what it started was not all ended and removed: {error:#}"),
                    "run `c2c doctor` again",
                ));
            }
            report::print(&checks, args.json, args.quiet)
        }
        None => Ok(Exit::Interrupted),
    }
}

async fn examine(stage: &mut Stage, quiet: bool) -> anyhow::Result<Vec<Check>> {
    let places = Places::find()?;
    let paths = &places.store;
    let registered = Registered::read(&places);
    let mut checks = vec![programs::check(&registered).await, programs::path()];
    checks.push(folders::check(paths));
    checks.extend([disk::kind(paths), disk::space(paths)]);
    let (lock, reached) = broker::reach(paths).await;
    checks.push(lock);
    checks.push(broker::check(reached.as_deref()));
    checks.push(config::check(stage, paths).await);
    checks.extend(store::check(reached.is_some(), quiet).await);
    checks.push(service::check(&places, Daemon::Broker).await);
    checks.extend(client::check(&places, &registered));
    checks.push(stores::check(paths));
    checks.push(sessions::check(paths, reached.is_some()).await);
    checks.push(link::check(paths, reached.is_some()).await);
    checks.push(service::check(&places, Daemon::Link).await);
    checks.push(round_trip::check(stage).await);
    Ok(checks)
}
