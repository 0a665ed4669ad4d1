//! Linux: `/proc` has the start time.

use std::io;

/// Which field of `/proc/<pid>/stat` is the start time, counted from the one after the name (which is the third).
const START_TIME_FIELD: usize = 22 - 3;

/// Process id and start time.
pub(super) fn describe(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    format!("{pid}:{}", start_time(&stat).unwrap_or("?"))
}

pub(super) fn may_run(described: &str) -> bool {
    let (pid, start) = described.split_once(':').unwrap_or((described, "?"));
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| start == "?" || start_time(&stat) == Some(start))
}

pub(super) fn has_ended(described: &str) -> bool {
    let numbers = described.split_once(':').and_then(|(pid, start)| Some((pid.parse::<u32>().ok()?, start)));
    let Some((pid, start)) = numbers.filter(|(_, start)| start.parse::<u64>().is_ok()) else { return false };
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => start_time(&stat).is_some_and(|now| now != start) || is_zombie(&stat),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// It has ended, and its parent has not asked for its status yet.
fn is_zombie(stat: &str) -> bool {
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// The name before it may hold anything, spaces and parentheses included.
fn start_time(stat: &str) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(START_TIME_FIELD)
}

#[cfg(test)]
mod tests {
    use super::{describe, start_time};

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        assert_eq!(start_time(stat), Some("4711"));
        assert_eq!(start_time("garbage"), None);
    }

    #[test]
    fn the_parent_of_this_test_has_a_start_time() {
        let parent = std::os::unix::process::parent_id();
        let described = describe(parent);
        let (pid, start) = described.split_once(':').unwrap();
        assert_eq!(pid, parent.to_string());
        assert!(start.parse::<u64>().unwrap() > 0);
    }
}
