//! What holds for every input: one module for each target, each with one function `check` that panics where it does
//! not hold.
//!
//! The programs in `targets/` give these functions to libFuzzer, which looks for inputs that reach new branches;
//! `fuzz/run` builds and runs them. Owns no rule of its own: each is one that the product promises, said once more in
//! other words. What is found becomes a test of the crate at fault.

mod envelope;
mod given;
mod home;
mod json;
mod tally;

pub mod arguments;
pub mod calls;
pub mod config;
pub mod frames;
pub mod hello;
pub mod lines;
pub mod names;
pub mod paths;
pub mod query;
pub mod results;
