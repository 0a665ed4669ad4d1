//! The file system that the store lies on: whether it is this machine's alone, and whether it has room.

use super::report::Check;
use c2c_proto::filesystem::{free_bytes, shared_with_machines};
use c2c_proto::paths::StorePaths;
use std::path::Path;

/// With less the next messages may be refused.
const LOW_BYTES: u64 = 200_000_000;
/// With less the broker is about to refuse all of them.
const NONE_BYTES: u64 = 20_000_000;

/// Whether other machines can reach it as well.
pub(super) fn kind(paths: &StorePaths) -> Check {
    match there(paths).and_then(shared_with_machines) {
        Some(kind) => Check::failed(
            "file_system",
            format!("{} lies on {kind}, which other machines can reach as well", paths.store.display()),
            "name a store on a disk of this machine with CLAUDE_C2C_DB",
        ),
        None => Check::ok("file_system", "the store lies on a disk of this machine, as far as can be told"),
    }
}

/// Whether there is room.
pub(super) fn space(paths: &StorePaths) -> Check {
    let Some(free) = there(paths).and_then(free_bytes) else {
        return Check::skipped("free_space", "this system does not tell");
    };
    let says = format!("{} MB free where the store lies", free / 1_000_000);
    let mend = "make room there, or delete old messages with `c2c prune`";
    match free {
        0..NONE_BYTES => Check::failed("free_space", says, mend),
        NONE_BYTES..LOW_BYTES => Check::warning("free_space", says, mend),
        _ => Check::ok("free_space", says),
    }
}

/// The store's folder, or what there is above it.
fn there(paths: &StorePaths) -> Option<&Path> {
    paths.run_dir.ancestors().find(|folder| folder.exists())
}
