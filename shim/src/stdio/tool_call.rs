//! Reading a tool call, which is nearly all that a client ever sends, in one go. The library tries one kind of message after
//! the other, each with an error that it makes and throws away, before it comes to this one.
//!
//! Whatever is not exactly a tool call of the usual form is left to the library, errors included.

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, JsonObject, JsonRpcMessage,
    JsonRpcRequest, NumberOrString, RequestMetaObject,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    jsonrpc: Version,
    id: NumberOrString,
    method: Method,
    params: Params,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2.0")]
    Two,
}

#[derive(Deserialize)]
enum Method {
    #[serde(rename = "tools/call")]
    ToolsCall,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(rename = "_meta")]
    meta: Option<RequestMetaObject>,
    name: String,
    arguments: Option<JsonObject>,
}

/// The call in a line, if it is one.
pub(super) fn read(line: &[u8]) -> Option<ClientJsonRpcMessage> {
    let Line { jsonrpc: Version::Two, id, method: Method::ToolsCall, params } =
        serde_json::from_slice(line).ok()?;
    let mut call = CallToolRequestParams::new(params.name);
    call.arguments = params.arguments;
    let mut request = CallToolRequest::new(call);
    if let Some(meta) = params.meta {
        request.extensions.insert(meta);
    }
    Some(JsonRpcMessage::Request(JsonRpcRequest::new(id, ClientRequest::CallToolRequest(request))))
}

#[cfg(test)]
mod tests {
    use super::read;
    use rmcp::model::ClientJsonRpcMessage;

    #[test]
    fn a_call_is_read_as_the_library_reads_it() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"inbox"}}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"inbox","arguments":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1e2,"method":"tools/call","params":{"name":"x","arguments":{"a":[1.5,null,"é\n"],"a":2}}}"#,
            r#"{"params":{"_meta":{"progressToken":7,"x":{}},"name":"ask","arguments":{"to":"b"}},"method":"tools/call","id":2,"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":null,"name":"inbox","arguments":null}}"#,
        ] {
            let theirs: ClientJsonRpcMessage = serde_json::from_str(line).unwrap();
            let ours = read(line.as_bytes()).unwrap_or_else(|| panic!("not read: {line}"));
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{line}");
        }
    }

    #[test]
    fn whatever_else_is_left_to_the_library() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"tools/call","params":{"name":"inbox"}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"inbox"}}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"inbox"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"inbox","requestState":"s"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"inbox","arguments":[]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"inbox","name":"ask"}}"#,
            r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"inbox"}}]"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"inbox"}} x"#,
        ] {
            assert!(read(line.as_bytes()).is_none(), "{line}");
        }
    }
}
