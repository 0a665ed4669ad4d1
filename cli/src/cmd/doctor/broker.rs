//! Whether a broker runs and answers; if none runs, whether one can be started, and how it does.

use super::report::{Check, Problem};
use crate::cmd::demo::broker::Broker;
use crate::control;
use crate::link::{Link, strange};
use crate::trouble;
use c2c_proto::Error;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{self, Request};
use c2c_proto::response::{Response, Status};
use std::time::Duration;
use tokio::time::timeout;

/// A broker that runs answers at once; a very busy one within this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// One that has to start first.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// The check named `lock`, and how the broker does if one answers. It is started if none runs.
pub(super) async fn reach(paths: &StorePaths) -> (Check, Option<Box<Status>>) {
    match timeout(ANSWER_TIMEOUT, control::status(paths)).await {
        Ok(Ok(Some(status))) => {
            let says = format!("process {} holds the store and answers", status.pid);
            (Check::ok("lock", says), Some(status))
        }
        Ok(Err(error)) if !held(paths) => (Check::of_error("lock", &error), None),
        Err(_) | Ok(Err(_)) => (hung(paths), None),
        Ok(Ok(None)) if held(paths) => (hung(paths), None),
        Ok(Ok(None)) => start(paths).await,
    }
}

fn held(paths: &StorePaths) -> bool {
    Broker { paths: paths.clone() }.holds_lock().unwrap_or(false)
}

fn hung(paths: &StorePaths) -> Check {
    let holder = trouble::holder(&paths.lock);
    let who = holder.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
    let end = holder.map_or_else(
        || "end the process c2c-broker".to_owned(),
        |pid| if cfg!(windows) { format!("taskkill /F /PID {pid}") } else { format!("kill -9 {pid}") },
    );
    let says = format!("{who} holds the store and does not answer: it is stopped or hung");
    Check::failed("lock", says, format!("{end} (nothing is lost, the next session starts another broker)"))
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
    match Link::look_on()?.ask(Request::Status(request::Status {})).await? {
        Response::Status(status) => Ok(status),
        _ => Err(strange()),
    }
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
