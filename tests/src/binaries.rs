//! Where the programs under test lie. Never builds them, and never takes one from PATH.

use std::path::{Path, PathBuf};

/// The folder of the programs under test: `C2C_BIN_DIR`, else the one that `cargo` put this test's programs in, or that
/// this program itself lies in.
///
/// # Panics
/// If this executable does not lie in a target folder.
#[must_use]
pub fn bin_dir() -> PathBuf {
    if let Some(given) = std::env::var_os("C2C_BIN_DIR").filter(|value| !value.is_empty()) {
        return std::path::absolute(given).expect("C2C_BIN_DIR is a path");
    }
    let own = std::env::current_exe().expect("the test executable has a path");
    // target/<profile>/deps/<test>-<hash>, or target/<profile>/<program>
    let beside = own.parent().expect("an executable lies in a folder");
    let above = beside.parent().filter(|_| beside.ends_with("deps"));
    above.unwrap_or(beside).to_owned()
}

/// One program under test: `c2c-broker`, `c2c-shim` or `c2c`.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = bin_dir().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} does not exist: run `cargo build --workspace --bins` (with the same profile) first, or set C2C_BIN_DIR",
        path.display()
    );
    path
}

/// Puts a copy of a program, or of a script, where a test runs it; others may run it too.
///
/// On Unix another process writes it. A descriptor that is open for writing in this one is inherited by whatever another
/// test starts in that moment, and until that has become its own program, running the copy fails with "text file busy".
///
/// # Panics
/// If it cannot be copied.
pub fn install(from: &Path, to: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let copied = std::process::Command::new("/bin/cp").arg("--").args([from, to]).status();
        assert!(
            copied.expect("cp runs").success(),
            "{} cannot be copied to {}",
            from.display(),
            to.display()
        );
        std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))
            .expect("the copy is this test's");
    }
    #[cfg(not(unix))]
    std::fs::copy(from, to).expect("the program can be copied");
}
