//! The last lines of a log that moves on: `broker.log` is the newest file, `broker.log.1` and so on are before it.

use anyhow::Context;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files before the newest one that are looked into. The broker keeps two.
const OLDER_MAX: u32 = 9;

/// The newest file, read up to its end.
#[derive(Debug)]
pub(super) struct Newest {
    /// To be read on.
    pub(super) file: File,
    /// What follows its last line break.
    pub(super) rest: Vec<u8>,
}

/// The last lines and where to go on; `None` if there is no log.
pub(super) fn end_of(log: &Path, count: usize) -> anyhow::Result<Option<(Vec<Vec<u8>>, Newest)>> {
    let cannot = || format!("{} cannot be read", log.display());
    let mut file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot),
    };
    let mut text = Vec::new();
    file.read_to_end(&mut text).with_context(cannot)?;
    let (mut lines, rest) = lines_of(&text);
    for number in 1..=OLDER_MAX {
        // A log has older files only once it has grown.
        let Some(text) = (lines.len() < count).then(|| std::fs::read(numbered(log, number)).ok()).flatten()
        else {
            break;
        };
        let (mut older, _) = lines_of(&text);
        older.append(&mut lines);
        lines = older;
    }
    lines.drain(..lines.len().saturating_sub(count));
    Ok(Some((lines, Newest { file, rest })))
}

/// Its complete lines, and what follows them.
pub(super) fn lines_of(text: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let rest = lines.pop().unwrap_or_default();
    (lines, rest)
}

fn numbered(log: &Path, number: u32) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn lines_of_older_files_come_first_and_only_where_they_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("broker.log");
        assert!(end_of(&log, 5).unwrap().is_none());
        std::fs::write(folder.path().join("broker.log.2"), "one\ntwo\n").unwrap();
        std::fs::write(folder.path().join("broker.log.1"), "three\n").unwrap();
        std::fs::write(&log, "four\nfive\nsi").unwrap();
        let last = |count| {
            let (lines, newest) = end_of(&log, count).unwrap().unwrap();
            assert_eq!(newest.rest, b"si");
            lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(last(0), Vec::<String>::new());
        assert_eq!(last(1), ["five"]);
        assert_eq!(last(4), ["two", "three", "four", "five"]);
        assert_eq!(last(50), ["one", "two", "three", "four", "five"]);
    }
}
