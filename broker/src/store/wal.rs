//! Which pages the write-ahead log beside a store holds, read without SQLite: to open a damaged store with SQLite is to
//! change it. Layout: <https://sqlite.org/fileformat.html#the_write_ahead_log>

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The magic number says in its last bit how the checksums read their words.
const MAGIC_LITTLE: u32 = 0x377f_0682;
const MAGIC_BIG: u32 = MAGIC_LITTLE + 1;

/// What the committed part of a log holds.
#[derive(Debug)]
pub(crate) struct Log {
    /// Pages of the whole store after the last commit.
    pub(crate) store_pages: u32,
    pages: HashSet<u32>,
}

impl Log {
    pub(crate) fn holds(&self, page: u32) -> bool {
        self.pages.contains(&page)
    }
}

/// The log's committed part; `None` if there is no log or nothing in it counts.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn read(log: &Path, page_bytes: u32) -> io::Result<Option<Log>> {
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::new(file);
    let mut header = [0; HEADER_BYTES];
    if !filled(&mut file, &mut header)? {
        return Ok(None);
    }
    let big = match word(&header, 0, true) {
        MAGIC_LITTLE => false,
        MAGIC_BIG => true,
        _ => return Ok(None),
    };
    let mut sum = Sum { big, first: 0, second: 0 };
    sum.add(&header[..24]);
    if !sum.stands_in(&header, 24) || word(&header, 8, true) != page_bytes {
        return Ok(None);
    }
    frames(&mut file, sum, [word(&header, 16, true), word(&header, 20, true)], page_bytes as usize)
}

/// Frames count up to the last commit before the first one that is not whole or is left over from an earlier round.
fn frames(file: &mut impl Read, mut sum: Sum, salts: [u32; 2], page_bytes: usize) -> io::Result<Option<Log>> {
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    let mut log = Log { store_pages: 0, pages: HashSet::new() };
    let mut uncommitted = Vec::new();
    while filled(file, &mut frame)? {
        let page = word(&frame, 0, true);
        if page == 0 || [word(&frame, 8, true), word(&frame, 12, true)] != salts {
            break;
        }
        sum.add(&frame[..8]);
        sum.add(&frame[FRAME_HEADER_BYTES..]);
        if !sum.stands_in(&frame, 16) {
            break;
        }
        uncommitted.push(page);
        let store_pages = word(&frame, 4, true);
        if store_pages > 0 {
            log.store_pages = store_pages;
            log.pages.extend(uncommitted.drain(..));
        }
    }
    Ok((log.store_pages > 0).then_some(log))
}

/// The running checksum: each frame's goes on from the one before.
#[derive(Clone, Copy)]
struct Sum {
    big: bool,
    first: u32,
    second: u32,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(8) {
            self.first = self.first.wrapping_add(word(pair, 0, self.big)).wrapping_add(self.second);
            self.second = self.second.wrapping_add(word(pair, 4, self.big)).wrapping_add(self.first);
        }
    }

    fn stands_in(&self, bytes: &[u8], at: usize) -> bool {
        word(bytes, at, true) == self.first && word(bytes, at + 4, true) == self.second
    }
}

fn word(bytes: &[u8], at: usize, big: bool) -> u32 {
    let word = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

/// Reads as much as is asked for; false if the file ends before.
fn filled(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
