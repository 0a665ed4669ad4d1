//! Whose turn it is to start a broker: when one goes, all its clients see it in the same moment, and one start is enough.
//!
//! A lock beside the broker's own, held while a start is under way; the system releases it with its holder. Only a
//! courtesy: the broker's lock alone decides who serves.

use crate::paths::{StorePaths, check_private_dir, private_file};
use std::fs::{File, TryLockError};

/// The right to start a broker, while it lasts.
#[derive(Debug)]
pub(super) struct Turn {
    _lock: Option<File>,
}

impl Turn {
    /// `None` while another client starts one. Where that cannot be told, it is everyone's turn.
    pub(super) fn take(paths: &StorePaths) -> Option<Self> {
        // The first broker of a store makes the folder, and the first clients do not have to agree.
        let Ok(true) = check_private_dir(&paths.run_dir) else { return Some(Self::anyway()) };
        let opened = private_file().write(true).create(true).truncate(false).open(&paths.start_lock);
        let Ok(file) = opened else { return Some(Self::anyway()) };
        match file.try_lock() {
            Ok(()) => Some(Self { _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(Self::anyway()),
        }
    }

    /// For who has waited long enough.
    pub(super) const fn anyway() -> Self {
        Self { _lock: None }
    }
}
