//! What the model answers, in the form of the Messages API: as events, or whole.

use super::http;
use serde_json::{Value, json};
use std::io::{Result, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) fn no_such_endpoint() -> Value {
    json!({"type": "error", "error": {"type": "not_found_error", "message": "the scripted model has no such endpoint"}})
}

fn usage(output: u32) -> Value {
    json!({
        "input_tokens": 100, "output_tokens": output,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
    })
}

fn stop_reason(content: &[Value]) -> &'static str {
    if content.iter().any(|block| block["type"] == "tool_use") { "tool_use" } else { "end_turn" }
}

/// The client takes two messages with one id for one message.
static MESSAGES: AtomicU64 = AtomicU64::new(1);

fn message(model: &str, content: &[Value], stop: &Value, output: u32) -> Value {
    let id = format!("msg_{:024}", MESSAGES.fetch_add(1, Ordering::Relaxed));
    json!({
        "id": id, "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop, "stop_sequence": null, "usage": usage(output),
    })
}

/// The answer in one piece.
pub(super) fn whole(stream: &mut TcpStream, model: &str, content: &[Value]) -> Result<()> {
    http::json(stream, "200 OK", &message(model, content, &json!(stop_reason(content)), 10))
}

/// The answer as a stream of events, each block in one piece.
pub(super) fn stream(stream: &mut TcpStream, model: &str, content: &[Value]) -> Result<()> {
    http::events(stream)?;
    let mut event = |data: &Value| {
        let name = data["type"].as_str().unwrap_or_default();
        write!(stream, "event: {name}\ndata: {data}\n\n")?;
        stream.flush()
    };
    event(&json!({"type": "message_start", "message": message(model, &[], &Value::Null, 1)}))?;
    for (index, block) in content.iter().enumerate() {
        let (start, delta) = halves(block);
        event(&json!({"type": "content_block_start", "index": index, "content_block": start}))?;
        event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))?;
        event(&json!({"type": "content_block_stop", "index": index}))?;
    }
    let delta = json!({"stop_reason": stop_reason(content), "stop_sequence": null});
    event(&json!({"type": "message_delta", "delta": delta, "usage": usage(10)}))?;
    event(&json!({"type": "message_stop"}))
}

/// A block as it begins, and what then fills it.
fn halves(block: &Value) -> (Value, Value) {
    if block["type"] == "tool_use" {
        let mut start = block.clone();
        start["input"] = json!({});
        (start, json!({"type": "input_json_delta", "partial_json": block["input"].to_string()}))
    } else {
        (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": block["text"]}))
    }
}
