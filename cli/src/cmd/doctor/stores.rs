//! Whether brokers for other stores run: a session that was started with another `CLAUDE_C2C_DB` is there, and its mail too.

use super::report::{Check, Problem};
use c2c_proto::paths::StorePaths;

/// The check named `other_stores`.
pub(super) fn check(paths: &StorePaths) -> Check {
    let Some(running) = processes::brokers() else {
        return Check::skipped("other_stores", "this system does not tell what other processes serve");
    };
    let own = paths.store.display().to_string();
    let problems = running.into_iter().filter(|(_, store)| *store != own).map(|(pid, store)| {
        Problem::warning(
            format!("process {pid} is a broker for {store}: sessions that use it are not seen here"),
            format!("if a session of yours is there by mistake, start it again without that CLAUDE_C2C_DB; to look: CLAUDE_C2C_DB='{store}' c2c sessions"),
        )
    });
    Check::of("other_stores", problems.collect(), "no broker of yours serves another store")
}

#[cfg(target_os = "linux")]
mod processes {
    use std::os::unix::fs::MetadataExt;

    /// Process ids and stores of this user's brokers that were started for a store by name, as sessions start them.
    pub(super) fn brokers() -> Option<Vec<(u32, String)>> {
        let own = rustix::process::geteuid().as_raw();
        let all = std::fs::read_dir("/proc").ok()?.flatten();
        Some(
            all.filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.uid() == own))
                .filter_map(|entry| {
                    let pid = entry.file_name().to_str()?.parse().ok()?;
                    let words = std::fs::read(entry.path().join("cmdline")).ok()?;
                    Some((pid, store_of(&String::from_utf8_lossy(&words))?))
                })
                .collect(),
        )
    }

    /// From the words of a command, each ended by a NUL.
    pub(super) fn store_of(words: &str) -> Option<String> {
        let mut words = words.split('\0');
        let program = words.next()?;
        if program.rsplit('/').next() != Some("c2c-broker") {
            return None;
        }
        words.find(|word| *word == "--store")?;
        words.next().map(str::to_owned)
    }
}

#[cfg(not(target_os = "linux"))]
mod processes {
    /// Not told.
    pub(super) const fn brokers() -> Option<Vec<(u32, String)>> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::processes::store_of;

    #[test]
    fn a_broker_is_known_by_its_words() {
        let words = "/usr/bin/c2c-broker\0--store\0/srv/my c2c.db\0--on-demand\0";
        assert_eq!(store_of(words), Some("/srv/my c2c.db".to_owned()));
        assert_eq!(store_of("/usr/bin/c2c-broker\0--service\0"), None);
        assert_eq!(store_of("/bin/sh\0--store\0x\0"), None);
        assert_eq!(store_of(""), None);
    }
}
