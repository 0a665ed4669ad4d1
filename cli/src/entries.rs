//! The entries of the shared state: all that begin with a prefix, over as many pages as they fill, and setting one. It prints
//! nothing.

use crate::link::{Link, ask};
use c2c_proto::request::{ListState, SetState};
use c2c_proto::response::{Entry, StateSet};

/// Those whose keys begin with this, by key; long values are left out.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn all(link: &Link, prefix: &str) -> anyhow::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after_key = entries.last().map(|entry| entry.state_key.clone());
        let page = ask!(link, ListState(ListState { prefix: prefix.to_owned(), after_key }), States);
        let more = page.more && !page.entries.is_empty();
        entries.extend(page.entries);
        if !more {
            return Ok(entries);
        }
    }
}

/// Sets one.
///
/// # Errors
/// As [`all`]; `conflict` where another version is there than was assumed.
pub(crate) async fn put(link: &Link, request: SetState) -> anyhow::Result<StateSet> {
    Ok(ask!(link, SetState(request), StateSet))
}
