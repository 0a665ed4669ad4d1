//! The lines of MCP on stdin: whoever waits for an answer gets exactly one, with the right id, however the bytes come.

use crate::json::Json;
use crate::tally;
use c2c_shim::shown::ShownLog;
use c2c_shim::stdio::StdioTransport;
use rmcp::RoleServer;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::Transport;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// So many lines of one input are read.
const LINES_MAX: usize = 3;
/// So many requests of one batch are answered one by one.
const BATCH_ANSWERS_MAX: usize = 256;

/// The first byte says whether `initialize` came before, and in what pieces the lines come, which are the rest.
pub fn check(data: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    tally::input();
    let Some((how, text)) = data.split_first() else { return };
    let mut initialized = how & 1 != 0;
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').take(LINES_MAX).collect();
    if lines.iter().any(|line| serde_json::from_slice::<IgnoredAny>(line).is_ok()) {
        // A line is JSON.
        tally::reached();
    }
    RUNTIME.with(|runtime| {
        let mut stream = if initialized { [INITIALIZE, b"\n"].concat() } else { Vec::new() };
        let mut expected = if initialized { runtime.block_on(fed(&stream, 0)) } else { Fed::default() };
        for (at, line) in lines.iter().enumerate() {
            stream.extend_from_slice(line);
            if at + 1 < lines.len() {
                stream.push(b'\n');
            } else if line.is_empty() {
                // What ends without a byte is no line.
                break;
            }
            let one = runtime.block_on(alone(line, initialized));
            answered(line, &one, initialized);
            broken(runtime, line, &one, initialized);
            initialized |= one.handed.iter().any(|message| message["method"] == "initialize");
            expected.handed.extend(one.handed);
            expected.answers.extend(one.answers);
        }
        let together = runtime.block_on(fed(&stream, how >> 1));
        assert_eq!(together, expected, "lines together and alone");
    });
}

/// What became of a stream.
#[derive(Debug, Default, PartialEq)]
struct Fed {
    /// What was handed to the server.
    handed: Vec<Value>,
    /// What was answered at once.
    answers: Vec<Json>,
}

/// One line, by itself.
async fn alone(line: &[u8], initialized: bool) -> Fed {
    let before: &[&[u8]] = if initialized { &[INITIALIZE, b"\n"] } else { &[] };
    let mut one = fed(&[&before.concat(), line, b"\n"].concat(), 0).await;
    if initialized {
        one.handed.remove(0);
    }
    one
}

async fn fed(stream: &[u8], pieces: u8) -> Fed {
    let written = Written::default();
    let read = Pieces { rest: stream.to_vec(), step: usize::from(pieces) };
    let (shown, _notes) = ShownLog::new();
    let mut transport = StdioTransport::new(read, written.clone(), shown, CancellationToken::new());
    let mut handed = Vec::new();
    while let Some(message) = next(&mut transport).await {
        handed.push(serde_json::to_value(message).expect("a message is JSON"));
    }
    let bytes = std::mem::take(&mut *written.0.lock().unwrap_or_else(PoisonError::into_inner));
    let text = String::from_utf8(bytes).expect("only text is written");
    assert!(text.is_empty() || text.ends_with('\n'), "only whole lines are written");
    Fed { handed, answers: text.lines().map(Json::read).collect() }
}

async fn next(transport: &mut StdioTransport<Pieces>) -> Option<ClientJsonRpcMessage> {
    Transport::<RoleServer>::receive(transport).await
}

/// A line has one fate, and it is the right one.
fn answered(line: &[u8], fed: &Fed, initialized: bool) {
    for answer in &fed.answers {
        assert_eq!(answer.text("jsonrpc"), Some("2.0"));
        assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{answer:?}");
        assert!(answer.get("id").is_some());
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let (handed, answers) = (&fed.handed, &fed.answers);
    match serde_json::from_slice::<Value>(line) {
        Err(_) => assert!(handed.is_empty() && answers.len() == 1, "{fed:?}"),
        Ok(Value::Array(items)) => {
            let ids: Vec<&Value> = items.iter().filter_map(request_id).take(BATCH_ANSWERS_MAX).collect();
            assert!(handed.is_empty() && answers.len() == 1 + ids.len(), "{fed:?}");
            let mut answers = answers.iter();
            assert_eq!(answers.next().and_then(|answer| answer.get("id")), Some(&Json::Null));
            assert!(answers.zip(ids).all(|(answer, id)| same(answer.get("id"), id)), "{fed:?}");
        }
        Ok(value) => match request_id(&value) {
            Some(id) => match (handed.as_slice(), answers.as_slice()) {
                ([message], []) => {
                    assert!(same(Some(&Json::read(&message["id"].to_string())), id), "{fed:?}");
                }
                ([], [answer]) => assert!(same(answer.get("id"), id), "{fed:?}"),
                _ => panic!("a request has one fate: {fed:?}"),
            },
            // Nobody waits; but what is no message at all is not passed over in silence.
            None => {
                assert!(handed.len() + answers.len() <= 1, "{fed:?}");
                let silent = handed.is_empty() && answers.is_empty();
                assert!(!silent || (!initialized && value.is_object()), "{fed:?}");
            }
        },
    }
}

/// The id of a request, and of nothing else.
fn request_id(value: &Value) -> Option<&Value> {
    let members = value.as_object()?;
    let response = members.contains_key("result") || members.contains_key("error");
    let request = members.contains_key("method") || !response;
    members.get("id").filter(|id| request && (id.is_string() || id.is_number()))
}

/// Ids are the same if they say the same.
fn same(answered: Option<&Json>, id: &Value) -> bool {
    match (answered, id) {
        (Some(Json::Text(text)), Value::String(id)) => text == id,
        (Some(Json::Number(number)), Value::Number(id)) => {
            *number == id.to_string() || number.parse::<f64>().ok() == id.as_f64()
        }
        _ => false,
    }
}

/// A request that is followed by something that is no JSON is still answered with its id, where that is plain to see.
fn broken(runtime: &Runtime, line: &[u8], whole: &Fed, initialized: bool) {
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
    let plain = line.windows(4).filter(|window| *window == b"\"id\"").count() == 1;
    let Some(id) = request_id(&value).filter(|id| plain && id.to_string().len() < 100) else { return };
    if whole.answers.iter().chain(&[]).any(|answer| answer.get("result").is_some()) {
        return;
    }
    let fed = runtime.block_on(alone(&[line, b"}"].concat(), initialized));
    let [answer] = fed.answers.as_slice() else { panic!("a broken line is answered once: {fed:?}") };
    assert!(fed.handed.is_empty() && same(answer.get("id"), id), "{fed:?}");
}

/// A stream that comes in pieces.
struct Pieces {
    rest: Vec<u8>,
    step: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.step = self.step.wrapping_mul(29).wrapping_add(7);
        let small = 1 + self.step % 40;
        let length = if self.step.is_multiple_of(3) { small } else { self.rest.len() };
        let length = length.min(self.rest.len()).min(out.remaining());
        let after = self.rest.split_off(length);
        out.put_slice(&self.rest);
        self.rest = after;
        Poll::Ready(Ok(()))
    }
}

/// Keeps what is written.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Written {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
