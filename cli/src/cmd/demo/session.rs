//! One coding session of the demonstration: a folder, and the shim that its client starts there.

use super::programs::Programs;
use crate::mcp::{Ended, Pending, Server};
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// How long one call may take, in seconds: far more than any of them needs.
const CALL_TIMEOUT_S: u64 = 12;
/// The MCP version that the client asks for.
const MCP_VERSION: &str = "2025-11-25";
/// Characters of a shim's own messages that are shown when something fails.
const LOG_SHOWN_CHARS: usize = 2_000;

/// A session whose shim runs.
pub(in crate::cmd) struct Session {
    /// Its folder's name, and therefore its own.
    pub(in crate::cmd) name: &'static str,
    server: Server,
    log: PathBuf,
}

/// What a tool call came to.
pub(in crate::cmd) struct Outcome {
    /// The JSON object in the result.
    pub(in crate::cmd) value: Value,
    /// Whether the result is marked as an error.
    pub(in crate::cmd) is_error: bool,
    /// From sending the call to its result.
    pub(in crate::cmd) took: Duration,
}

/// A tool call that is on its way.
pub(in crate::cmd) struct Call {
    /// Which tool.
    pub(in crate::cmd) tool: &'static str,
    pending: Pending,
}

/// What the server said of itself.
pub(in crate::cmd) struct Introduction {
    /// Its name and version.
    pub(in crate::cmd) server: String,
    /// The names of its tools.
    pub(in crate::cmd) tools: Vec<String>,
    /// From starting the process to the list of tools.
    pub(in crate::cmd) took: Duration,
}

impl Session {
    /// Starts the shim in a new folder of that name, as a client would.
    pub(in crate::cmd) fn start(
        programs: &Programs,
        folder: &Path,
        store: &Path,
        name: &'static str,
    ) -> anyhow::Result<Self> {
        let project = folder.join(name);
        fs::create_dir(&project).with_context(|| format!("failed to create {}", project.display()))?;
        let log = folder.join(format!("{name}.log"));
        let mut command = Command::new(&programs.shim);
        for (variable, _) in std::env::vars_os() {
            // Whoever runs the demonstration inside a real session must not lend that session's identity to it.
            let shown = variable.to_string_lossy();
            if shown.starts_with("CLAUDE") || shown.starts_with("C2C_") {
                command.env_remove(&variable);
            }
        }
        command.env("CLAUDE_C2C_DB", store).current_dir(&project).stderr(File::create(&log)?);
        Ok(Self { name, server: Server::start(command)?, log })
    }

    /// The handshake of MCP, and the list of tools.
    pub(in crate::cmd) async fn introduce(&self, started: Instant) -> anyhow::Result<Introduction> {
        let client = json!({"name": "c2c-demo", "version": env!("CARGO_PKG_VERSION")});
        let hello = json!({"protocolVersion": MCP_VERSION, "capabilities": {}, "clientInfo": client});
        let (welcome, _) = self.answer("initialize", self.server.request("initialize", &hello)?).await?;
        self.server.notify("notifications/initialized")?;
        let (list, _) = self.answer("tools/list", self.server.request("tools/list", &json!({}))?).await?;
        let tools = list["tools"].as_array().context("tools/list has no tools")?;
        let info = &welcome["serverInfo"];
        Ok(Introduction {
            server: format!("{} {}", text(info, "name"), text(info, "version")),
            tools: tools.iter().map(|tool| text(tool, "name").to_owned()).collect(),
            took: started.elapsed(),
        })
    }

    /// Sends a tool call without waiting for its result.
    pub(in crate::cmd) fn begin(&self, tool: &'static str, arguments: &Value) -> anyhow::Result<Call> {
        let params = json!({"name": tool, "arguments": arguments});
        Ok(Call { tool, pending: self.server.request("tools/call", &params)? })
    }

    /// The result of a call of this session.
    pub(in crate::cmd) async fn finish(&self, Call { tool, pending }: Call) -> anyhow::Result<Outcome> {
        let (result, took) = self.answer(tool, pending).await?;
        let text = text(&result["content"][0], "text");
        let value =
            serde_json::from_str(text).with_context(|| format!("the result of {tool} is no JSON: {text}"))?;
        Ok(Outcome { value, is_error: result["isError"] == true, took })
    }

    /// A tool call that must succeed.
    pub(in crate::cmd) async fn call(
        &self,
        tool: &'static str,
        arguments: &Value,
    ) -> anyhow::Result<Outcome> {
        let call = self.begin(tool, arguments)?;
        self.succeeded(call).await
    }

    /// The result of a call of this session that must succeed.
    pub(in crate::cmd) async fn succeeded(&self, call: Call) -> anyhow::Result<Outcome> {
        let tool = call.tool;
        let outcome = self.finish(call).await?;
        if outcome.is_error {
            return Err(anyhow!("{tool} of session {} failed: {}", self.name, outcome.value));
        }
        Ok(outcome)
    }

    async fn answer(&self, what: &str, pending: Pending) -> anyhow::Result<(Value, Duration)> {
        let limit = Duration::from_secs(CALL_TIMEOUT_S);
        let answer = match tokio::time::timeout(limit, pending.result()).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(elapsed).with_context(|| format!("no answer within {CALL_TIMEOUT_S} s")),
        };
        answer.with_context(|| format!("{what} of session {} failed{}", self.name, self.last_words()))
    }

    /// What the shim wrote to its stderr, for an error message.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let log = log.trim();
        if log.is_empty() {
            return String::new();
        }
        let skip = log.chars().count().saturating_sub(LOG_SHOWN_CHARS);
        format!(" (its shim said: {})", log.chars().skip(skip).collect::<String>())
    }

    /// Closes the shim's stdin, as a client does that ends, and waits for it.
    pub(in crate::cmd) async fn end(self) -> anyhow::Result<Ended> {
        self.server.end().await.with_context(|| format!("failed to end session {}", self.name))
    }
}

impl Call {
    /// When it was sent.
    pub(in crate::cmd) const fn sent_at(&self) -> Instant {
        self.pending.sent_at
    }
}

/// A text member of an object, empty if there is none.
pub(in crate::cmd) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}
