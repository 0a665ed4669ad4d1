//! Two machines with a NATS server between them, all on this one: two stores, two brokers, two links.

use crate::world::{World, disk};
use c2c_harness::{PATIENCE, binary, until};
use serde_json::Value;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Names the server's program.
const SERVER_VARIABLE: &str = "C2C_NATS_SERVER";

/// A process that ends with this.
#[derive(Debug)]
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A NATS server that flushes whatever it stores before it says that it has it.
#[derive(Debug)]
pub struct Server {
    _process: Ending,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// `None`, and a word about it, where none is installed.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(program) = std::env::var_os(SERVER_VARIABLE).filter(|path| !path.is_empty()) else {
            eprintln!("  skipped: {SERVER_VARIABLE} is not set; see tests/tests/link/install.sh");
            return None;
        };
        let folder = tempfile::tempdir_in(disk()).expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let config = folder.path().join("nats.conf");
        let data = folder.path().join("data");
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{\n  store_dir: {data:?}\n  sync_interval: always\n}}\n"
        );
        fs::write(&config, text).expect("the folder can be written");
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Ending(command.spawn().expect("the server starts"));
        until("the server listens", PATIENCE, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { _process: process, folder, port })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The bytes of all of its files.
    #[must_use]
    pub fn bytes_on_disk(&self) -> u64 {
        let mut folders: Vec<PathBuf> = vec![self.folder.path().join("data")];
        let mut bytes = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.metadata() {
                    Ok(found) if found.is_dir() => folders.push(entry.path()),
                    Ok(found) => bytes += found.len(),
                    // Files come and go while the server runs.
                    Err(_) => {}
                }
            }
        }
        bytes
    }
}

/// A machine: a store with its broker, and a link.
#[derive(Debug)]
pub struct Node {
    link: Option<Ending>,
    /// The store and the broker.
    pub world: World,
}

impl Node {
    /// With everything running.
    ///
    /// # Panics
    /// If a program does not start.
    #[must_use]
    pub fn start(server: &Server, name: &str) -> Self {
        let world = World::new();
        let settings = format!("url = {:?}\nnode = {name:?}\n", server.url());
        fs::write(&world.paths().link_config, settings).expect("the folder can be written");
        let mut node = Self { link: None, world };
        node.run_link();
        node
    }

    /// Starts its link.
    ///
    /// # Panics
    /// If it does not start.
    pub fn run_link(&mut self) {
        let mut command = Command::new(binary("c2c-link"));
        command.arg("--store").arg(&self.world.paths().store).env_clear().envs(self.world.sandbox().env());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.link = Some(Ending(command.spawn().expect("the link starts")));
    }

    /// Ends its link.
    pub fn end_link(&mut self) {
        self.link = None;
    }

    /// Until mail can be sent to another node.
    pub fn until_knows(&self, name: &str) {
        self.until("the other node is known", |state| {
            state["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(|node| node["node"] == name))
        });
    }

    /// Until others have all that is for them.
    pub fn until_nothing_waits(&self) {
        self.until("everything has arrived", |state| {
            state["nodes"].as_array().is_some_and(|nodes| nodes.iter().all(|node| node["waiting"] == 0))
        });
    }

    /// Parcels that its link has handed to the server.
    #[must_use]
    pub fn forwarded(&self) -> u64 {
        self.state()["parcels"]["forwarded"].as_u64().unwrap_or_default()
    }

    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        until(what, PATIENCE * 6, || holds(&self.state()));
    }

    fn state(&self) -> Value {
        let mut command = Command::new(binary("c2c"));
        command.args(["link", "status", "--json"]).env_clear().envs(self.world.sandbox().env());
        let output = command.stdin(Stdio::null()).output().expect("c2c runs");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Messages in its store.
    ///
    /// # Panics
    /// If its broker does not answer.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.world.sandbox().status().expect("the broker runs").messages
    }
}
