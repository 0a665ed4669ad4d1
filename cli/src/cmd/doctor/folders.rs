//! The store's folder, the run folder and the files in them: whose they are and who may use them.

use super::modes;
use super::report::{Check, Problem};
use c2c_proto::paths::{StorePaths, check_private_dir};

/// What the broker would refuse, and what others could read.
pub(super) fn check(paths: &StorePaths) -> Check {
    let there = match check_private_dir(&paths.run_dir) {
        Ok(there) => there,
        Err(error) => return Check::of_error("folders", &error),
    };
    let mut problems: Vec<Problem> = modes::private(&paths.store).into_iter().collect();
    problems.extend(modes::private(paths.address.as_path()));
    let store = paths.store.display();
    let fine = match (there, paths.store.exists()) {
        (true, true) => format!("{store} and its run folder are yours alone"),
        (_, false) => format!("{store} does not exist yet; the first session makes it"),
        (false, true) => format!("{store} is yours alone; its run folder is made by the next broker"),
    };
    Check::of("folders", problems, fine)
}
