//! Owner and mode of a file.

use super::report::Problem;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is wrong with a file that should be its user's alone; one that is not there is no problem.
pub(super) fn private(path: &Path) -> Option<Problem> {
    let found = std::fs::symlink_metadata(path).ok()?;
    let own = rustix::process::geteuid().as_raw();
    let shown = path.display();
    if found.uid() != own {
        let says = format!("{shown} belongs to uid {}, you are {own}", found.uid());
        return Some(Problem::failed(says, format!("find out who made it, and move {shown} away")));
    }
    let mode = found.mode() & 0o7777;
    (mode & 0o077 != 0).then(|| {
        let says = format!("{shown} has mode {mode:04o}: others may use it");
        Problem::failed(says, format!("chmod 600 '{shown}'"))
    })
}
