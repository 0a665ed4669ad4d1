//! `c2c stop`: asks the broker to finish and exit. It never starts one only to stop it.

use crate::control;
use crate::exit::Exit;
use crate::text::visible;
use c2c_proto::paths::StorePaths;
use c2c_proto::response::Status;
use clap::Args;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Asks the broker of your store to finish what is under way and exit, however it was started.

Nothing is lost by that: what was answered is on disk, calls and waits of sessions go on with the next broker.
Sessions that are connected start another one at once; a service manager may do so too.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
Exit status:
  0  it was asked to stop (with --wait: it is gone), or none runs
  1  an error: it cannot be reached safely, or does not answer
  3  with --wait: it is still there after 10 seconds

Example:
  c2c stop --wait";

/// How long `--wait` waits. A broker promises to be gone within 2 s.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks. The end of another process is no event that can be waited for everywhere.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What can be said to `c2c stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Return when it is gone
    #[arg(long)]
    wait: bool,
}

/// Ask the broker to finish and exit.
pub(crate) async fn run(args: StopArgs) -> anyhow::Result<Exit> {
    let paths = StorePaths::from_env()?;
    let Some(status) = control::status(&paths).await? else { return none_runs(&paths) };
    if control::stop(&paths).await?.is_none() {
        return none_runs(&paths);
    }
    if args.wait && timeout(GONE_WITHIN, gone(&paths, status.pid)).await.is_err() {
        let text = format!(
            "c2c: the broker, process {}, is still there after {} seconds\n     end that process; nothing is lost\n",
            status.pid,
            GONE_WITHIN.as_secs()
        );
        io::stderr().write_all(text.as_bytes())?;
        return Ok(Exit::TimedOut);
    }
    io::stdout().write_all(told(&status, args.wait).as_bytes())?;
    Ok(Exit::Done)
}

fn none_runs(paths: &StorePaths) -> anyhow::Result<Exit> {
    writeln!(io::stdout(), "no broker runs for {}", visible(&paths.store.display().to_string()))?;
    Ok(Exit::Done)
}

/// Ends when nobody holds the store any more, or another broker does.
async fn gone(paths: &StorePaths, pid: u32) {
    loop {
        match control::status(paths).await {
            Ok(None) if is_free(paths) => return,
            Ok(Some(status)) if status.pid != pid => return,
            // One that is ending may break the connection: that is not yet its end.
            Ok(_) | Err(_) => sleep(LOOK_EVERY).await,
        }
    }
}

/// Whether the broker's lock is: it is held to the very end of its process, longer than it listens.
fn is_free(paths: &StorePaths) -> bool {
    match File::open(&paths.lock) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn told(status: &Status, gone: bool) -> String {
    let did = if gone { "stopped" } else { "was asked to stop" };
    let mut text = format!("the broker, process {}, {did}\n", status.pid);
    match status.sessions_online {
        0 => {}
        1 => text.push_str("1 session is connected and starts another one at once\n"),
        online => text.push_str(&format!("{online} sessions are connected and start another one at once\n")),
    }
    text
}
