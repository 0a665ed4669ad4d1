//! Runs `c2c hook` as Claude Code does: with the client's process id, and the hook's JSON on stdin.

use crate::{Sandbox, binary};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

/// The hooks of one client session. The client is the process of the test itself: it is the parent of the shims that it
/// starts.
#[derive(Clone, Debug)]
pub struct Hooks {
    env: Vec<(String, String)>,
    session_id: String,
}

impl Hooks {
    /// Of the client session with this id.
    #[must_use]
    pub fn new(sandbox: &Sandbox, session_id: &str) -> Self {
        let mut env: Vec<_> = sandbox.env().into_iter().collect();
        env.push(("CLAUDE_PID".to_owned(), std::process::id().to_string()));
        Self { env, session_id: session_id.to_owned() }
    }

    /// With this in their environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts one; `more`: what its input holds beside the session's id.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(&self, event: &str, more: &Value) -> Child {
        let mut child = self.start_open(event);
        let mut input = json!({"session_id": self.session_id, "cwd": "/", "hook_event_name": event});
        if let (Some(input), Some(more)) = (input.as_object_mut(), more.as_object()) {
            input.extend(more.clone());
        }
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // One that has nothing to do does not read it.
        let _unread = stdin.write_all(input.to_string().as_bytes());
        drop(stdin);
        child
    }

    /// Starts one whose input stays open until the child is dropped.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_open(&self, event: &str) -> Child {
        let mut command = Command::new(binary("c2c"));
        command.args(["hook", event]).env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("c2c can be started")
    }

    /// Runs one to its end.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn run(&self, event: &str, more: &Value) -> Output {
        self.start(event, more).wait_with_output().expect("its output can be read")
    }

    /// What one that ends well puts before the model; empty if nothing.
    ///
    /// # Panics
    /// If it does not end with 0, or says something else than the client takes.
    #[must_use]
    pub fn text(&self, event: &str, more: &Value) -> String {
        let output = self.run(event, more);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        if output.stdout.is_empty() {
            return String::new();
        }
        let said: Value = serde_json::from_slice(&output.stdout).expect("a hook says JSON");
        let context = &said["hookSpecificOutput"]["additionalContext"];
        let text = if said["decision"] == "block" { &said["reason"] } else { context };
        text.as_str().unwrap_or_else(|| panic!("neither context nor a reason: {said}")).to_owned()
    }
}
