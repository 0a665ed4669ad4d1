//! Linux: `/proc` has the start time.

/// Which field of `/proc/<pid>/stat` is the start time, counted from the one after the name (which is the third).
const START_TIME_FIELD: usize = 22 - 3;

/// Process id and start time.
pub(super) fn describe(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    format!("{pid}:{}", start_time(&stat).unwrap_or("?"))
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
