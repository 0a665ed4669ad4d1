//! The broker as it is, on a disk that writes down what is done to it and that fails on order, by a clock that is set on
//! order: `c2c_torture::vfs`.

use c2c_broker::clock::Clock;
use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    if let Err(code) = c2c_torture::vfs::install() {
        eprintln!("the disk cannot be put under SQLite: result code {code}");
        return ExitCode::FAILURE;
    }
    let mut arguments = std::env::args_os().skip_while(|argument| argument != "--store");
    if let Some(store) = arguments.nth(1) {
        c2c_torture::vfs::clock::obey(store.as_ref());
    }
    c2c_broker::process::run(Clock::showing(c2c_torture::vfs::clock::now))
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    c2c_broker::process::run(Clock::system())
}
