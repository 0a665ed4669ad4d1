//! Windows: Ctrl-C, which the command gets as well, and TerminateProcess.

use std::io;
use std::process::ExitStatus;
use tokio::process::Child;
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

/// There is no polite way that every program hears: one at the same console heard Ctrl-C itself, and has its time to end.
pub(crate) const fn ask(_child: &Child) {}

/// Of its 32 bits the lowest 8, and never 0 for what was no success.
pub(crate) fn status_of(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or(1);
    let low = u8::try_from(code & 0xff).unwrap_or(1);
    if low == 0 && code != 0 { 1 } else { low }
}
