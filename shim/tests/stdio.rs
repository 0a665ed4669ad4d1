//! The program as its client sees it, without any broker: what is on stdout, what is answered, when it ends.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of a test fail like the test"
)]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

struct Shim {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    _folder: TempDir,
}

/// The program, which cargo builds before these tests: two folders above them. (The variable that names it has a dash in its
/// name, and does not get through every shell that a cross compiler may be wrapped in.)
fn shim() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(format!("c2c-shim{}", std::env::consts::EXE_SUFFIX))
}

impl Shim {
    /// In a folder of its own, with no broker to be found: the program is put away from the one beside it.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let _alone = starting();
        let shim = shim();
        let program = folder.path().join(shim.file_name().unwrap());
        // A link where that can be: nothing has been writing to the file for long.
        if std::fs::hard_link(&shim, &program).is_err() {
            std::fs::copy(&shim, &program).unwrap();
        }
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("CLAUDE_C2C_DB", folder.path().join("c2c.db"))
            .env("HOME", folder.path())
            .env("PATH", "");
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
        command.current_dir(folder.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (out, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.split(b'\n') {
                let line = line.unwrap();
                let text = String::from_utf8(line).unwrap();
                let message: Value =
                    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no MCP on stdout: {text:?}"));
                assert_eq!(message["jsonrpc"], "2.0", "{message}");
                if out.send(message).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, _folder: folder }
    }

    fn initialized() -> Self {
        let mut shim = Self::start();
        let answer = shim.ask(&initialize("2025-11-25"));
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
        shim.write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        shim
    }

    fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    fn answer(&mut self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Writes one message, and takes the next one that comes.
    fn ask(&mut self, message: &Value) -> Value {
        self.write(format!("{message}\n").as_bytes());
        self.answer()
    }

    /// Its stdout ends with it.
    fn wait_exit(&mut self) -> ExitStatus {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
    }
}

/// One test at a time copies and starts programs: a process that is started while another test still writes its copy
/// holds that file open for writing until its own program runs, and a file that is open for writing cannot be run.
fn starting() -> MutexGuard<'static, ()> {
    static STARTING: Mutex<()> = Mutex::new(());
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Shim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn initialize(version: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
}

fn request(id: i64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn call(id: i64, tool: &str, arguments: &Value) -> Value {
    request(id, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

#[test]
fn versions_that_it_does_not_speak_get_the_newest() {
    for (asked, given) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("2025-03-26", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("nonsense", "2025-11-25"),
    ] {
        let answer = Shim::start().ask(&initialize(asked));
        assert_eq!(answer["result"]["protocolVersion"], given, "{asked}: {answer}");
    }
}

#[test]
fn the_handshake_is_answered_in_full() {
    let answer = Shim::start().ask(&initialize("2025-11-25"));
    let mut result = answer["result"].clone();
    assert_eq!(result["serverInfo"]["name"], "c2c");
    assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    let members = result.as_object_mut().unwrap();
    members.remove("serverInfo");
    members.remove("instructions");
    insta::assert_snapshot!(serde_json::to_string_pretty(&result).unwrap());
}

#[test]
fn nothing_before_initialize_ends_it() {
    let mut shim = Shim::start();
    let discover = request(
        1,
        "server/discover",
        &json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}),
    );
    let answer = shim.ask(&discover);
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32601)));
    shim.write(
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n",
    );
    shim.write(b"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}\n");
    assert_eq!(shim.ask(&request(2, "ping", &json!({})))["result"], json!({}));
    let early = shim.ask(&call(3, "heartbeat", &json!({})));
    assert_eq!((&early["id"], &early["error"]["code"]), (&json!(3), &json!(-32600)));
    assert_eq!(shim.ask(&initialize("2025-11-25"))["id"], "init");
    assert_eq!(shim.ask(&discover)["error"]["code"], -32601);
}

#[test]
fn lists_are_there_without_a_broker() {
    let mut shim = Shim::initialized();
    let tools = shim.ask(&request(1, "tools/list", &json!({})));
    assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 12);
    let resources = shim.ask(&request(2, "resources/list", &json!({})));
    assert_eq!(resources["result"]["resources"][0]["uri"], "c2c://inbox");
    let templates = shim.ask(&request(3, "resources/templates/list", &json!({})));
    assert_eq!(templates["result"]["resourceTemplates"], json!([]));
    assert_eq!(
        shim.ask(&request(4, "resources/subscribe", &json!({"uri": "c2c://inbox"})))["result"],
        json!({})
    );
    assert_eq!(
        shim.ask(&request(5, "resources/unsubscribe", &json!({"uri": "c2c://inbox"})))["result"],
        json!({})
    );
    for (id, method) in [(6, "resources/subscribe"), (7, "resources/read")] {
        let error = shim.ask(&request(id, method, &json!({"uri": "c2c://other"})));
        assert_eq!(error["error"]["code"], -32002, "{error}");
    }
    for (id, method) in
        [(8, "prompts/list"), (9, "logging/setLevel"), (10, "no/such"), (11, "completion/complete")]
    {
        assert_eq!(shim.ask(&request(id, method, &json!({})))["error"]["code"], -32601, "{method}");
    }
}

#[test]
fn lines_that_are_no_message_are_answered_and_end_nothing() {
    let mut shim = Shim::initialized();
    for (line, id, code) in [
        (b"\n".as_slice(), Value::Null, -32700),
        (b"garbage\n", Value::Null, -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\",\n", json!(5), -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"\xff\"}\n", json!(6), -32700),
        (b"[]\n", Value::Null, -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":7}\n", json!(7), -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{}}\n", json!(8), -32602),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"nope\"}}\n",
            json!(9),
            -32602,
        ),
    ] {
        shim.write(line);
        let answer = shim.answer();
        let shown = String::from_utf8_lossy(line).into_owned();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)), "{shown}: {answer}");
    }
    assert_eq!(shim.ask(&request(20, "ping", &json!({})))["result"], json!({}));
}

#[test]
fn bad_arguments_are_a_result_that_needs_no_broker() {
    let mut shim = Shim::initialized();
    let answer = shim.ask(&call(1, "send_message", &json!({"to": "a", "body": ""})));
    assert_eq!(answer["result"]["isError"], true);
    let blocks = answer["result"]["content"].as_array().unwrap();
    assert_eq!(blocks.len(), 1);
    assert!(answer["result"].get("structuredContent").is_none());
    let error: Value = serde_json::from_str(blocks[0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(error["code"], "invalid_argument");
}

#[test]
fn without_a_broker_calls_fail_and_the_shim_stays() {
    let mut shim = Shim::initialized();
    let asked = Instant::now();
    let answer = shim.ask(&call(1, "heartbeat", &json!({})));
    assert!(asked.elapsed() < Duration::from_secs(10));
    let error: Value =
        serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(error["code"], "broker_unreachable", "{error}");
    assert_eq!(error["retry_safe"], true);
    let read = shim.ask(&request(2, "resources/read", &json!({"uri": "c2c://inbox"})));
    assert_eq!(read["error"]["data"]["code"], "broker_unreachable", "{read}");
    assert_eq!(shim.ask(&request(3, "ping", &json!({})))["result"], json!({}));
}

#[test]
fn the_end_of_stdin_ends_it_also_with_a_call_in_flight() {
    for waits in [false, true] {
        let mut shim = Shim::initialized();
        if waits {
            shim.write(format!("{}\n", call(1, "wait_for_message", &json!({"timeout_s": 600}))).as_bytes());
            // Answered in order of reading: afterwards the wait has been read too.
            assert_eq!(shim.ask(&request(2, "ping", &json!({})))["id"], 2);
        }
        drop(shim.stdin.take());
        let closed = Instant::now();
        assert!(shim.wait_exit().success());
        assert!(closed.elapsed() < Duration::from_secs(2), "{:?}", closed.elapsed());
    }
}

#[test]
fn what_was_asked_before_the_end_of_stdin_is_answered() {
    let mut shim = Shim::start();
    // The last line has no end.
    let lines = format!("{}\n{}", initialize("2025-11-25"), request(1, "tools/list", &json!({})));
    shim.write(lines.as_bytes());
    drop(shim.stdin.take());
    assert_eq!(shim.answer()["id"], "init");
    assert_eq!(shim.answer()["id"], 1);
    assert!(shim.wait_exit().success());
}

#[test]
fn also_what_is_no_message_is_answered_before_the_end() {
    let mut shim = Shim::start();
    shim.write(b"garbage");
    drop(shim.stdin.take());
    assert_eq!(shim.answer()["error"]["code"], -32700);
    assert!(shim.wait_exit().success());
}

#[test]
fn options_print_and_unknown_ones_are_refused() {
    let run = |option: &str| {
        let _alone = starting();
        Command::new(shim()).arg(option).output().unwrap()
    };
    let version = run("--version");
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("c2c-shim {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = run("--help");
    assert_eq!(String::from_utf8(help.stdout).unwrap(), c2c_shim::help::HELP);
    let wrong = run("--nonsense");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stdout.is_empty());
}
