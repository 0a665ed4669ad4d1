//! Windows: Ctrl-C, which the command gets as well, and TerminateProcess.

use std::io;
use std::process::ExitStatus;
use tokio::process::{Child, Command};
use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

/// Somebody wants this process to end; heard from the moment it is made.
#[derive(Debug)]
pub(crate) struct Wish {
    ctrl_c: CtrlC,
    ctrl_break: CtrlBreak,
}

impl Wish {
    /// From now on this process does not end by itself when it is asked to.
    ///
    /// # Errors
    /// When the system lets it hear nothing.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { ctrl_c: ctrl_c()?, ctrl_break: ctrl_break()? })
    }

    /// Ends when somebody does.
    pub(crate) async fn comes(&mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.ctrl_break.recv() => {}
        }
    }
}

/// What of a command is meant when it is to end: the command alone.
#[derive(Debug)]
pub(crate) struct Reach;

impl Reach {
    /// Starts the command.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        Ok((command.spawn()?, Self))
    }

    /// There is no polite way that every program hears: one at the same console heard Ctrl-C itself, and has its time to end.
    #[expect(clippy::unused_self, reason = "elsewhere it is known whom to ask")]
    pub(crate) const fn ask(&self) {}

    /// Nothing but the command is known, and that is the caller's to end.
    #[expect(clippy::unused_self, reason = "elsewhere it is known who is left")]
    pub(crate) const fn kill(&self) {}

    /// Nobody is known.
    #[expect(clippy::unused_self, reason = "elsewhere it is known who is left")]
    pub(crate) const fn is_left(&self) -> bool {
        false
    }
}

/// Of its 32 bits the lowest 8, and never 0 for what was no success.
pub(crate) fn status_of(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or(1);
    let low = u8::try_from(code & 0xff).unwrap_or(1);
    if low == 0 && code != 0 { 1 } else { low }
}
