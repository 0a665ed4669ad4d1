//! Nodes: stores on several machines whose brokers exchange mail. A real server between them, and their links.

mod authority;
mod documented;
mod link;
mod server;

pub use authority::Authority;
pub use link::Link;
pub use server::NatsServer;

use authority::private;
