//! Runs `c2c` as a person does, in the world of one test.

use crate::{Sandbox, binary};
use serde_json::Value;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

/// The login of the person in every sandbox.
pub const LOGIN: &str = "ada";

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// What went to stdout.
    pub out: String,
    /// What went to stderr.
    pub err: String,
}

impl Said {
    /// What a process left.
    ///
    /// # Panics
    /// If it wrote what is no UTF-8.
    #[must_use]
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("c2c writes UTF-8");
        Self { status: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Stdout as one JSON value.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl Sandbox {
    /// `c2c` with these words, to be started in here: no terminal, nothing to read, everything it writes is kept.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary("c2c"));
        command.args(words).env_clear().envs(self.env()).env("USER", LOGIN).current_dir(self.dir());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `c2c` with these words to its end.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn c2c(&self, words: &[&str]) -> Said {
        Said::of(&self.command(words).output().expect("c2c can be started"))
    }

    /// Runs `c2c` with these words and this on its stdin to its end.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn c2c_reading(&self, words: &[&str], input: &str) -> Said {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().expect("c2c can be started");
        // One that fails before it reads leaves this unread.
        let _unread = child.stdin.take().expect("stdin is a pipe").write_all(input.as_bytes());
        Said::of(&child.wait_with_output().expect("its output can be read"))
    }

    /// Runs `c2c` with these words, which has to succeed, and gives what it wrote to stdout.
    ///
    /// # Panics
    /// If it does not end with 0.
    #[track_caller]
    #[must_use]
    pub fn person(&self, words: &[&str]) -> String {
        let said = self.c2c(words);
        assert_eq!(said.status, Some(0), "c2c {words:?}: {said:?}");
        said.out
    }

    /// Starts `c2c` with these words.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn c2c_started(&self, words: &[&str]) -> Child {
        self.command(words).spawn().expect("c2c can be started")
    }
}
