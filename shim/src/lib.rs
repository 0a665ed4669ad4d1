//! The shim: an MCP server on stdin and stdout, one for each client session, that forwards tool calls to the broker.

pub mod args;
pub mod render;
pub mod tools;
