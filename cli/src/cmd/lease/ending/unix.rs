//! Unix: signals.

use rustix::process::{Pid, Signal as Number, kill_process, kill_process_group, test_kill_process_group};
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell adds to the number of the signal that ended a command.
const BY_SIGNAL: i32 = 128;

/// Somebody wants this process to end; heard from the moment it is made.
#[derive(Debug)]
pub(crate) struct Wish {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Wish {
    /// From now on this process does not end by itself when it is asked to.
    ///
    /// # Errors
    /// When the system lets it hear no signals.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Ends when somebody does.
    pub(crate) async fn comes(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// What of a command is meant when it is to end: all of its process group where there is no terminal, else the command alone.
/// On a terminal it stays in the group that this process is in: another one could not read from the terminal, and Ctrl-C
/// would not reach it; and a signal to the group would end the shell script that both are part of.
#[derive(Debug)]
pub(crate) struct Reach {
    pid: Option<Pid>,
    group: bool,
}

impl Reach {
    /// Starts the command so that it can be reached.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let group = File::open("/dev/tty").is_err();
        if group {
            command.process_group(0);
        }
        let child = command.spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok((child, Self { pid, group }))
    }

    /// Asks it to end, if it still runs.
    pub(crate) fn ask(&self) {
        self.signal(Number::TERM);
    }

    /// Ends what is left of its group. The command itself is the caller's to end.
    pub(crate) fn kill(&self) {
        if self.group {
            self.signal(Number::KILL);
        }
    }

    /// Whether the group of a command that has ended still has somebody in it.
    pub(crate) fn is_left(&self) -> bool {
        self.group && self.pid.is_some_and(|pid| test_kill_process_group(pid).is_ok())
    }

    fn signal(&self, number: Number) {
        let Some(pid) = self.pid else { return };
        // It may have ended in this moment.
        let _ = if self.group { kill_process_group(pid, number) } else { kill_process(pid, number) };
    }
}

/// As a shell says it.
pub(crate) fn status_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
