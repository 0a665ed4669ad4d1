//! Where files have no mode: the folder's access list protects them, which the broker checks itself.

use super::report::Problem;
use std::path::Path;

/// Nothing to look at.
pub(super) const fn private(_path: &Path) -> Option<Problem> {
    None
}
