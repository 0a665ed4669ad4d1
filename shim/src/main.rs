//! c2c's broker.
fn main() {}
