//! A store of its own with a broker and sessions, as people run them: release builds, and the real programs.

use crate::mcp::Mcp;
use c2c_harness::{Broker, Sandbox, ShimOptions};
use c2c_proto::paths::StorePaths;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A broker and its store. Both are gone when it is dropped.
#[derive(Debug)]
pub struct World {
    // The order matters: the broker ends before its folder.
    broker: Option<Broker>,
    sandbox: Sandbox,
}

impl World {
    /// A new store with the settings that everybody has.
    #[must_use]
    pub fn new() -> Self {
        Self::configured("")
    }

    /// A new store with these lines in its `c2c.toml`.
    ///
    /// # Panics
    /// If the folder cannot be written, or the broker does not start.
    #[must_use]
    pub fn configured(config: &str) -> Self {
        let world = Self::without_broker();
        world.configure(config);
        world.with_broker()
    }

    /// A copy of a store, which no broker may have open, with these lines in its `c2c.toml`.
    ///
    /// # Panics
    /// If it cannot be copied, or the broker does not start.
    #[must_use]
    pub fn copy_of(store: &Path, config: &str) -> Self {
        let world = Self::without_broker();
        world.configure(config);
        std::fs::copy(store, &world.paths().store)
            .unwrap_or_else(|error| panic!("{} cannot be copied: {error}", store.display()));
        world.with_broker()
    }

    /// A folder in which no broker runs yet.
    #[must_use]
    pub fn without_broker() -> Self {
        Self { broker: None, sandbox: Sandbox::below(&disk()) }
    }

    fn configure(&self, config: &str) {
        if !config.is_empty() {
            std::fs::write(&self.paths().config, config).expect("the folder can be written");
        }
    }

    /// Starts the broker.
    #[must_use]
    pub fn with_broker(mut self) -> Self {
        self.broker = Some(Broker::start(&self.sandbox));
        self
    }

    /// Starts the broker through another program, given the command that would start it.
    #[must_use]
    pub fn with_broker_through(mut self, through: impl FnOnce(&Command) -> Command) -> Self {
        let mut command = through(&Broker::command(&self.sandbox));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.broker = Some(Broker::start_through(&self.sandbox, command));
        self
    }

    /// Ends the broker as a service manager would, and waits until it is gone.
    pub fn stop_broker(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            #[cfg(unix)]
            broker.terminate();
            #[cfg(not(unix))]
            broker.kill();
            let _ended = broker.wait_exit(c2c_harness::PATIENCE);
        }
    }

    /// The folder, and what is needed to start more in it.
    #[must_use]
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Where everything lies.
    #[must_use]
    pub const fn paths(&self) -> &StorePaths {
        self.sandbox.paths()
    }

    /// The broker's process.
    ///
    /// # Panics
    /// If none was started.
    #[must_use]
    pub fn broker_id(&self) -> u32 {
        self.broker.as_ref().expect("a broker was started").id()
    }

    /// How a shim is started under a name.
    #[must_use]
    pub fn shim(&self, name: &str) -> ShimOptions {
        self.sandbox.shim().name(name)
    }

    /// A session under a name, registered.
    #[must_use]
    pub fn session(&self, name: &str) -> Mcp {
        Self::registered(&self.shim(name))
    }

    /// A session of a client that was here before: under the same name it is the same session again.
    #[must_use]
    pub fn resumed(&self, name: &str, client_session: &str) -> Mcp {
        Self::registered(&self.shim(name).env("CLAUDE_CODE_SESSION_ID", client_session))
    }

    fn registered(shim: &ShimOptions) -> Mcp {
        let mut mcp = Mcp::start(shim.command());
        mcp.call("heartbeat", &json!({}));
        mcp
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Where stores are made: `C2C_BENCH_DIR`, else `/tmp` (short enough for a socket's address). It has to be a real disk:
/// a flush to memory costs nothing.
#[must_use]
pub fn disk() -> PathBuf {
    let given = std::env::var_os("C2C_BENCH_DIR").map(PathBuf::from);
    given.unwrap_or_else(|| if cfg!(unix) { Path::new("/tmp").to_owned() } else { std::env::temp_dir() })
}

/// The folder of what is built, and of what is kept for the next run.
///
/// # Panics
/// If this program does not lie in one.
#[must_use]
pub fn target() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    // target/<profile>/<this program>
    own.ancestors().nth(2).expect("a program lies in a target folder").to_owned()
}
