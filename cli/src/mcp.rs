//! An MCP client of the plainest kind: it starts a server as a child process and speaks JSON-RPC with it, one message a
//! line. It owns the child and both pipes, and knows nothing of c2c.

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Messages that wait to be written, at most.
const OUTGOING_MAX: usize = 256;
/// How long a server may take to end after its stdin was closed, in seconds; then it is killed.
const END_TIMEOUT_S: u64 = 2;
/// JSON-RPC: the method does not exist.
const METHOD_NOT_FOUND: i32 = -32601;

/// A server's answer, and when it came.
type Answer = (Value, Instant);

/// What is to be written: the message, and who waits for the answer.
struct Outgoing {
    message: Value,
    answer: Option<oneshot::Sender<Answer>>,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    outgoing: mpsc::Sender<Outgoing>,
    conversation: JoinHandle<u64>,
}

/// A request that was sent and is not answered yet.
pub(crate) struct Pending {
    answer: oneshot::Receiver<Answer>,
    /// When it was sent.
    pub(crate) sent_at: Instant,
}

/// How a server ended.
pub(crate) struct Ended {
    /// From closing its stdin to its end; `None` if it had to be killed.
    pub(crate) after: Option<Duration>,
    /// Lines on its stdout that were no JSON-RPC.
    pub(crate) stray_lines: u64,
}

impl Server {
    /// Starts the server; it is killed when this value is dropped.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {}", command.as_std().get_program().display()))?;
        let stdin = child.stdin.take().context("the child has no stdin")?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        let (outgoing, to_write) = mpsc::channel(OUTGOING_MAX);
        let conversation = Conversation {
            stdin,
            lines: BufReader::new(stdout).lines(),
            waiting: HashMap::new(),
            last_id: 0,
            stray_lines: 0,
        };
        Ok(Self { child, outgoing, conversation: tokio::spawn(conversation.run(to_write)) })
    }

    /// Sends a request; the answer is awaited separately.
    pub(crate) fn request(&self, method: &str, params: &Value) -> anyhow::Result<Pending> {
        let (answer, receiver) = oneshot::channel();
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        let sent_at = Instant::now();
        self.send(Outgoing { message, answer: Some(answer) })?;
        Ok(Pending { answer: receiver, sent_at })
    }

    /// Sends a notification.
    pub(crate) fn notify(&self, method: &str) -> anyhow::Result<()> {
        self.send(Outgoing { message: json!({"jsonrpc": "2.0", "method": method}), answer: None })
    }

    fn send(&self, outgoing: Outgoing) -> anyhow::Result<()> {
        self.outgoing
            .try_send(outgoing)
            .map_err(|_| anyhow!("the server has ended or does not read its stdin"))
    }

    /// Closes the server's stdin and waits for its end.
    pub(crate) async fn end(self) -> anyhow::Result<Ended> {
        let Self { mut child, outgoing, conversation } = self;
        let started = Instant::now();
        // The conversation ends when nobody can send any more, and closes the server's stdin with it.
        drop(outgoing);
        let limit = Duration::from_secs(END_TIMEOUT_S);
        let after = match tokio::time::timeout(limit, child.wait()).await {
            Ok(status) => status.map(|_| Some(started.elapsed()))?,
            Err(_) => {
                child.kill().await?;
                None
            }
        };
        let stray_lines = conversation.await.context("the conversation with the server broke off")?;
        Ok(Ended { after, stray_lines })
    }
}

impl Pending {
    /// The answer's result and how long it took.
    pub(crate) async fn result(self) -> anyhow::Result<(Value, Duration)> {
        let (mut answer, came_at) =
            self.answer.await.map_err(|_| anyhow!("the server ended without an answer"))?;
        if let Some(error) = answer.get("error") {
            bail!("the server answered with the error {error}");
        }
        Ok((answer["result"].take(), came_at.duration_since(self.sent_at)))
    }
}

/// The task that owns both pipes.
struct Conversation {
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    last_id: u64,
    stray_lines: u64,
}

impl Conversation {
    /// Until the server ends. Returns how many of its lines were no JSON-RPC.
    async fn run(mut self, mut to_write: mpsc::Receiver<Outgoing>) -> u64 {
        loop {
            let went_on = tokio::select! {
                outgoing = to_write.recv() => match outgoing {
                    Some(outgoing) => self.write(outgoing).await,
                    None => break,
                },
                line = self.lines.next_line() => match line {
                    Ok(Some(line)) => self.read(&line).await,
                    Ok(None) | Err(_) => return self.stray_lines,
                },
            };
            if went_on.is_err() {
                return self.stray_lines;
            }
        }
        let Self { stdin, mut lines, mut stray_lines, .. } = self;
        drop(stdin);
        while let Ok(Some(line)) = lines.next_line().await {
            stray_lines += u64::from(!is_json_rpc(&line));
        }
        stray_lines
    }

    async fn write(&mut self, Outgoing { mut message, answer }: Outgoing) -> std::io::Result<()> {
        if let Some(answer) = answer {
            self.last_id += 1;
            message["id"] = json!(self.last_id);
            self.waiting.insert(self.last_id, answer);
        }
        self.write_line(&message).await
    }

    async fn write_line(&mut self, message: &Value) -> std::io::Result<()> {
        let line = format!("{message}\n");
        self.stdin.write_all(line.as_bytes()).await?;
        self.stdin.flush().await
    }

    async fn read(&mut self, line: &str) -> std::io::Result<()> {
        if !is_json_rpc(line) {
            self.stray_lines += 1;
            return Ok(());
        }
        let message: Value = serde_json::from_str(line)?;
        if message.get("method").is_some() {
            return self.answer_server(&message).await;
        }
        let waiting = message["id"].as_u64().and_then(|id| self.waiting.remove(&id));
        if let Some(waiting) = waiting {
            // Nobody waits any more if its caller was interrupted.
            let _ = waiting.send((message, Instant::now()));
        }
        Ok(())
    }

    /// A server may ask too: it gets its ping answered, and is told that this client can do nothing else.
    async fn answer_server(&mut self, message: &Value) -> std::io::Result<()> {
        let Some(id) = message.get("id") else { return Ok(()) };
        let answer = if message["method"] == "ping" {
            json!({"jsonrpc": "2.0", "id": id, "result": {}})
        } else {
            let error = json!({"code": METHOD_NOT_FOUND, "message": "this client has no such method"});
            json!({"jsonrpc": "2.0", "id": id, "error": error})
        };
        self.write_line(&answer).await
    }
}

fn is_json_rpc(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|message| message["jsonrpc"] == "2.0")
}
