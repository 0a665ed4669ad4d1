//! Ends one broker and brings up the next, of another version, in the ways in which people and their machines do it.

use super::probe::Probe;
use super::put;
use crate::versions::build::Version;
use c2c_harness::{PATIENCE, Sandbox, Seed, Signal, alive, signal, until};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How a broker is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The programs are installed, the broker gets SIGTERM; a session starts the new one.
    Installed,
    /// As before, and a person starts the new one in a terminal at once.
    ByHand,
    /// A service of the new version takes over from a broker that a session started.
    TakeOver,
    /// A service manager restarts: SIGTERM, and the new one as a service at once.
    ServiceRestart,
}

impl Kind {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 4] = [Self::Installed, Self::ByHand, Self::TakeOver, Self::ServiceRestart];

    /// As it stands in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed, SIGTERM, sessions start it",
            Self::ByHand => "installed, SIGTERM, started by hand",
            Self::TakeOver => "a service takes over",
            Self::ServiceRestart => "the service is restarted",
        }
    }
}

/// The place where the programs are installed, and the brokers that were started from outside.
pub(crate) struct Replacement {
    folder: PathBuf,
    store: PathBuf,
    env: Vec<(String, String)>,
    versions: Vec<Version>,
    /// Which of the versions is installed.
    installed: usize,
    /// Whether the broker that runs is one that a session started, as far as is known.
    on_demand: bool,
    started: Vec<Child>,
}

impl Replacement {
    /// Installs the first version; the others come in order.
    pub(crate) fn new(sandbox: &Sandbox, versions: Vec<Version>) -> Self {
        let folder = sandbox.folder("bin");
        let mut replacement = Self {
            folder,
            store: sandbox.store().to_owned(),
            env: sandbox.env().into_iter().collect(),
            versions,
            installed: 0,
            on_demand: true,
            started: Vec::new(),
        };
        replacement.install(0);
        replacement
    }

    /// Where the programs lie.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What kind of replacement comes next.
    pub(crate) fn choose(&self, seed: &mut Seed) -> Kind {
        loop {
            let kind = Kind::ALL[seed.below(Kind::ALL.len())];
            // Only a broker that a session started makes room.
            if kind != Kind::TakeOver || self.on_demand {
                return kind;
            }
        }
    }

    /// Puts the next version in place and begins to replace the broker that runs as this process.
    pub(crate) fn replace(&mut self, kind: Kind, pid: u32) {
        // Upwards to the newest, then back and forth between the two newest: what is older may not know the store any more.
        let newest = self.versions.len() - 1;
        self.install(if self.installed == newest { newest - 1 } else { self.installed + 1 });
        match kind {
            Kind::Installed => signal(pid, Signal::TERM),
            Kind::ByHand => {
                signal(pid, Signal::TERM);
                self.start(&[]);
            }
            Kind::TakeOver => self.start(&["--service"]),
            Kind::ServiceRestart => {
                signal(pid, Signal::TERM);
                self.start(&["--service"]);
            }
        }
    }

    /// Waits until a broker of the installed version answers and none that was started here is still on its way; the
    /// longest time without an answer since the one before.
    pub(crate) fn until_settled(&mut self, probe: &Probe, before: u32) -> Duration {
        let version = self.versions[self.installed].number();
        until(&format!("a broker {version} has taken over from {before}"), PATIENCE, || {
            let now = probe.last();
            self.started.retain_mut(|child| child.try_wait().expect("a child").is_none());
            let foreign = self.started.iter().all(|child| child.id() != now.pid);
            let settled = self.started.is_empty() || !foreign;
            self.on_demand = foreign;
            now.pid != before && now.version == version && settled
        });
        probe.gap_since(before).expect("there were two brokers")
    }

    fn install(&mut self, which: usize) {
        self.installed = which;
        put(&self.versions[which].program("c2c-broker"), &self.folder.join("c2c-broker"));
    }

    fn start(&mut self, arguments: &[&str]) {
        let mut command = Command::new(self.folder.join("c2c-broker"));
        command.args(arguments).arg("--store").arg(&self.store).env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.started.push(command.spawn().expect("the broker starts"));
    }

    /// Ends what was started here.
    pub(crate) fn finish(mut self) {
        for mut child in self.started.drain(..) {
            signal(child.id(), Signal::TERM);
            until("a broker ends", PATIENCE, || child.try_wait().expect("a child").is_some());
            assert!(!alive(child.id()));
        }
    }
}
