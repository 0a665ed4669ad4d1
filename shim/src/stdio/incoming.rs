//! Decides about each line that the client wrote: a message for the server, something to answer at once, or nothing.
//!
//! Whoever waits for an answer gets one: what is no message is answered with a JSON-RPC error, with the id of the
//! request where there is one. Knows the order of an MCP session (nothing but `initialize` and `ping` first), not what
//! the requests mean.

use super::id_scan::id_in;
use super::outline::Outline;
use super::tool_call;
use crate::exact::first_changed;
use crate::render;
use c2c_proto::Error;
use c2c_proto::limits::MCP_LINE_MAX_BYTES;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode, JsonRpcMessage};
use serde_json::{Value, json};

/// So many requests of one batch are answered one by one.
const BATCH_ANSWERS_MAX: usize = 256;
/// Levels of objects and lists in a line: what the parser takes.
const DEPTH_MAX: usize = 127;
/// Of a number that cannot be kept, so much is shown.
const NUMBER_SHOWN_MAX_CHARS: usize = 60;
/// What a line may begin with, and which says nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The methods that this server has, beside `initialize` and `ping`.
pub(crate) const SERVED: [&str; 7] = [
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
];

/// What to do about a line.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Hand it to the server.
    Message(Box<ClientJsonRpcMessage>),
    /// Write these lines.
    Answers(Vec<Vec<u8>>),
    /// Nobody waits for an answer.
    Nothing,
}

/// Reads one line. `initialized`: whether `initialize` was handed on before.
pub(super) fn read(line: &[u8], initialized: bool) -> Incoming {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    match tool_call::read(line).map_or_else(|| serde_json::from_slice(line), Ok) {
        Ok(message) => match changed_number(&message, line) {
            Some(answer) if initialized => Incoming::Answers(vec![answer]),
            _ => check_order(message, initialized),
        },
        Err(_) => Incoming::Answers(refuse(line, initialized)),
    }
}

/// The answer to a call whose arguments would be others afterwards.
fn changed_number(message: &ClientJsonRpcMessage, line: &[u8]) -> Option<Vec<u8>> {
    let JsonRpcMessage::Request(request) = message else { return None };
    let ClientRequest::CallToolRequest(call) = &request.request else { return None };
    let arguments = call.params.arguments.as_ref()?;
    if !arguments.values().any(has_float) {
        return None;
    }
    let number = first_changed(Outline::of(line).arguments)?;
    let id = serde_json::to_value(&request.id).ok()?;
    Some(tool_error(&id, &not_kept(number)))
}

/// Only what is no whole number of 64 bits can change.
fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn not_kept(number: &str) -> Error {
    let shown: String = number.chars().take(NUMBER_SHOWN_MAX_CHARS).collect();
    let ellipsis = if shown.len() < number.len() { "…" } else { "" };
    Error::invalid(
        format!("the number {shown}{ellipsis} in the arguments cannot be kept exactly"),
        "give it as a string",
    )
}

/// The answer to a line that was too long to be kept.
pub(super) fn too_long(id: Option<&Value>) -> Vec<u8> {
    let message =
        format!("a line is at most {MCP_LINE_MAX_BYTES} bytes long; this one was longer and was dropped");
    error(id, ErrorCode::INVALID_REQUEST, &message)
}

fn check_order(message: ClientJsonRpcMessage, initialized: bool) -> Incoming {
    let JsonRpcMessage::Request(request) = &message else {
        return if initialized { Incoming::Message(Box::new(message)) } else { Incoming::Nothing };
    };
    let method = request.request.method();
    // Newer clients ask this first, and wait for the refusal before they say `initialize`.
    let refusal = if method == "server/discover" {
        Some((
            ErrorCode::METHOD_NOT_FOUND,
            "this server has no method server/discover; send initialize".to_owned(),
        ))
    } else if !known(method) {
        Some((ErrorCode::METHOD_NOT_FOUND, no_method(method)))
    } else if initialized {
        None
    } else {
        match &request.request {
            ClientRequest::InitializeRequest(_) | ClientRequest::PingRequest(_) => None,
            _ if method == "initialize" => Some((
                ErrorCode::INVALID_PARAMS,
                "initialize needs protocolVersion, capabilities and clientInfo with name and version"
                    .to_owned(),
            )),
            _ => Some((ErrorCode::INVALID_REQUEST, format!("send initialize before {method}"))),
        }
    };
    match refusal {
        None => Incoming::Message(Box::new(message)),
        Some((code, text)) => {
            let id = serde_json::to_value(&request.id).ok();
            Incoming::Answers(vec![error(id.as_ref(), code, &text)])
        }
    }
}

/// The text for a method that this server does not have.
pub(crate) fn no_method(method: &str) -> String {
    let shown: String = method.chars().take(100).collect();
    format!("this server has no method {shown:?}")
}

/// The answers to a line that is no message.
fn refuse(line: &[u8], initialized: bool) -> Vec<Vec<u8>> {
    if line.trim_ascii().is_empty() {
        return vec![error(
            None,
            ErrorCode::PARSE_ERROR,
            "a line was empty; each line is one JSON-RPC message",
        )];
    }
    match serde_json::from_slice::<Value>(line) {
        Err(cause) => {
            vec![refuse_unread(line, &cause, initialized)]
        }
        Ok(Value::Array(items)) => refuse_batch(&items),
        Ok(value) => {
            let (code, text) = fault(&value);
            vec![error(request_id(&value).as_ref(), code, &text)]
        }
    }
}

/// The answer to a line that the parser does not take: because it is no JSON, or goes beyond what it can read.
fn refuse_unread(line: &[u8], cause: &serde_json::Error, initialized: bool) -> Vec<u8> {
    let id = id_in(line);
    let outline = Outline::of(line);
    let fault = if outline.depth > DEPTH_MAX {
        Some(Error::invalid(
            format!("the message is nested {} levels deep, the limit is {DEPTH_MAX} levels", outline.depth),
            "nest less deeply, or give the inner part as a string that holds its JSON",
        ))
    } else if cause.to_string().starts_with("number out of range") {
        first_changed(outline.arguments).map(not_kept)
    } else {
        None
    };
    match (fault, &id) {
        (Some(fault), Some(id)) if initialized && outline.method == b"tools/call" => tool_error(id, &fault),
        (Some(fault), _) => error(id.as_ref(), ErrorCode::PARSE_ERROR, &fault.message),
        (None, _) => {
            let text = format!("a line of {} bytes is not JSON: {cause}", line.len());
            error(id.as_ref(), ErrorCode::PARSE_ERROR, &text)
        }
    }
}

/// What is wrong with JSON that is no message: a good request can still have parameters that no method takes.
fn fault(value: &Value) -> (ErrorCode, String) {
    let request = value["jsonrpc"] == "2.0" && request_id(value).is_some();
    match value["method"].as_str().filter(|_| request) {
        Some(method) if known(method) => {
            (ErrorCode::INVALID_PARAMS, format!("the parameters of {method} are not what the method takes"))
        }
        Some(method) => (ErrorCode::METHOD_NOT_FOUND, no_method(method)),
        None => (
            ErrorCode::INVALID_REQUEST,
            "a line is JSON but no JSON-RPC 2.0 request, notification or response".to_owned(),
        ),
    }
}

fn known(method: &str) -> bool {
    SERVED.contains(&method) || matches!(method, "initialize" | "ping")
}

/// One answer to the line, and one to each request in it, since somebody waits for each.
fn refuse_batch(items: &[Value]) -> Vec<Vec<u8>> {
    let text = "batches are not supported; send each message on a line of its own";
    let ids: Vec<Value> = items.iter().filter_map(request_id).take(BATCH_ANSWERS_MAX).collect();
    std::iter::once(None)
        .chain(ids.iter().map(Some))
        .map(|id| error(id, ErrorCode::INVALID_REQUEST, text))
        .collect()
}

/// The id of what looks like a request. A response's id is the server's own, and must not come back as an answer.
fn request_id(value: &Value) -> Option<Value> {
    let members = value.as_object()?;
    let response = members.contains_key("result") || members.contains_key("error");
    if response && !members.contains_key("method") {
        return None;
    }
    members.get("id").filter(|id| id.is_number() || id.is_string()).cloned()
}

/// The result of a tool call that cannot even be handed on.
fn tool_error(id: &Value, error: &Error) -> Vec<u8> {
    let text = render::error(error, None, None);
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}], "isError": true}})
        .to_string()
        .into_bytes()
}

fn error(id: Option<&Value>, code: ErrorCode, message: &str) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code.0, "message": message}})
        .to_string()
        .into_bytes()
}

#[cfg(test)]
#[path = "incoming_tests.rs"]
mod tests;
