//! The harness: real brokers and shims as processes, each test on a store and a folder of its own.
//!
//! It plays the MCP client (raw JSON-RPC lines over the shim's stdio) and, for abuse, a client of the broker's socket.
//! It knows the wire types of `c2c-proto` and nothing of the inside of any process. Every wait ends with the event
//! itself or with a deadline; every process that a sandbox brought to life is ended by its id when the sandbox goes.

mod binaries;
mod broker;
mod call;
#[cfg(unix)]
mod claude;
mod eventually;
mod hook;
#[cfg(unix)]
mod inbox_socket;
mod model;
mod nodes;
mod observe;
mod other;
mod person;
mod process;
mod raw;
mod sandbox;
mod scale;
mod seed;
mod shim;
mod skip;
mod sqlite;
mod wire;

pub use binaries::{bin_dir, binary, install};
pub use broker::Broker;
pub use call::{Pending, ToolResult};
#[cfg(unix)]
pub use claude::{Claude, Printing, Session, Terminal, Wiring};
pub use eventually::{best_of, look, pause, until, until_some};
pub use hook::Hooks;
#[cfg(unix)]
pub use inbox_socket::{InboxSocket, Post};
pub use model::{Model, ModelRequest, Rule, when};
pub use nodes::{Authority, Link, NatsServer};
pub use observe::{brokers, descriptors, memory_kib};
pub use other::OtherBroker;
pub use person::{LOGIN, Said};
#[cfg(unix)]
pub use process::{Signal, raise_descriptors, signal};
pub use process::{alive, stop, under_wine};
pub use raw::{Raw, Received};
pub use sandbox::Sandbox;
pub use scale::{scale, scaled};
pub use seed::Seed;
pub use shim::{Shim, ShimOptions, Stdio};
pub use skip::skipped;
pub use sqlite::{count_rows, make_sqlite, make_sqlite_with_log};
pub use wire::Wire;

use std::time::Duration;

/// Longer than anything takes that works, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
