//! One test's own world: a folder, a store, and every process that belongs to them.

use crate::raw::{Raw, Received};
use crate::shim::{Shim, ShimOptions};
use crate::{PATIENCE, eventually, process};
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::Role;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{self, Request};
use c2c_proto::response::{Response, Status};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A broker may take this long to end when asked (promised: 2 s; a busy machine gets more).
const BROKER_END: Duration = Duration::from_secs(6);

/// See the module's first lines.
#[derive(Debug)]
pub struct Sandbox {
    dir: TempDir,
    paths: StorePaths,
    shims: AtomicU32,
}

impl Sandbox {
    /// A new folder with nothing in it.
    ///
    /// # Panics
    /// If there is no folder of the test's own.
    #[must_use]
    pub fn new() -> Self {
        // The path has to fit a socket address.
        let base = if cfg!(unix) { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        Self::below(&base)
    }

    /// As [`Sandbox::new`], in a folder of the test's choice: another disk, for example.
    ///
    /// # Panics
    /// If there is no folder of the test's own.
    #[must_use]
    pub fn below(base: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("c2c-").rand_bytes(8).tempdir_in(base).expect("a folder");
        let paths = StorePaths::of_store(&dir.path().join("c2c.db")).expect("a path for the store");
        let own = dir.path().canonicalize().expect("the folder exists");
        assert!(
            paths.store.starts_with(&own) || paths.store.starts_with(dir.path()),
            "{} is not the test's own",
            paths.store.display()
        );
        for folder in ["home", "tmp"] {
            std::fs::create_dir(dir.path().join(folder)).expect("a folder");
        }
        Self { dir, paths, shims: AtomicU32::new(0) }
    }

    /// A new folder with a `c2c.toml`.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn with_config(config: &str) -> Self {
        let sandbox = Self::new();
        std::fs::write(&sandbox.paths.config, config).expect("the sandbox can be written");
        sandbox
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The store's file.
    #[must_use]
    pub fn store(&self) -> &Path {
        &self.paths.store
    }

    /// What follows from the store's path.
    #[must_use]
    pub const fn paths(&self) -> &StorePaths {
        &self.paths
    }

    /// A folder below, made if it is missing.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir().join(name);
        std::fs::create_dir_all(&folder).expect("the sandbox can be written");
        folder
    }

    /// The whole environment of every process in here: nothing of the tester's own reaches them.
    #[must_use]
    pub fn env(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        for kept in ["SystemRoot", "SystemDrive", "PATHEXT", "COMSPEC", "LLVM_PROFILE_FILE"] {
            if let Ok(value) = std::env::var(kept) {
                env.insert(kept.to_owned(), value);
            }
        }
        let path = if cfg!(windows) {
            std::env::var("PATH").unwrap_or_default()
        } else {
            "/usr/bin:/bin".to_owned()
        };
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        env.insert("PATH".to_owned(), path);
        env.insert("HOME".to_owned(), text(self.dir().join("home")));
        env.insert("USERPROFILE".to_owned(), text(self.dir().join("home")));
        env.insert("TMPDIR".to_owned(), text(self.dir().join("tmp")));
        env.insert("CLAUDE_C2C_DB".to_owned(), text(self.paths.store.clone()));
        env
    }

    /// A shim to be started in here.
    #[must_use]
    pub fn shim(&self) -> ShimOptions {
        let number = self.shims.fetch_add(1, Ordering::Relaxed);
        ShimOptions::new(self, self.dir().join(format!("shim-{number}.err")))
    }

    /// A session under this name, registered.
    #[must_use]
    pub fn session(&self, name: &str) -> Shim {
        self.shim().name(name).session()
    }

    /// A connection to the broker's socket, if there is a broker.
    #[must_use]
    pub fn try_raw(&self) -> Option<Raw> {
        Raw::connect(&self.paths)
    }

    /// A connection to the broker's socket.
    ///
    /// # Panics
    /// If no broker listens.
    #[track_caller]
    #[must_use]
    pub fn raw(&self) -> Raw {
        self.try_raw().expect("a broker listens")
    }

    /// A connection to the broker's socket as a session of its own.
    ///
    /// # Panics
    /// If no broker listens, or it refuses.
    #[track_caller]
    #[must_use]
    pub fn raw_session(&self, name: &str) -> Raw {
        let mut raw = self.raw();
        let answer = raw.greet(Raw::hello(Role::Session(Box::new(Raw::identity(name)))));
        let Received::Frame(frame) = answer else { panic!("no answer to the hello: {answer:?}") };
        assert!(matches!(*frame, ServerFrame::Welcome(_)), "{frame:?}");
        raw
    }

    /// What the broker says of itself, if there is one that answers.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let mut raw = self.try_raw()?;
        let Received::Frame(frame) = raw.greet(Raw::hello(Role::Control)) else { return None };
        let ServerFrame::Welcome(_) = *frame else { return None };
        match raw.call(Request::Status(request::Status {}))?.result {
            Ok(Response::Status(status)) => Some(*status),
            _ => None,
        }
    }

    /// Waits until a broker answers and says what is wanted.
    #[track_caller]
    pub fn until_status(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        eventually::until_some(what, PATIENCE, || self.status().filter(|status| holds(status)))
    }

    /// The broker's process, once it answers.
    #[track_caller]
    pub fn broker_id(&self) -> u32 {
        self.until_status("a broker answers", |_| true).pid
    }

    /// Kills the broker as a crash would, and waits until it is gone.
    #[track_caller]
    pub fn kill_broker(&self) -> u32 {
        let id = self.broker_id();
        process::stop(id);
        eventually::until("the broker is gone", PATIENCE, || !process::alive(id));
        id
    }

    /// The broker's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.paths.log).unwrap_or_default()
    }

    /// Ends what is left in here. What a test started itself ends with its own handles; this is for brokers that
    /// shims started.
    fn end_processes(&self) -> Vec<String> {
        let mut left = process::of_store(&self.paths.store);
        if let Some(status) = self.status()
            && !left.iter().any(|(id, _)| *id == status.pid)
        {
            left.push((status.pid, "broker".to_owned()));
        }
        let mut stubborn = Vec::new();
        for (id, line) in left {
            #[cfg(unix)]
            process::signal(id, process::Signal::TERM);
            if cfg!(unix) {
                let _ended = eventually::look(BROKER_END, || (!process::alive(id)).then_some(()));
            }
            if process::alive(id) {
                process::stop(id);
                stubborn.push(format!("{id} {line}"));
            }
        }
        stubborn
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let stubborn = self.end_processes();
        if std::thread::panicking() {
            eprintln!("--- broker log of {}\n{}", self.dir().display(), self.log());
        } else if cfg!(unix) {
            assert!(stubborn.is_empty(), "did not end within {BROKER_END:?} of SIGTERM: {stubborn:?}");
        }
        let left = process::of_store(&self.paths.store);
        assert!(std::thread::panicking() || left.is_empty(), "left over: {left:?}");
    }
}
