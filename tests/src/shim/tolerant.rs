//! Driving a shim that may be killed or frozen at any moment: what does not work is said, and nothing panics.

use super::{MCP_VERSION, Shim};
use crate::call::Pending;
use crate::wire::CUT_LINE;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Shim {
    /// Sends a request; `None` if the shim does not read any more.
    pub fn try_request(&mut self, method: &str, params: &Value) -> Option<Pending> {
        let id = json!(self.next_id);
        self.next_id += 1;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.try_send(&message).then(|| Pending { id, wire: Arc::clone(&self.wire) })
    }

    /// Sends a tool call; `None` if the shim does not read any more.
    #[expect(clippy::needless_pass_by_value, reason = "calls read best with json!({…}) in place")]
    pub fn try_start_call(&mut self, tool: &str, arguments: Value) -> Option<Pending> {
        self.try_request("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// The MCP handshake; whether it came about.
    pub fn try_initialize(&mut self, within: Duration) -> bool {
        let params = json!({
            "protocolVersion": MCP_VERSION, "capabilities": {},
            "clientInfo": {"name": self.client, "version": "1.0"},
        });
        let Some(pending) = self.try_request("initialize", &params) else { return false };
        let Some((_, response)) = pending.response_at(within) else { return false };
        response.get("result").is_some()
            && self.try_send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized", "params": {}}))
    }

    /// Tells the shim that a result is not wanted any more; whether it could be told.
    pub fn try_cancel(&mut self, pending: &Pending) -> bool {
        let params = json!({"requestId": pending.id, "reason": "test"});
        self.try_send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
    }

    fn try_send(&mut self, message: &Value) -> bool {
        let mut line = message.to_string();
        line.push('\n');
        self.try_send_raw(line.as_bytes()).is_ok()
    }

    /// Whether the process ended, or its output did.
    pub fn is_gone(&mut self) -> bool {
        self.wire.ended(Duration::ZERO) || self.wait_exit(Duration::ZERO).is_some()
    }

    /// Kills the process; what was wrong with its output, but for a line that the kill cut off.
    #[must_use]
    pub fn put_away(mut self) -> Vec<String> {
        self.kill();
        self.wire.ended(Duration::from_secs(5));
        self.wire.take_faults().into_iter().filter(|fault| !fault.starts_with(CUT_LINE)).collect()
    }
}

impl Pending {
    /// The response and when it came; `None` if none comes in time, or ever.
    #[must_use]
    pub fn response_at(&self, within: Duration) -> Option<(Instant, Value)> {
        self.wire.response_at(&self.id, within)
    }
}
