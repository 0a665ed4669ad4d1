//! The service: whether setup installed one, whether it is the right one, and whether it is active.

use super::programs::{file, own_folder};
use super::report::{Check, Problem};
use crate::cmd::setup::edit::Wish;
use crate::cmd::setup::files;
use crate::cmd::setup::places::{Places, on_path};
use crate::cmd::setup::record::Record;
use crate::cmd::setup::service::Service;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long the service manager may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const MEND: &str = "c2c setup --service";

/// The question to the service manager whether it is active: success is yes.
const ASK: &[&str] = if cfg!(windows) {
    &["schtasks", "/Query", "/TN", "c2c-broker"]
} else if cfg!(target_os = "macos") {
    &["launchctl", "list", "dev.c2c.broker"]
} else {
    &["systemctl", "--user", "is-active", "c2c-broker.service"]
};

/// The check `service`.
pub(super) async fn check(places: &Places) -> Check {
    match look(places).await {
        Ok(check) => check,
        Err(error) => Check::failed("service", format!("{error:#}"), MEND),
    }
}

async fn look(places: &Places) -> anyhow::Result<Check> {
    let record = Record::load(&places.record())?;
    let installed = record.programs.iter().map(|note| note.path.clone());
    let installed =
        installed.into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == "c2c-broker"));
    let Some(broker) = installed.or_else(|| Some(file(&own_folder()?, "c2c-broker"))) else {
        return Ok(Check::skipped("service", "this program's own folder is not known"));
    };
    let unit = Service::here(places, &broker)?.unit;
    let there = match &unit {
        Some(unit) => files::read(&unit.path)?,
        None => None,
    };
    if record.service.is_none() && there.is_none() {
        return Ok(Check::ok("service", "not installed; the first session starts the broker"));
    }
    let mut problems = Vec::new();
    if !broker.is_file() {
        problems.push(Problem::failed(format!("its program {} does not exist", broker.display()), MEND));
    }
    if let Some(unit) = &unit {
        let shown = unit.path.display();
        match (&there, &unit.wish) {
            (None, _) => problems.push(Problem::failed(format!("{shown} is gone"), MEND)),
            (Some(text), Wish::Whole(wanted)) if text != wanted => problems.push(Problem::warning(
                format!("{shown} names another program or store than the installed {}", broker.display()),
                MEND,
            )),
            _ => {}
        }
    }
    problems.extend(inactive().await);
    Ok(Check::of("service", problems, "installed and active"))
}

/// Why it is not active.
async fn inactive() -> Option<Problem> {
    let (name, arguments) = ASK.split_first()?;
    let Some(program) = on_path(name) else {
        return Some(Problem::failed(
            format!("it is installed, but {name} is not there"),
            "c2c uninstall, then c2c setup",
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
    Some(Problem::failed(says, MEND))
}
