//! `c2c-shim`: see [`c2c_shim`].

use std::process::ExitCode;

fn main() -> ExitCode {
    c2c_shim::run(std::env::args_os().skip(1))
}
