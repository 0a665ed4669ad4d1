//! The one word about the start: to a session that waits on a pipe, to a service manager, or to a person.
//!
//! Said exactly once. After it a broker that was started with `--ready-stdout` has no stdout any more.

use crate::args::{Args, Mode};
use crate::instance::Holder;
use crate::platform;
use c2c_proto::error::Error;
use c2c_proto::paths::StorePaths;
use serde_json::{Value, json};
use std::io::Write;

/// Who waits for the word.
#[derive(Debug)]
pub struct Readiness {
    machine: bool,
    mode: Mode,
}

impl Readiness {
    /// As the command line says.
    #[must_use]
    pub const fn new(args: &Args) -> Self {
        Self { machine: args.ready_stdout, mode: args.mode() }
    }

    /// Connections are accepted from now on.
    pub fn ready(self, paths: &StorePaths) {
        let store = paths.store.display();
        if self.mode == Mode::Service {
            platform::tell_manager_ready(&format!("serving {store}"));
        }
        let pid = std::process::id();
        self.say(&json!({"ready": true, "pid": pid}), &format!("serving {store} (pid {pid})"));
    }

    /// Another broker holds the store, which is as good.
    pub fn running(self, holder: Option<&Holder>) {
        if self.mode == Mode::Service {
            // A unit of type "notify" that ends without this word counts as failed.
            platform::tell_manager_ready("another broker serves this store");
        }
        let text = holder
            .map_or_else(|| "already running".to_owned(), |holder| format!("already running ({holder})"));
        self.say(&json!({"ready": false, "running": true}), &text);
    }

    /// The broker cannot run.
    pub fn failed(self, error: &Error) {
        if self.machine {
            self.say(&json!({"ready": false, "error": error}), "");
        }
        let _ = writeln!(std::io::stderr(), "c2c-broker: {error}\n  {}", error.hint);
    }

    fn say(self, machine: &Value, person: &str) {
        let line = if self.machine { machine.to_string() } else { person.to_owned() };
        let mut stdout = std::io::stdout().lock();
        // Whoever waited may be gone; the broker serves others too.
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        drop(stdout);
        if self.machine
            && let Err(error) = platform::close_stdout()
        {
            tracing::warn!(%error, "stdout could not be closed");
        }
    }
}
