//! c2c's broker.
