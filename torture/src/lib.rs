//! Proves that what c2c acknowledged is never lost, by breaking everything that one machine can break.
//!
//! Each part is a module and a subcommand of `c2c-torture`; each prints its seed, what it did and what it checked as a
//! table, and ends with exit status 1 if anything that was promised did not hold. Real brokers and real shims run as
//! processes, each run in a folder of its own. It knows the product only from outside, but for the parts that stand
//! under SQLite.

pub mod checker;
pub mod history;
#[cfg(target_os = "linux")]
pub mod nemesis;
#[cfg(target_os = "linux")]
pub mod nodes;
#[cfg(target_os = "linux")]
pub mod plants;
#[cfg(target_os = "linux")]
pub mod points;
#[cfg(target_os = "linux")]
pub mod power;
pub mod report;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(target_os = "linux")]
pub mod shutdowns;
#[cfg(target_os = "linux")]
pub mod starts;
#[cfg(target_os = "linux")]
pub mod trace;
#[cfg(unix)]
pub mod upgrades;
#[cfg(unix)]
pub mod versions;
#[cfg(target_os = "linux")]
pub mod vfs;
#[cfg(target_os = "linux")]
pub mod words;
#[cfg(target_os = "linux")]
pub mod workload;
