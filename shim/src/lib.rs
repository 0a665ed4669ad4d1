//! The shim: an MCP server on stdin and stdout, one for each client session, that forwards tool calls to the broker.
//!
//! Holds nothing durable. Lives exactly as long as its client: a lost broker is its own problem, and is answered by
//! errors until there is one again. The way of one call: [`stdio`] takes a line, [`server`] finds the tool, [`tools`]
//! reads the arguments, [`forward`] asks the broker, [`render`] makes the text.

pub mod args;
mod call;
mod exact;
pub mod forward;
pub mod help;
mod life;
mod log;
pub mod parent;
pub mod progress;
pub mod push;
pub mod render;
pub mod server;
pub mod shown;
pub mod stdio;
pub mod tools;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// An option that there is not.
const EXIT_USAGE: u8 = 2;

/// The whole program, with the arguments after its own name.
#[must_use]
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match arguments.next() {
        None => serve(),
        Some(option) if option == "--help" || option == "-h" => print(help::HELP),
        Some(option) if option == "--version" || option == "-V" => print(&help::version()),
        Some(option) => {
            let _ = writeln!(std::io::stderr(), "c2c-shim: unknown option {option:?}; see c2c-shim --help");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn serve() -> ExitCode {
    #[cfg(unix)]
    leave_no_core_file();
    log::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "c2c-shim: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(life::serve());
    // A read of stdin on a thread cannot be stopped; it ends with the process.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

/// A core file would hold what others wrote, and the client's environment.
#[cfg(unix)]
fn leave_no_core_file() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Core);
    limit.current = Some(0);
    // Lowering is always allowed.
    let _ = setrlimit(Resource::Core, limit);
}

/// A reader that has gone away is no error.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
