//! What the machine can do at best. Each floor is measured in the same run, between the rounds of what stands on it.

use crate::mcp::Mcp;
use crate::world::disk;
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// About as long as a call's frame.
const PING_BYTES: usize = 64;
/// What SQLite writes for one page.
const APPEND_BYTES: usize = 4_096;

/// Starts a process that does nothing, and waits for its end.
///
/// # Panics
/// If there is no `true`.
#[must_use]
pub fn spawn() -> Duration {
    let program = if Path::new("/bin/true").exists() { "/bin/true" } else { "true" };
    let began = Instant::now();
    let status = Command::new(program).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).status();
    let took = began.elapsed();
    assert!(status.expect("true can be run").success());
    took
}

/// A file that is appended to and flushed.
#[derive(Debug)]
pub struct Flush {
    file: File,
    _folder: TempDir,
}

impl Flush {
    /// A new file, on the disk of the stores.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in(disk()).expect("a folder");
        let file = File::create(folder.path().join("log")).expect("a file");
        Self { file, _folder: folder }
    }

    /// Appends 4 KiB and waits until they are on the disk (`fdatasync`).
    ///
    /// # Panics
    /// If the disk fails.
    pub fn once(&mut self) -> Duration {
        let page = [7; APPEND_BYTES];
        let began = Instant::now();
        self.file.write_all(&page).expect("the disk has room");
        self.file.sync_data().expect("the disk works");
        began.elapsed()
    }
}

impl Default for Flush {
    fn default() -> Self {
        Self::new()
    }
}

/// A SQLite database to which one row at a time is committed, through the library that the broker uses.
#[derive(Debug)]
pub struct Commit {
    runtime: Runtime,
    connection: SqliteConnection,
    _folder: TempDir,
}

impl Commit {
    /// A new database with a write-ahead log; `full`: each commit is flushed.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(full: bool) -> Self {
        let folder = tempfile::tempdir_in(disk()).expect("a folder");
        let runtime = runtime();
        let synchronous = if full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("floor.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous);
        let connection = runtime.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
            sqlx::query("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
                .execute(&mut connection)
                .await
                .expect("a table");
            connection
        });
        Self { runtime, connection, _folder: folder }
    }

    /// Commits one row with a body of 200 bytes.
    ///
    /// # Panics
    /// If the disk fails.
    pub fn once(&mut self) -> Duration {
        let body = "x".repeat(200);
        let began = Instant::now();
        self.runtime
            .block_on(
                sqlx::query("INSERT INTO messages (body) VALUES (?1)")
                    .bind(body)
                    .execute(&mut self.connection),
            )
            .expect("the disk works");
        began.elapsed()
    }
}

/// Another process that answers each message over a Unix socket with the same bytes.
#[cfg(unix)]
#[derive(Debug)]
pub struct Echo {
    child: Child,
    runtime: Runtime,
    stream: tokio::net::UnixStream,
    _folder: TempDir,
}

#[cfg(unix)]
impl Echo {
    /// Starts the process.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = folder.path().join("echo");
        let listener = std::os::unix::net::UnixListener::bind(&address).expect("a socket");
        let child = own_server("serve-echo").arg(&address).stdin(Stdio::null()).spawn().expect("it starts");
        let (stream, _) = listener.accept().expect("it connects");
        stream.set_nonblocking(true).expect("a stream of ours");
        let runtime = runtime();
        let stream = {
            let _entered = runtime.enter();
            tokio::net::UnixStream::from_std(stream).expect("a stream of ours")
        };
        Self { child, runtime, stream, _folder: folder }
    }

    /// A message there and back.
    ///
    /// # Panics
    /// If the other process is gone.
    pub fn once(&mut self) -> Duration {
        let mut bytes = [1; PING_BYTES];
        let began = Instant::now();
        self.runtime.block_on(async {
            self.stream.write_all(&bytes).await.expect("it reads");
            self.stream.read_exact(&mut bytes).await.expect("it answers");
        });
        began.elapsed()
    }
}

#[cfg(unix)]
impl Default for Echo {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The other process of [`Echo`]: answers until its starter is gone.
#[cfg(unix)]
pub fn serve_echo(address: &Path) {
    runtime().block_on(async {
        let mut stream = tokio::net::UnixStream::connect(address).await.expect("the starter listens");
        let mut bytes = [0; PING_BYTES];
        while stream.read_exact(&mut bytes).await.is_ok() && stream.write_all(&bytes).await.is_ok() {}
    });
}

/// An MCP server that does nothing, of the same library over the same kind of stdio as the shim's.
#[derive(Debug)]
pub struct Ping {
    mcp: Mcp,
}

impl Ping {
    /// Starts the server.
    #[must_use]
    pub fn new() -> Self {
        Self { mcp: Mcp::start(own_server("serve-mcp")) }
    }

    /// An MCP ping.
    pub fn once(&mut self) -> Duration {
        let began = Instant::now();
        self.mcp.request("ping", &json!({}));
        began.elapsed()
    }
}

impl Default for Ping {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Nothing;

impl ServerHandler for Nothing {}

/// The server of [`Ping`].
///
/// # Panics
/// If its client does not speak MCP.
pub fn serve_mcp() {
    let runtime = runtime();
    runtime.block_on(async {
        let serving = ServiceExt::<RoleServer>::serve(Nothing, rmcp::transport::stdio_pipes()).await;
        let _ended = serving.expect("a client that speaks MCP").waiting().await;
    });
    runtime.shutdown_background();
}

/// This program as one of its own servers.
fn own_server(which: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg(which);
    command
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
