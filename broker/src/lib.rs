//! c2c's broker: the per-user daemon that owns the store and connects sessions.
//!
//! `process` decides what to do; `listen` and `server` accept connections; `connection` reads frames; `handle` answers one
//! request each, joining the `store` (the only truth) with the `hub` (who is connected, who waits), which do not know
//! each other.

pub mod args;
pub(crate) mod calls;
pub mod clock;
pub mod config;
pub(crate) mod connection;
pub mod handle;
pub mod hub;
pub mod instance;
pub(crate) mod listen;
pub mod log;
pub(crate) mod nudge;
pub mod outbox;
pub mod platform;
pub mod presence;
pub mod process;
pub mod readiness;
pub mod restore;
pub mod server;
pub mod session;
pub mod shutdown;
pub mod stats;
pub mod store;
pub(crate) mod sweep;
pub(crate) mod takeover;
pub(crate) mod watch;
pub(crate) mod watchdog;

use std::sync::Arc;

/// Everything that one broker shares.
#[derive(Debug)]
pub struct Broker {
    /// What a person configured.
    pub config: config::Config,
    /// Where everything lies.
    pub paths: c2c_proto::paths::StorePaths,
    /// What is true.
    pub store: store::Store,
    /// Who is connected, and who waits.
    pub hub: Arc<hub::Hub>,
    /// The wall clock.
    pub clock: clock::Clock,
    /// What has happened since the start.
    pub stats: Arc<stats::Stats>,
    /// Whether and why it goes down.
    pub shutdown: shutdown::Shutdown,
    /// Whether it runs as a service.
    pub service: bool,
    /// Whether a session's client started it: only then does it make room for a service.
    pub on_demand: bool,
}
