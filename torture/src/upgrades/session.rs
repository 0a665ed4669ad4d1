//! One session of a run: a shim whose every answer is written down.

use super::PATIENCE;
use super::ledger::Ledger;
use c2c_harness::{Pending, Sandbox, Shim, ToolResult};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A registered session.
pub(crate) struct Session {
    pub(crate) name: String,
    pub(crate) ledger: Arc<Ledger>,
    shim: Shim,
}

impl Session {
    /// Starts one and waits until it is registered.
    pub(crate) fn start(sandbox: &Sandbox, program: &Path, name: &str, ledger: &Arc<Ledger>) -> Self {
        let shim = sandbox.shim().program(program).name(name).session();
        Self { name: name.to_owned(), ledger: Arc::clone(ledger), shim }
    }

    /// Calls a tool that does not wait, and notes how long it took. `None` is a fault, and noted as one.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Option<Value> {
        let begun = Instant::now();
        let pending = self.shim.start_call(tool, arguments);
        let answer = self.answer(tool, &pending, PATIENCE);
        self.ledger.call(begun.elapsed());
        answer
    }

    /// Sends a call that waits.
    pub(crate) fn begin(&mut self, tool: &str, arguments: Value) -> Pending {
        self.shim.start_call(tool, arguments)
    }

    /// Sends a call that waits, and asks to be told how it goes on.
    pub(crate) fn begin_with_progress(&mut self, tool: &str, arguments: &Value) -> Pending {
        let meta = json!({"progressToken": self.name});
        self.shim.request("tools/call", &json!({"name": tool, "arguments": arguments, "_meta": meta}))
    }

    /// The result of a call. `None` is a fault, and noted as one.
    pub(crate) fn answer(&self, tool: &str, pending: &Pending, within: Duration) -> Option<Value> {
        let Some(result) = pending.try_result(within) else {
            self.ledger.fault(format!("{}: no answer to {tool} within {within:?}", self.name));
            return None;
        };
        let ToolResult { is_error, json, text } = result;
        if is_error {
            self.ledger.fault(format!("{}: {tool}: {text}", self.name));
            return None;
        }
        Some(json)
    }

    /// Sends a message and writes it down.
    pub(crate) fn say(&mut self, to: &[String], body: &str) -> Option<()> {
        let addressed = if let [one] = to { json!(one) } else { json!(to) };
        let sent = self.call("send_message", json!({"to": addressed, "body": body}))?;
        self.ledger.sent(body, sent["id"].as_i64().unwrap_or_default(), to.iter().cloned());
        Some(())
    }

    /// Writes down the mail of a result, and marks it read.
    pub(crate) fn take_in(&mut self, result: &Value) -> Option<Vec<String>> {
        if result["repeated"] == true {
            self.ledger.fault(format!("{}: reminded of mail that it had not seen", self.name));
        }
        let ids = self.ledger.came(&self.name, &result["messages"]);
        let marked = self.call("mark_read", json!({"message_ids": ids}))?;
        if marked["marked"].as_u64() != u64::try_from(ids.len()).ok() {
            self.ledger.fault(format!("{}: of {ids:?} {marked}", self.name));
        }
        self.ledger.read(&self.name, &ids);
        let messages = result["messages"].as_array()?;
        Some(messages.iter().map(|message| message["body"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// What the shim told unasked about its calls, in order.
    pub(crate) fn progress(&self) -> Vec<f64> {
        let next = || self.shim.wire().notification("notifications/progress", Duration::ZERO);
        std::iter::from_fn(next).filter_map(|note| note["params"]["progress"].as_f64()).collect()
    }
}
