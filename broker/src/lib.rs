//! c2c's broker.

pub mod config;
pub mod outbox;
pub mod shutdown;
