//! The broker as it is, on a disk that writes down what is done to it and that fails on order: `c2c_torture::vfs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Err(code) = c2c_torture::vfs::install() {
        eprintln!("the disk cannot be put under SQLite: result code {code}");
        return ExitCode::FAILURE;
    }
    c2c_broker::process::run()
}
