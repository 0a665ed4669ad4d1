//! What the first bytes of a file say about it, read before SQLite touches it: so that a file which is not a store of
//! ours is refused and left exactly as it was.

use super::errors::{WAY_OUT, disk_fails, of_io, refused};
use super::wal;
use c2c_proto::Error;
use std::io::Read;
use std::path::{Path, PathBuf};

/// `PRAGMA application_id` of every store: "c2c1" in ASCII.
pub(crate) const APPLICATION_ID: u32 = 0x6332_6331;
/// The newest schema that this broker knows; the number of the last file in `migrations/`.
pub(crate) const SCHEMA_VERSION: u32 = 5;

/// Length of SQLite's file header and where its fields lie, <https://sqlite.org/fileformat.html#the_database_header>
const HEADER_BYTES: usize = 100;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const PAGE_SIZE_AT: usize = 16;
/// How it is written and read: 1 with a journal, 2 with a log.
const FORMATS_AT: [usize; 2] = [18, 19];
const PAGE_BYTES_MIN: u32 = 512;
const PAGES_AT: usize = 28;
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;
/// The page that begins here is never written.
const LOCK_BYTE_AT: u32 = 1 << 30;

/// What a file's header says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// There is no file.
    Missing,
    /// A store of ours.
    Ours,
    /// An SQLite file without any mark, as claude-c2c 0.1.0 made them, and many others do.
    Unmarked,
}

/// Whether there is a file at all, checked if there is.
///
/// # Errors
/// `store_refused` with the way out.
pub(crate) fn look(store: &Path) -> Result<Header, Error> {
    let mut file = match std::fs::File::open(store) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Header::Missing),
        Err(error) => {
            let refusal = || {
                refused(
                    format!("the store {} cannot be opened: {error}", store.display()),
                    "make the file readable and writable for you alone, or name another with CLAUDE_C2C_DB",
                )
            };
            return Err(of_io(&error, store, refusal));
        }
    };
    let length = file.metadata().map_err(|error| disk_fails(store, &error))?.len();
    let mut header = [0; HEADER_BYTES];
    match file.read_exact(&mut header) {
        Ok(()) => check(store, &header, length),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(not_whole(store, &format!("has only {length} bytes")))
        }
        Err(error) => Err(disk_fails(store, &error)),
    }
}

fn check(store: &Path, header: &[u8; HEADER_BYTES], length: u64) -> Result<Header, Error> {
    if header.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
        return Err(refused(
            format!("{} is not an SQLite file; it was left untouched", store.display()),
            "move it away or name another store with CLAUDE_C2C_DB; a backup of the store can be copied back",
        ));
    }
    let application = u32_at(header, APPLICATION_ID_AT);
    let schema = u32_at(header, USER_VERSION_AT);
    let kind = match (application, schema) {
        (APPLICATION_ID, _) => Header::Ours,
        (0, 0) => Header::Unmarked,
        _ => return Err(of_another_program(store)),
    };
    check_schema(store, schema)?;
    let page_bytes = match u16::from_be_bytes([header[PAGE_SIZE_AT], header[PAGE_SIZE_AT + 1]]) {
        1 => 65_536,
        bytes => u32::from(bytes),
    };
    if let Some(at) = FORMATS_AT.into_iter().find(|at| !matches!(header[*at], 1 | 2)) {
        return Err(not_whole(store, &format!("claims to be of format {}", header[at])));
    }
    if page_bytes < PAGE_BYTES_MIN || !page_bytes.is_power_of_two() {
        return Err(not_whole(store, &format!("claims to have pages of {page_bytes} bytes")));
    }
    check_length(store, page_bytes, u32_at(header, PAGES_AT), length).map(|()| kind)
}

/// `store_refused` for an SQLite file that is none of ours.
pub(crate) fn of_another_program(store: &Path) -> Error {
    refused(
        format!("{} is an SQLite file of another program; it was left untouched", store.display()),
        "name another store with CLAUDE_C2C_DB, or move that file away",
    )
}

/// Whether every page is there. A broker that was killed while it folded the log into the store leaves a header that
/// is ahead of the file's end; then the pages behind the end are all in the log. What the log has beyond its header's
/// count it brings itself, so a file that is as long as its header says needs no look at the log.
fn check_length(store: &Path, page_bytes: u32, claimed: u32, length: u64) -> Result<(), Error> {
    let there = u32::try_from(length / u64::from(page_bytes)).unwrap_or(u32::MAX);
    if there >= claimed {
        return Ok(());
    }
    let log = wal::read(&log_of(store), page_bytes).map_err(|error| disk_fails(&log_of(store), &error))?;
    let pages = log.as_ref().map_or(claimed, |log| log.store_pages.max(claimed));
    let lock_page = LOCK_BYTE_AT / page_bytes + 1;
    let in_log = |page| log.as_ref().is_some_and(|log| log.holds(page));
    match (there + 1..=pages).find(|page| *page != lock_page && !in_log(*page)) {
        None => Ok(()),
        Some(page) => Err(not_whole(
            store,
            &format!(
                "has {length} of {} bytes, page {page} is missing",
                u64::from(pages) * u64::from(page_bytes)
            ),
        )),
    }
}

/// `store_refused` for a store that a newer broker wrote.
pub(crate) fn check_schema(store: &Path, schema: u32) -> Result<(), Error> {
    if schema <= SCHEMA_VERSION {
        return Ok(());
    }
    Err(refused(
        format!(
            "{} has schema {schema}, this broker ({}) knows up to {SCHEMA_VERSION}; it was left untouched",
            store.display(),
            env!("CARGO_PKG_VERSION"),
        ),
        "install the newer c2c that wrote it, or name another store with CLAUDE_C2C_DB",
    ))
}

fn not_whole(store: &Path, how: &str) -> Error {
    refused(
        format!(
            "the store {} {how}: it is empty, cut off or damaged; it was left untouched",
            store.display()
        ),
        WAY_OUT,
    )
}

/// The write-ahead log of a store, which SQLite keeps beside it.
pub(super) fn log_of(store: &Path) -> PathBuf {
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}
