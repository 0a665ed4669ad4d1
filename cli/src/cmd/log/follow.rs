//! Goes on with a log, over the moment when its file moves aside and a new one begins.

use super::files::{Newest, lines_of};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::time::Duration;

/// Between two looks. A file has no event that can be waited for everywhere.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Gives each further line to `show`, until that fails.
pub(super) async fn follow(
    log: &Path,
    mut newest: Newest,
    mut show: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    loop {
        step(log, &mut newest, &mut show)?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What has come since, in the file that was open and in the one that took its name.
fn step(
    log: &Path,
    newest: &mut Newest,
    show: &mut impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let moved = successor(log, &mut newest.file)?;
    read_on(newest, show)?;
    if let Some(file) = moved {
        if !newest.rest.is_empty() {
            show(&std::mem::take(&mut newest.rest))?;
        }
        newest.file = file;
        read_on(newest, show)?;
    }
    Ok(())
}

fn read_on(newest: &mut Newest, show: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    newest.file.read_to_end(&mut newest.rest)?;
    let (lines, rest) = lines_of(&newest.rest);
    newest.rest = rest;
    lines.iter().try_for_each(|line| show(line))
}

/// The file that is called so now, if it is another one. While there is none the old one is all there is.
fn successor(log: &Path, open: &mut File) -> io::Result<Option<File>> {
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (now, before) = (file.metadata()?, open.metadata()?);
    let other = who(&now) != who(&before) || now.len() < open.stream_position()?;
    Ok(other.then_some(file))
}

/// Tells a file from the one that had its name before.
#[cfg(unix)]
fn who(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Tells a file from the one that had its name before.
#[cfg(windows)]
fn who(file: &Metadata) -> u64 {
    use std::os::windows::fs::MetadataExt;
    file.creation_time()
}

#[cfg(test)]
mod tests {
    use super::super::files::end_of;
    use super::step;
    use std::fs::OpenOptions;
    use std::io::Write;

    #[test]
    fn lines_come_once_and_in_order_also_when_the_file_moves_aside() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("broker.log");
        std::fs::write(&log, "old\n").unwrap();
        let (_, mut newest) = end_of(&log, 0).unwrap().unwrap();
        let mut lines = Vec::new();
        let mut look = || {
            lines.clear();
            step(&log, &mut newest, &mut |line| {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
                Ok(())
            })
            .unwrap();
            lines.clone()
        };
        let add = |text: &str| {
            let mut file = OpenOptions::new().append(true).create(true).open(&log).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        assert_eq!(look(), Vec::<String>::new());
        add("one\ntw");
        assert_eq!(look(), ["one"]);
        add("o\nthree\n");
        std::fs::rename(&log, folder.path().join("broker.log.1")).unwrap();
        assert_eq!(look(), ["two", "three"], "while there is no new file");
        add("four\n");
        assert_eq!(look(), ["four"]);
        std::fs::remove_file(&log).unwrap();
        add("another, longer than what was read of the one before\n");
        assert_eq!(look(), ["another, longer than what was read of the one before"]);
    }
}
