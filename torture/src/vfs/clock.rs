//! The clock of a broker on the faulty disk: the machine's, set ahead or behind by the seconds that stand in
//! `X/vfs.clock`, as soon as they stand there.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// Beside the store: by how many seconds the clock is set.
pub const CLOCK_FILE: &str = "vfs.clock";

/// What a file was when it was last read: its length and its time. `None`: there was none.
type Version = Option<(u64, SystemTime)>;

/// The file of orders, read again whenever it changes.
#[derive(Debug)]
struct Orders {
    path: PathBuf,
    seen: Version,
    set_by_s: i64,
}

static ORDERS: OnceLock<Mutex<Orders>> = OnceLock::new();

/// Obeys the file beside this store from now on.
pub fn obey(store: &Path) {
    let path = store.with_file_name(CLOCK_FILE);
    let _already = ORDERS.set(Mutex::new(Orders { path, seen: None, set_by_s: 0 }));
}

/// What the clock shows.
///
/// # Panics
/// If the file holds anything but a number: a test that relied on it would pass without its fault.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock that the broker reads")]
pub fn now() -> SystemTime {
    let now = SystemTime::now();
    let Some(orders) = ORDERS.get() else { return now };
    let set_by_s = orders.lock().unwrap_or_else(PoisonError::into_inner).look();
    let by = Duration::from_secs(set_by_s.unsigned_abs());
    let shown = if set_by_s < 0 { now.checked_sub(by) } else { now.checked_add(by) };
    shown.unwrap_or(SystemTime::UNIX_EPOCH)
}

impl Orders {
    fn look(&mut self) -> i64 {
        let seen = std::fs::metadata(&self.path)
            .and_then(|metadata| Ok((metadata.len(), metadata.modified()?)))
            .ok();
        if seen != self.seen {
            self.seen = seen;
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            let text = text.trim();
            self.set_by_s = if text.is_empty() { 0 } else { text.parse().expect("seconds") };
        }
        self.set_by_s
    }
}

#[cfg(test)]
mod tests {
    use super::Orders;

    #[test]
    fn the_clock_is_set_by_what_the_file_says_and_put_right_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(super::CLOCK_FILE);
        let mut orders = Orders { path: path.clone(), seen: None, set_by_s: 0 };
        assert_eq!(orders.look(), 0);
        for (text, set_by_s) in [("-86400\n", -86_400), ("3600", 3_600)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(orders.look(), set_by_s);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(orders.look(), 0);
    }
}
