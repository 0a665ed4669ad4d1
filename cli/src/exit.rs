//! How the process ends: the exit statuses, which failure leads to which, and what the person is told.

use crate::text::visible;
use c2c_proto::{Error, ErrorCode};
use std::io::{self, Write};
use std::process::ExitCode;
use tokio::time::error::Elapsed;

/// An exit status. Documented in `--help`; a script may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done.
    Done,
    /// It failed.
    Error,
    /// The command line was wrong.
    Usage,
    /// The time ran out.
    TimedOut,
    /// What was asked for does not exist.
    NotFound,
    /// No broker runs, and the command does not start one.
    NoBroker,
    /// A hook has something to tell on stderr, and its client is to wake the session with it.
    Wakes,
    /// Ctrl-C, or a request to terminate.
    Interrupted,
    /// Whatever the command that was run ended with.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            // For Claude Code, which takes no other status as that.
            Exit::Usage | Exit::Wakes => 2,
            Exit::TimedOut => 3,
            Exit::NotFound => 4,
            Exit::NoBroker => 5,
            Exit::Interrupted => 130,
            Exit::Of(status) => status,
        })
    }
}

/// Shows what clap has to say: the help, the version, or what is wrong with the command line.
pub(crate) fn after_parsing(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.use_stderr(), printed) {
        (true, _) => Exit::Usage.into(),
        (false, Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Error.into(),
        (false, _) => Exit::Done.into(),
    }
}

/// Tells the person what failed and what to do, and gives the exit status.
pub(crate) fn after_failure(error: &anyhow::Error) -> Exit {
    if reader_left(error) {
        return Exit::Done;
    }
    let mut text = format!("c2c: {}\n", visible(&format!("{error:#}")));
    let known = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    if let Some(Error { hint, .. }) = known.filter(|known| !known.hint.is_empty()) {
        text.push_str(&format!("     {}\n", visible(hint)));
    }
    // Nothing is left to do if even this cannot be written.
    let _ = io::stderr().write_all(text.as_bytes());
    match known {
        Some(known) => of_code(known.code),
        None if error.chain().any(|cause| cause.is::<Elapsed>()) => Exit::TimedOut,
        None => Exit::Error,
    }
}

/// Whoever read our output has seen enough (`| head`): no failure.
fn reader_left(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

const fn of_code(code: ErrorCode) -> Exit {
    match code {
        ErrorCode::BrokerUnreachable => Exit::NoBroker,
        ErrorCode::NotFound => Exit::NotFound,
        _ => Exit::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, of_code, reader_left};
    use anyhow::Context;
    use c2c_proto::ErrorCode;
    use std::io;

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(reader_left(&Err::<(), _>(broken).context("writing the table").unwrap_err()));
        let other = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(!reader_left(&other.into()));
    }

    #[test]
    fn an_absent_broker_and_an_absent_thing_have_statuses_of_their_own() {
        assert_eq!(of_code(ErrorCode::BrokerUnreachable), Exit::NoBroker);
        assert_eq!(of_code(ErrorCode::NotFound), Exit::NotFound);
        assert_eq!(of_code(ErrorCode::StoreRefused), Exit::Error);
    }
}
