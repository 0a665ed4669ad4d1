//! How many files a process may have open. Ten thousand connections are more than most systems grant unasked.

/// Descriptors that a process needs besides its connections.
const OTHERS: u64 = 100;

/// Raises the limit of this process, and of what it starts from now on, as far as the system lets it.
///
/// # Panics
/// If that is too few for so many connections in one process.
pub fn provide(connections: usize) {
    let granted = c2c_harness::raise_descriptors();
    let needed = connections as u64 + OTHERS;
    assert!(
        granted.is_none_or(|granted| granted >= needed),
        "{needed} open files are needed, the system grants {granted:?}: raise the hard limit (ulimit -Hn)"
    );
}
