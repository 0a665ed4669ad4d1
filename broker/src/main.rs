//! The broker's program: nothing but its process.

use std::process::ExitCode;

fn main() -> ExitCode {
    c2c_broker::process::run(c2c_broker::clock::Clock::system())
}
