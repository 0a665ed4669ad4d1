//! Nodes: stores on several machines whose brokers exchange mail. A real server between them, and their links.

mod link;
mod server;

pub use link::Link;
pub use server::NatsServer;
