//! Measures c2c beside the floors of the machine it runs on.
//!
//! The real programs run as processes, each measurement on a store of its own on a real disk. A figure is worth nothing by
//! itself, since machines differ and are noisy: what counts is its ratio to a floor that was measured in the same run.

#[cfg(unix)]
pub mod descriptors;
pub mod floors;
pub mod groups;
pub mod guard;
pub mod machine;
pub mod mcp;
pub mod nodes;
pub mod pin;
pub mod plots;
pub mod report;
pub mod samples;
pub mod socket;
pub mod table;
#[cfg(target_os = "linux")]
pub mod usage;
pub mod world;
