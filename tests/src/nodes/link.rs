//! The link of a store: a process, started again as often as a test likes.

use crate::{Sandbox, binary};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

/// See the module's first lines. It ends with this.
#[derive(Debug)]
pub struct Link {
    program: PathBuf,
    log: PathBuf,
    /// Words that go before the program's own, for one that runs somewhere else.
    before: Vec<String>,
    child: Option<Child>,
}

impl Link {
    /// The link of this store, which does not run yet.
    #[must_use]
    pub fn of(sandbox: &Sandbox) -> Self {
        let log = sandbox.dir().join("link.log");
        Self { program: binary("c2c-link"), log, before: Vec::new(), child: None }
    }

    /// Another program than the one that was built; it looks for a broker beside itself.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// Run by another program, behind these words.
    #[must_use]
    pub fn behind(mut self, before: &[&str]) -> Self {
        self.before = before.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(&mut self, sandbox: &Sandbox) {
        self.kill();
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("a log");
        let mut words = self.before.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).arg("--store").arg(sandbox.store()).env_clear().envs(sandbox.env());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the link starts"));
    }

    /// Its process, while it was started and not killed.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    /// How it ended, if it did by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    /// What it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}
