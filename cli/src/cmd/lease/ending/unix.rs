//! Unix: signals.

use rustix::process::{Pid, Signal as Number, kill_process};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::process::Child;
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

/// Asks it to end, if it still runs.
pub(crate) fn ask(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended in this moment.
        let _ = kill_process(pid, Number::TERM);
    }
}

/// As a shell says it.
pub(crate) fn status_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
