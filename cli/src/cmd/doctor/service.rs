//! The services: whether setup installed one, whether it is the right one, and whether it is active.

use super::report::{Check, Problem};
use crate::cmd::setup::edit::Wish;
use crate::cmd::setup::files;
use crate::cmd::setup::places::{Places, on_path};
use crate::cmd::setup::programs;
use crate::cmd::setup::record::Record;
use crate::cmd::setup::service::{Daemon, Service};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long the service manager may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The name of the check, and what mends it.
const fn told_of(daemon: Daemon) -> (&'static str, &'static str) {
    match daemon {
        Daemon::Broker => ("service", "c2c setup --service"),
        Daemon::Link => (
            "link_service",
            "c2c link setup; where it cannot be a service, c2c link remove, then c2c link setup URL --no-service, and run c2c-link",
        ),
    }
}

/// The check `service`, or `link_service`.
pub(super) async fn check(places: &Places, daemon: Daemon) -> Check {
    let (name, mend) = told_of(daemon);
    match look(places, daemon).await {
        Ok(check) => check,
        Err(error) => Check::failed(name, format!("{error:#}"), mend),
    }
}

async fn look(places: &Places, daemon: Daemon) -> anyhow::Result<Check> {
    let (name, mend) = told_of(daemon);
    let record = Record::load(&places.record())?;
    let Some(program) = programs::of_service(&record, daemon) else {
        return Ok(Check::skipped(name, "this program's own folder is not known"));
    };
    let unit = Service::here(places, daemon, &program)?.unit;
    let there = match &unit {
        Some(unit) => files::read(&unit.path)?,
        None => None,
    };
    if record.has_service(daemon).is_none() && there.is_none() {
        return Ok(Check::ok(name, not_installed(daemon, places)));
    }
    let mut problems = Vec::new();
    if !program.is_file() {
        problems.push(Problem::failed(format!("its program {} does not exist", program.display()), mend));
    }
    if let Some(unit) = &unit {
        let shown = unit.path.display();
        match (&there, &unit.wish) {
            (None, _) => problems.push(Problem::failed(format!("{shown} is gone"), mend)),
            (Some(text), Wish::Whole(wanted)) if text != wanted => problems.push(Problem::warning(
                format!("{shown} names another program or store than the installed {}", program.display()),
                mend,
            )),
            _ => {}
        }
    }
    problems.extend(inactive(daemon, mend).await);
    Ok(Check::of(name, problems, "installed and active"))
}

fn not_installed(daemon: Daemon, places: &Places) -> &'static str {
    match daemon {
        Daemon::Broker => "not installed; the first session starts the broker",
        Daemon::Link if places.store.link_config.exists() => {
            "not installed; c2c-link has to be run in another way"
        }
        Daemon::Link => "this store is not linked with other machines",
    }
}

/// Why it is not active.
async fn inactive(daemon: Daemon, mend: &'static str) -> Option<Problem> {
    let question = daemon.question();
    let (name, arguments) = question.words()?;
    let Some(program) = on_path(name) else {
        return Some(Problem::failed(
            format!("it is installed, but {name} is not there"),
            match daemon {
                Daemon::Broker => "c2c uninstall, then c2c setup",
                Daemon::Link => mend,
            },
        ));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let says = match timeout(TIMEOUT, command.output()).await {
        Ok(Ok(output)) if output.status.success() => return None,
        Ok(Ok(output)) => {
            let said = [output.stdout, output.stderr].concat();
            format!("it is not active: {}", String::from_utf8_lossy(&said).trim())
        }
        Ok(Err(error)) => format!("{name} could not be run: {error}"),
        Err(_) => format!("{name} did not answer within {} s", TIMEOUT.as_secs()),
    };
    Some(Problem::failed(says, mend))
}
