//! An MCP client of the plainest kind: writes a line, reads lines until the answer comes. One thread, blocking pipes, so
//! that nothing but the server's own work stands in a measured time. It drives any stdio server alike.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A server process and the pipes to it. Dropping it ends the process.
#[derive(Debug)]
pub struct Mcp {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next_id: u64,
    line: String,
}

impl Mcp {
    /// Starts a server and says nothing to it.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output, next_id: 0, line: String::new() }
    }

    /// Starts a server and does the handshake.
    #[must_use]
    pub fn start(command: Command) -> Self {
        let mut mcp = Self::spawn(command);
        mcp.initialize();
        mcp
    }

    /// The handshake.
    pub fn initialize(&mut self) {
        self.greet();
        self.greeted();
    }

    /// The first half of the handshake: until `initialize` is answered.
    pub fn greet(&mut self) {
        let client = json!({"name": "bench", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        self.request("initialize", &params);
    }

    /// The second half, which nobody answers.
    pub fn greeted(&mut self) {
        self.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    /// A request, and its result.
    ///
    /// # Panics
    /// If the server ends, or answers with an error.
    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.begin(method, params);
        self.finish(id)
    }

    /// A tool call that must succeed; the object in its result.
    ///
    /// # Panics
    /// If it fails.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.begin_call(tool, arguments);
        self.finish_call(id)
    }

    /// Sends a tool call.
    pub fn begin_call(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.begin("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// The result of a tool call that must succeed.
    ///
    /// # Panics
    /// If it fails.
    pub fn finish_call(&mut self, id: u64) -> Value {
        let result = self.finish(id);
        assert!(result["isError"] != true, "the call failed: {result}");
        let text = result["content"][0]["text"].as_str().unwrap_or("null");
        serde_json::from_str(text).unwrap_or(Value::Null)
    }

    /// Sends a request.
    pub fn begin(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}));
        self.next_id
    }

    /// Reads until this request is answered.
    ///
    /// # Panics
    /// If the server ends, or answers with an error.
    pub fn finish(&mut self, id: u64) -> Value {
        loop {
            let mut message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "a request failed: {message}");
                return message["result"].take();
            }
        }
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn next(&mut self) -> Value {
        self.line.clear();
        let read = self.output.read_line(&mut self.line).expect("the server's stdout can be read");
        assert!(read > 0, "the server ended: {:?}", self.child.wait());
        serde_json::from_str(&self.line).unwrap_or_else(|error| panic!("{error} in {:?}", self.line))
    }

    fn write(&mut self, message: &Value) {
        let mut line = message.to_string();
        line.push('\n');
        let input = self.input.as_mut().expect("stdin is open");
        input.write_all(line.as_bytes()).expect("the server reads its stdin");
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        drop(self.input.take());
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
