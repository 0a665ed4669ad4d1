//! A broker that the test starts by hand, in the foreground.

use crate::sandbox::Sandbox;
use crate::{PATIENCE, binary, eventually};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// `c2c-broker` in the foreground. Ended when dropped.
#[derive(Debug)]
pub struct Broker {
    child: Child,
}

impl Broker {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// If it does not answer.
    #[track_caller]
    #[must_use]
    pub fn start(sandbox: &Sandbox) -> Self {
        Self::start_through(sandbox, Self::command(sandbox))
    }

    /// Starts one through this command and waits until it answers.
    ///
    /// # Panics
    /// If it does not answer.
    #[track_caller]
    #[must_use]
    pub fn start_through(sandbox: &Sandbox, mut command: Command) -> Self {
        let child = command.spawn().expect("the broker starts");
        let mut broker = Self { child };
        eventually::until("the broker answers", PATIENCE, || {
            assert!(broker.exited().is_none(), "the broker ended: {:?}", broker.exited());
            sandbox.status().is_some()
        });
        broker
    }

    /// One that runs, or is about to, or fails to: ended when dropped like any other.
    #[must_use]
    pub const fn adopt(child: Child) -> Self {
        Self { child }
    }

    /// The command of a broker in the foreground for this sandbox.
    #[must_use]
    pub fn command(sandbox: &Sandbox) -> Command {
        let mut command = Command::new(binary("c2c-broker"));
        command.arg("--store").arg(sandbox.store());
        command.env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Whether it ended, and how.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until it ended.
    ///
    /// # Panics
    /// If it does not end in time.
    #[track_caller]
    pub fn wait_exit(&mut self, within: Duration) -> ExitStatus {
        eventually::until_some("the broker ends", within, || self.exited())
    }

    /// Asks it to end (SIGTERM).
    #[cfg(unix)]
    pub fn terminate(&self) {
        crate::process::signal(self.child.id(), crate::Signal::TERM);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
