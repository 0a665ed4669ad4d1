//! A client's line to what the server is handed, and a call's arguments to a request.

use crate::given;
use c2c_shim::shown::ShownLog;
use c2c_shim::stdio::StdioTransport;
use c2c_shim::tools::{self, Defaults};
use divan::Bencher;
use rmcp::RoleServer;
use rmcp::transport::Transport;
use serde_json::{Value, json};
use std::io::Cursor;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

const DEFAULTS: Defaults = Defaults { wait_s: 50 };
/// Bodies in bytes.
const BODIES: [usize; 2] = [200, 10_000];

fn arguments(body_bytes: usize) -> Value {
    json!({"to": "backend", "body": given::text(body_bytes), "tag": "handoff"})
}

/// `initialize`, and the line of a call.
fn stream(body_bytes: usize) -> Vec<u8> {
    let client = json!({"name": "bench", "version": "1"});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello});
    let call = json!({"name": "send_message", "arguments": arguments(body_bytes)});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call});
    format!("{hello}\n{call}\n").into_bytes()
}

#[divan::bench(args = BODIES)]
fn line_of_send_message(bencher: Bencher<'_, '_>, body_bytes: usize) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let stream = stream(body_bytes);
    let begun = || {
        let _inside = runtime.enter();
        let (shown, _notes) = ShownLog::new();
        let read = Cursor::new(stream.clone());
        let mut transport = StdioTransport::new(read, tokio::io::sink(), shown, CancellationToken::new());
        assert!(runtime.block_on(next(&mut transport)), "initialize is handed over");
        transport
    };
    bencher.with_inputs(begun).bench_local_refs(|transport| {
        assert!(runtime.block_on(next(transport)), "the call is handed over");
    });
}

async fn next(transport: &mut StdioTransport<Cursor<Vec<u8>>>) -> bool {
    Transport::<RoleServer>::receive(transport).await.is_some()
}

#[divan::bench(args = BODIES)]
fn arguments_of_send_message(bencher: Bencher<'_, '_>, body_bytes: usize) {
    let tool = tools::find("send_message").expect("a tool");
    let arguments = arguments(body_bytes);
    bencher
        .with_inputs(|| arguments.as_object().cloned())
        .bench_local_values(|arguments| tool.decode(arguments, &DEFAULTS).expect("good arguments"));
}

#[divan::bench]
fn arguments_of_inbox(bencher: Bencher<'_, '_>) {
    let tool = tools::find("inbox").expect("a tool");
    let arguments = json!({"limit": 20, "unread_only": true});
    bencher
        .with_inputs(|| arguments.as_object().cloned())
        .bench_local_values(|arguments| tool.decode(arguments, &DEFAULTS).expect("good arguments"));
}
