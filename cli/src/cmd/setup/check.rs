//! The check at the end: a real call, through the installed programs, on the user's store.

use crate::mcp::Server;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long all of it may take: a broker may have to start first.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The MCP version that the check asks for.
const MCP_VERSION: &str = "2025-11-25";

/// Calls a tool as a session would, but takes no name. Returns what came of it, for people.
pub(super) async fn call(shim: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(shim);
    command.env("C2C_NAME", "-").stderr(Stdio::null());
    let server = Server::start(command)?;
    let answered = timeout(TIMEOUT, ask(&server)).await;
    // Whether it ended in time does not change what it answered.
    let _ = server.end().await;
    answered.with_context(|| format!("{} did not answer in time", shim.display()))?
}

async fn ask(server: &Server) -> anyhow::Result<String> {
    let client = json!({"name": "c2c-setup", "version": env!("CARGO_PKG_VERSION")});
    let hello = json!({"protocolVersion": MCP_VERSION, "capabilities": {}, "clientInfo": client});
    let (hello, _) = server.request("initialize", &hello)?.result().await?;
    server.notify("notifications/initialized")?;
    let call = json!({"name": "list_sessions", "arguments": {}});
    let (result, took) = server.request("tools/call", &call)?.result().await?;
    let text = result["content"][0]["text"].as_str().context("the result of list_sessions has no text")?;
    let answer: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    if result["isError"] == true {
        let word = |key: &str| answer[key].as_str().unwrap_or(text).to_owned();
        bail!("list_sessions failed: {}\n     {}", word("message"), word("hint"));
    }
    let sessions = answer["sessions"].as_array().context("the result of list_sessions has no sessions")?;
    let named = |session: &Value| session["name"].as_str().map(str::to_owned);
    let names: Vec<String> =
        sessions.iter().filter(|session| session["online"] == true).filter_map(named).collect();
    let online = if names.is_empty() { "no session is online".to_owned() } else { names.join(", ") };
    let info = &hello["serverInfo"];
    let server =
        format!("{} {}", info["name"].as_str().unwrap_or("?"), info["version"].as_str().unwrap_or("?"));
    Ok(format!("{server} answered list_sessions in {} ms ({online})", took.as_millis()))
}
