//! A client in print mode: one prompt, one turn.

use crate::{eventually, process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running client in print mode. Ended when dropped.
#[derive(Debug)]
pub struct Printing {
    child: Child,
    said: PathBuf,
    errors: PathBuf,
}

impl Printing {
    pub(super) fn start(mut command: Command, folder: &Path, name: &str) -> Self {
        let [said, errors] = ["said", "errors"].map(|kind| folder.join(format!("{name}.{kind}")));
        let file = |path: &PathBuf| File::create(path).expect("the sandbox can be written");
        command.stdin(Stdio::null()).stdout(file(&said)).stderr(file(&errors));
        Self { child: command.spawn().expect("the client starts"), said, errors }
    }

    /// Waits for its end; what it said.
    ///
    /// # Panics
    /// If it does not end in time, or ends with an error.
    #[track_caller]
    pub fn finish(mut self, within: Duration) -> String {
        let ended = eventually::look(within, || self.child.try_wait().expect("a child can be waited for"));
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let (said, errors) = (read(&self.said), read(&self.errors));
        let Some(status) = ended else { panic!("the client did not end within {within:?}: {said}{errors}") };
        assert!(status.success(), "the client ended with {status}: {said}{errors}");
        said
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Printing {
    fn drop(&mut self) {
        process::end(self.child.id());
        let _reaped = self.child.wait();
    }
}
