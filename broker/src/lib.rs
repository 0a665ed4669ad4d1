//! c2c's broker.

pub mod args;
pub(crate) mod calls;
pub mod config;
pub mod instance;
pub mod log;
pub mod outbox;
pub mod platform;
pub mod readiness;
pub mod shutdown;
pub(crate) mod takeover;
