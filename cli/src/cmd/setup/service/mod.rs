//! The broker and the link as services of the user's: what each system needs for them, and the commands that start and stop them.

mod launchd;
mod systemd;
mod task;
#[cfg_attr(unix, path = "uid_unix.rs")]
#[cfg_attr(windows, path = "uid_windows.rs")]
mod uid;

use super::command;
use super::edit::Edit;
use super::places::{self, Places};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// What can be a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd) enum Daemon {
    /// `c2c-broker`.
    Broker,
    /// `c2c-link`.
    Link,
}

impl Daemon {
    /// Its program, by whose name the service goes too.
    pub(in crate::cmd) const fn name(self) -> &'static str {
        match self {
            Self::Broker => "c2c-broker",
            Self::Link => "c2c-link",
        }
    }

    /// What its program is told.
    const fn argument(self) -> Option<&'static str> {
        match self {
            Self::Broker => Some("--service"),
            Self::Link => None,
        }
    }

    /// The command whose success says that it is active.
    pub(in crate::cmd) fn question(self) -> Step {
        if cfg!(windows) {
            Step::new(&["schtasks", "/Query", "/TN", self.name()])
        } else if cfg!(target_os = "macos") {
            Step::new(&["launchctl", "list", launchd::label(self)])
        } else {
            Step::new(&["systemctl", "--user", "is-active", &format!("{}.service", self.name())])
        }
    }
}

/// A service that can be installed.
#[derive(Debug)]
pub(in crate::cmd) struct Service {
    /// Which.
    pub(in crate::cmd) daemon: Daemon,
    /// Its file, where it has one.
    pub(in crate::cmd) unit: Option<Edit>,
    /// Folders that the service manager makes beside it.
    pub(in crate::cmd) folders: Vec<PathBuf>,
    /// Starts it, also at the next logon.
    pub(in crate::cmd) start: Vec<Step>,
    /// Stops it, before its file is removed.
    pub(in crate::cmd) stop: Vec<Step>,
    /// Makes the service manager forget it.
    pub(in crate::cmd) forget: Vec<Step>,
    /// What to look at or have when that fails.
    pub(in crate::cmd) needs: &'static str,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cmd) struct Step {
    words: Vec<String>,
    /// It is no failure if it fails.
    may_fail: bool,
}

impl Step {
    /// Its name and its arguments.
    pub(in crate::cmd) fn words(&self) -> Option<(&String, &[String])> {
        self.words.split_first()
    }

    fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect(), may_fail: false }
    }

    const fn that_may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }
}

impl Service {
    /// As this system does it.
    pub(in crate::cmd) fn here(places: &Places, daemon: Daemon, program: &Path) -> anyhow::Result<Self> {
        if cfg!(windows) {
            task::service(daemon, program)
        } else if cfg!(target_os = "macos") {
            launchd::service(places, daemon, program, uid::own())
        } else {
            systemd::service(places, daemon, program)
        }
    }
}

/// Runs the commands in order.
///
/// # Errors
/// At the first that fails, unless it may.
pub(in crate::cmd) async fn run(steps: &[Step], folder: &Path) -> anyhow::Result<()> {
    for Step { words, may_fail } in steps {
        let (name, arguments) = words.split_first().context("a command without a name")?;
        let ran = match places::on_path(name) {
            Some(program) => command::run(&program, arguments, folder, &[]).await,
            None => Err(anyhow::anyhow!("{name} is not there")),
        };
        if !may_fail {
            ran?;
        }
    }
    Ok(())
}

/// The commands as a person types them.
pub(in crate::cmd) fn by_hand(steps: &[Step]) -> String {
    let line = |step: &Step| step.words.join(" ");
    steps.iter().filter(|step| !step.may_fail).map(line).collect::<Vec<_>>().join(" && ")
}

/// The store that the user's environment names, if it does: a service does not have that environment.
fn named_store(places: &Places) -> anyhow::Result<Option<&str>> {
    let named = std::env::var_os(c2c_proto::paths::STORE_VARIABLE).filter(|named| !named.is_empty());
    named.map(|_| super::settings::as_text(&places.store.store)).transpose()
}
