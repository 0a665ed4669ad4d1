//! Why a hook had nothing to say: beside the broker's log, since a hook shows nothing.

use c2c_proto::paths::{StorePaths, private_file};
use c2c_proto::time::Timestamp;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file in the run folder.
const FILE: &str = "hooks.log";
/// A longer one is begun anew.
const MAX_BYTES: u64 = 256 * 1024;

/// Notes a failure. Where there is no run folder there is no broker to ask either, and nothing is noted.
pub(super) fn failed(reason: &str) {
    let Ok(paths) = StorePaths::from_env() else { return };
    // Nobody could be told that even this failed.
    let _ = append(&paths.run_dir.join(FILE), reason);
}

fn append(file: &Path, reason: &str) -> std::io::Result<()> {
    let long = std::fs::metadata(file).is_ok_and(|found| found.len() > MAX_BYTES);
    let mut options: OpenOptions = private_file();
    options.create(true);
    if long {
        options.write(true).truncate(true);
    } else {
        options.append(true);
    }
    let line = format!("{} {}\n", now(), crate::text::visible(reason));
    options.open(file)?.write_all(line.as_bytes())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a hook has no clock to be moved; the time is for whoever reads the log"
)]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, append};

    #[test]
    fn the_log_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hooks.log");
        append(&file, "one\u{1b}[2J").unwrap();
        append(&file, "two").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.lines().count() == 2 && text.contains(r"one\u{1b}[2J"), "{text}");
        append(&file, &"x".repeat(usize::try_from(MAX_BYTES).unwrap())).unwrap();
        append(&file, "three").unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().ends_with(" three\n"));
        assert!(std::fs::metadata(&file).unwrap().len() < 100);
    }
}
