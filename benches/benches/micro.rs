//! The parts of a call that no system call is in: what the library takes for frames, lines, arguments and results.
//!
//! `cargo bench -p c2c-benches`, or with `-- PART` those whose name contains that. The times say where a call's own work
//! is; whether they grow is the guard's to say.

#[path = "micro/frames.rs"]
mod frames;
#[path = "micro/given.rs"]
mod given;
#[path = "micro/lines.rs"]
mod lines;
#[path = "micro/names.rs"]
mod names;
#[path = "micro/results.rs"]
mod results;

fn main() {
    divan::main();
}
