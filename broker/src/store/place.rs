//! Which files the store is: the one at its path, and its log. A commit into files that were deleted or replaced is a
//! commit into nothing.

use super::header::log_of;
use crate::platform::{self, FileId};
use c2c_proto::{Error, ErrorCode};
use std::path::{Path, PathBuf};

/// The files that were opened, and where they have to be.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    store: PathBuf,
    log: PathBuf,
    store_id: Option<FileId>,
    log_id: Option<FileId>,
}

impl Place {
    /// The store that lies at this path, before it is opened.
    pub(super) fn of(store: &Path) -> Self {
        Self { store: store.to_owned(), log: log_of(store), store_id: platform::file_id(store), log_id: None }
    }

    /// What was opened is the file that was there before, and its log, which lies there until the last connection is
    /// closed, is the one that lies there now.
    ///
    /// # Errors
    /// `storage_failed` if the store was exchanged in between: the next attempt opens what is there then.
    pub(super) fn opened(mut self) -> Result<Self, Error> {
        self.log_id = platform::file_id(&self.log);
        if self.store_id.is_some() && self.log_id.is_some() && self.is_right() {
            return Ok(self);
        }
        Err(Error::new(
            ErrorCode::StorageFailed,
            format!("the store {} was deleted or replaced while it was opened", self.store.display()),
            "call again; the next broker opens what is there then",
        ))
    }

    /// Whether the paths still lead to the files that were opened.
    pub(crate) fn is_right(&self) -> bool {
        platform::file_id(&self.store) == self.store_id && platform::file_id(&self.log) == self.log_id
    }

    /// What is wrong, for the log and for callers.
    pub(crate) fn what_is_wrong(&self) -> String {
        let store_is_right = platform::file_id(&self.store) == self.store_id;
        let path = if store_is_right { &self.log } else { &self.store };
        let what = if platform::file_id(path).is_some() { "replaced" } else { "deleted or moved away" };
        format!("{} was {what} under the broker", path.display())
    }

    /// The store's path.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }
}
