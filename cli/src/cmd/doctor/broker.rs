//! Whether a broker runs and answers; if none runs, whether one can be started, and how it does.

use super::report::{Check, Problem};
use crate::cmd::demo::broker::Broker;
use crate::control;
use crate::link::{Link, ask};
use crate::trouble::{self, Holder};
use c2c_proto::paths::StorePaths;
use c2c_proto::request;
use c2c_proto::response::Status;
use c2c_proto::{Error, ErrorCode};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A broker that runs answers at once; a very busy one within this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// So long it is looked again before a holder of the store that does not answer is called so.
const PATIENCE: Duration = Duration::from_secs(8);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What a broker's program writes into the lock file when it is there to restore.
const RESTORE: &str = "restore";
/// One that has to start first.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// The check named `lock`, and how the broker does if one answers. It is started if none runs.
pub(super) async fn reach(paths: &StorePaths) -> (Check, Option<Box<Status>>) {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = timeout(ANSWER_TIMEOUT, control::status(paths)).await;
        let (held, listens) = (held(paths), !matches!(answer, Ok(Ok(None))));
        match answer {
            Ok(Ok(Some(status))) => {
                let says = format!("process {} holds the store and answers", status.pid);
                return (Check::ok("lock", says), Some(status));
            }
            Ok(Ok(None)) if !held => return start(paths).await,
            // Whoever answers so is neither stopped nor hung.
            Ok(Err(error)) if !held || error.code != ErrorCode::BrokerUnreachable => {
                return (Check::of_error("lock", &error), None);
            }
            // It may be starting or ending.
            Ok(_) | Err(_) if Instant::now() < end => sleep(LOOK_EVERY).await,
            Ok(_) | Err(_) => return (silent(trouble::holder(&paths.lock).as_ref(), listens), None),
        }
    }
}

fn held(paths: &StorePaths) -> bool {
    Broker { paths: paths.clone() }.holds_lock().unwrap_or(false)
}

/// Somebody holds the store and does not answer, for as long as we had patience.
fn silent(holder: Option<&Holder>, listens: bool) -> Check {
    let (who, end) = match holder {
        None => ("a process".to_owned(), "end the process c2c-broker".to_owned()),
        Some(Holder { pid, version, mode }) => {
            let end =
                if cfg!(windows) { format!("taskkill /F /PID {pid}") } else { format!("kill -9 {pid}") };
            (format!("process {pid} ({mode}, version {version})"), end)
        }
    };
    let end = format!("{end} (nothing is lost, the next session starts another broker)");
    if holder.is_some_and(|holder| holder.mode == RESTORE) {
        let says = format!("a restore is under way: {who} holds the store meanwhile");
        return Check::warning("lock", says, "wait until `c2c restore` is done, then run `c2c doctor` again");
    }
    if !listens {
        let says = format!(
            "{who} holds the store and does not listen yet: it may be starting, which takes a while with a large \
             store that is recovered or brought to a new version"
        );
        let mend = format!("run `c2c doctor` again in a minute; if it says the same then: {end}");
        return Check::warning("lock", says, mend);
    }
    Check::failed("lock", format!("{who} holds the store and does not answer: it is stopped or hung"), end)
}

async fn start(paths: &StorePaths) -> (Check, Option<Box<Status>>) {
    let stale = cfg!(unix) && paths.address.as_path().exists();
    let before = trouble::last_start_failure(&paths.log);
    match timeout(START_TIMEOUT, started()).await {
        Ok(Ok(status)) => {
            let note = if stale { "; it left its socket behind, which does no harm" } else { "" };
            let says = format!("no broker ran{note}; one was started for this, process {}", status.pid);
            (Check::ok("lock", says), Some(status))
        }
        Ok(Err(error)) => (Check::of_error("lock", &error), None),
        Err(_) => {
            let why = trouble::last_start_failure(&paths.log).or(before);
            let why = why.unwrap_or_else(|| "it does not say why".to_owned());
            (Check::failed("lock", format!("no broker could be started: {why}"), "see `c2c log`"), None)
        }
    }
}

async fn started() -> Result<Box<Status>, Error> {
    let link = Link::look_on()?;
    Ok(ask!(link, Status(request::Status {}), Status))
}

/// How the broker that answers does.
pub(super) fn check(status: Option<&Status>) -> Check {
    let Some(status) = status else { return Check::skipped("broker", "no broker answers") };
    let own = env!("CARGO_PKG_VERSION");
    let mut problems = Vec::new();
    if status.version != own {
        problems.push(Problem::warning(
            format!("the broker is version {}, this c2c is {own}", status.version),
            "`c2c stop`; the next session starts the installed one",
        ));
    }
    if let Some(last) = status.last_errors.last() {
        let says = format!("it met {} errors, the last: {last}", status.last_errors.len());
        problems.push(Problem::warning(says, "see `c2c log`; they are forgotten with `c2c stop`"));
    }
    let life = if status.service { "runs as a service" } else { "was started by a session or a command" };
    let fine = format!("version {own}, {life}, durability {}", status.durability);
    Check::of("broker", problems, fine)
}

#[cfg(test)]
mod tests {
    use super::silent;
    use crate::cmd::doctor::report::Standing;
    use crate::trouble::Holder;

    #[test]
    fn only_one_that_listens_and_does_not_answer_is_hung() {
        let holder = |mode: &str| Holder { pid: 7, version: "0.2.0".to_owned(), mode: mode.to_owned() };
        for (mode, listens, standing, says) in [
            ("restore", false, Standing::Warning, "a restore is under way: process 7"),
            (
                "on demand",
                false,
                Standing::Warning,
                "process 7 (on demand, version 0.2.0) holds the store and does not listen",
            ),
            (
                "service",
                true,
                Standing::Failed,
                "process 7 (service, version 0.2.0) holds the store and does not answer",
            ),
        ] {
            let check = silent(Some(&holder(mode)), listens);
            assert!(check.is(standing, says), "{check:?}");
        }
        assert!(silent(None, true).is(Standing::Failed, "a process holds the store"));
    }
}
