//! One `c2c-shim` as its MCP client sees it: lines in, lines out, signals.

mod tolerant;

use crate::call::{Pending, ToolResult};
use crate::sandbox::Sandbox;
use crate::wire::Wire;
use crate::{PATIENCE, binary, eventually};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

/// The MCP version that the harness asks for.
const MCP_VERSION: &str = "2025-11-25";

/// What the shim's stdin and stdout are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdio {
    /// Two pipes, as most clients do.
    #[default]
    Pipes,
    /// One socket for both, as clients on Node do. Pipes on Windows.
    Socket,
}

/// How to start a shim. See [`Sandbox::shim`].
#[derive(Clone, Debug)]
pub struct ShimOptions {
    program: PathBuf,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    client: String,
    stdio: Stdio,
    stderr: PathBuf,
}

impl ShimOptions {
    pub(crate) fn new(sandbox: &Sandbox, stderr: PathBuf) -> Self {
        Self {
            program: binary("c2c-shim"),
            env: sandbox.env(),
            cwd: sandbox.dir().to_owned(),
            client: "harness".to_owned(),
            stdio: Stdio::Pipes,
            stderr,
        }
    }

    /// Another executable than the one beside the tests.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// A variable for the shim.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without a variable that every process of the sandbox has.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// `C2C_NAME`.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.env("C2C_NAME", name)
    }

    /// The working directory.
    #[must_use]
    pub fn cwd(mut self, cwd: &Path) -> Self {
        cwd.clone_into(&mut self.cwd);
        self
    }

    /// What the client says it is in `initialize`.
    #[must_use]
    pub fn client(mut self, client: &str) -> Self {
        client.clone_into(&mut self.client);
        self
    }

    /// Pipes or a socket.
    #[must_use]
    pub const fn stdio(mut self, stdio: Stdio) -> Self {
        self.stdio = stdio;
        self
    }

    /// A command that starts this shim, for a test that puts another process between.
    #[must_use]
    pub fn command(&self) -> Command {
        self.dress(Command::new(&self.program))
    }

    /// Where what the shim writes to stderr goes.
    #[must_use]
    pub fn stderr_file(&self) -> &Path {
        &self.stderr
    }

    /// The shim's environment, folder and stderr for another command.
    fn dress(&self, mut command: Command) -> Command {
        let stderr = std::fs::File::create(&self.stderr).expect("the sandbox can be written");
        command.env_clear().envs(&self.env).current_dir(&self.cwd).stderr(stderr);
        command
    }

    /// Starts the process and says nothing to it.
    #[must_use]
    pub fn spawn(self) -> Shim {
        let command = self.command();
        self.spawn_as(command)
    }

    /// Starts the shim through another command, which must pass its stdin and stdout on.
    #[must_use]
    pub fn spawn_through(self, command: Command) -> Shim {
        let command = self.dress(command);
        self.spawn_as(command)
    }

    fn spawn_as(self, mut command: Command) -> Shim {
        let (child, input, wire) = match self.stdio {
            #[cfg(unix)]
            Stdio::Socket => over_socket(&mut command),
            _ => over_pipes(&mut command),
        };
        Shim { child, input: Some(input), wire, next_id: 1, client: self.client, stderr: self.stderr }
    }

    /// Starts the shim, does the handshake, and does not wait for a broker.
    #[must_use]
    pub fn start(self) -> Shim {
        let mut shim = self.spawn();
        shim.initialize();
        shim
    }

    /// Starts the shim and waits until its session is registered.
    #[must_use]
    pub fn session(self) -> Shim {
        let mut shim = self.start();
        shim.call("heartbeat", json!({})).ok();
        shim
    }
}

fn over_pipes(command: &mut Command) -> (Child, Input, Arc<Wire>) {
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the shim starts");
    let input = Input::Pipe(child.stdin.take().expect("a pipe"));
    let wire = Wire::read_from(child.stdout.take().expect("a pipe"));
    (child, input, wire)
}

#[cfg(unix)]
fn over_socket(command: &mut Command) -> (Child, Input, Arc<Wire>) {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    command.stdin(OwnedFd::from(theirs.try_clone().expect("a descriptor"))).stdout(OwnedFd::from(theirs));
    let child = command.spawn().expect("the shim starts");
    // The command still holds their end; it would keep the socket open after the shim is gone.
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let wire = Wire::read_from(ours.try_clone().expect("a descriptor"));
    (child, Input::Socket(ours), wire)
}

#[derive(Debug)]
enum Input {
    Pipe(std::process::ChildStdin),
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixStream),
}

impl Input {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Pipe(pipe) => pipe.write_all(bytes).and_then(|()| pipe.flush()),
            #[cfg(unix)]
            Self::Socket(socket) => socket.write_all(bytes),
        }
    }

    fn close(self) {
        match self {
            Self::Pipe(pipe) => drop(pipe),
            #[cfg(unix)]
            Self::Socket(socket) => {
                let _gone = socket.shutdown(std::net::Shutdown::Write);
            }
        }
    }
}

/// A running shim. Ended when dropped; its stdout must have been nothing but JSON-RPC.
#[derive(Debug)]
pub struct Shim {
    child: Child,
    input: Option<Input>,
    wire: Arc<Wire>,
    next_id: u64,
    client: String,
    stderr: PathBuf,
}

impl Shim {
    /// The MCP handshake.
    pub fn initialize(&mut self) -> Value {
        let params = json!({
            "protocolVersion": MCP_VERSION, "capabilities": {},
            "clientInfo": {"name": self.client, "version": "1.0"},
        });
        let result = self.rpc("initialize", &params).expect("initialize is answered");
        self.notify("notifications/initialized", &json!({}));
        result
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send_raw(bytes).expect("the shim reads its stdin");
    }

    /// Sends bytes as they are, unless the shim is gone.
    pub fn try_send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.input.as_mut().expect("stdin is open").write(bytes)
    }

    /// Sends one JSON line.
    pub fn send(&mut self, message: &Value) {
        let mut line = message.to_string();
        line.push('\n');
        self.send_raw(line.as_bytes());
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request.
    pub fn request(&mut self, method: &str, params: &Value) -> Pending {
        let id = json!(self.next_id);
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        Pending { id, wire: Arc::clone(&self.wire) }
    }

    /// Sends a request and waits for what comes back: the result, or the JSON-RPC error.
    #[track_caller]
    pub fn rpc(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let response = self.request(method, params).response(PATIENCE);
        match response.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(response["result"].clone()),
        }
    }

    /// Sends a tool call.
    #[expect(clippy::needless_pass_by_value, reason = "calls read best with json!({…}) in place")]
    pub fn start_call(&mut self, tool: &str, arguments: Value) -> Pending {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Calls a tool.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> ToolResult {
        self.start_call(tool, arguments).result(PATIENCE)
    }

    /// Calls a tool that must succeed.
    #[track_caller]
    pub fn ok(&mut self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments).ok()
    }

    /// Sends a message that must succeed; its id.
    #[track_caller]
    pub fn say(&mut self, to: &str, body: &str) -> i64 {
        self.ok("send_message", json!({"to": to, "body": body}))["id"].as_i64().expect("an id")
    }

    /// The ids in the inbox, with these arguments.
    #[track_caller]
    pub fn inbox_ids(&mut self, arguments: Value) -> Vec<i64> {
        ids(&self.ok("inbox", arguments))
    }

    /// The bodies in the inbox, with these arguments.
    #[track_caller]
    pub fn inbox_bodies(&mut self, arguments: Value) -> Vec<String> {
        let page = self.ok("inbox", arguments);
        let messages = page["messages"].as_array().expect("messages");
        messages.iter().map(|message| message["body"].as_str().expect("a body").to_owned()).collect()
    }

    /// What this session is in its own list of sessions.
    #[track_caller]
    pub fn own_row(&mut self) -> Value {
        let list = self.ok("list_sessions", json!({}));
        let sessions = list["sessions"].as_array().expect("sessions");
        let own: Vec<_> = sessions.iter().filter(|session| session["is_self"] == true).collect();
        assert_eq!(own.len(), 1, "one row is one's own: {list}");
        own[0].clone()
    }

    /// The name that this session has.
    #[track_caller]
    pub fn own_name(&mut self) -> String {
        self.own_row()["name"].as_str().expect("a name").to_owned()
    }

    /// The row of another session as this one sees it.
    #[track_caller]
    pub fn row_of(&mut self, name: &str) -> Option<Value> {
        let list = self.ok("list_sessions", json!({"active_within_min": 100_000}));
        list["sessions"].as_array().expect("sessions").iter().find(|row| row["name"] == name).cloned()
    }

    /// Waits until this session is seen to be blocked in a wait for mail, by asking over another one.
    #[track_caller]
    pub fn until_waiting(&mut self, name: &str) {
        eventually::until(&format!("{name} waits"), PATIENCE, || {
            self.row_of(name).is_some_and(|row| row["waiting"] == true)
        });
    }

    /// What came over stdout.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the shim's input.
    pub fn close_stdin(&mut self) {
        if let Some(input) = self.input.take() {
            input.close();
        }
    }

    /// Kills the process.
    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Waits until the process ended.
    pub fn wait_exit(&mut self, within: Duration) -> Option<ExitStatus> {
        eventually::look(within, || self.child.try_wait().expect("a child can be waited for"))
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        self.kill();
        let faults = self.wire.faults();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.stderr).unwrap_or_default();
            eprintln!("--- stderr of shim {}\n{log}", self.child.id());
        } else {
            assert!(faults.is_empty(), "stdout held more than JSON-RPC: {faults:?}");
        }
    }
}

/// The ids of the messages of a result.
///
/// # Panics
/// If it holds none.
#[track_caller]
pub(crate) fn ids(page: &Value) -> Vec<i64> {
    let messages = page["messages"].as_array().unwrap_or_else(|| panic!("no messages: {page}"));
    messages.iter().map(|message| message["id"].as_i64().expect("an id")).collect()
}
