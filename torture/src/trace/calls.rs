//! Which system calls change something that outlives the process or that others see: files, folders, sockets.

use nix::libc;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One system call at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// What it is about: the last part of a path, or the kind of thing.
    pub target: String,
    /// The same as it is: the whole path, or what the descriptor leads to.
    pub whole: PathBuf,
    /// The thread's name.
    pub thread: String,
}

/// Which call of a run: the n-th of its name on its target, counting from 1. Threads share the count, since which of
/// them does a piece of work is chance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub target: String,
    /// Which of them.
    pub nth: u64,
}

/// What the first arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A descriptor.
    Descriptor,
    /// A path, in the argument of this number.
    Path(usize),
}

/// The calls that change something, or make what changed known to others.
pub const CHANGES: &[&str] = &[
    "write",
    "pwrite",
    "writev",
    "pwritev",
    "send",
    "sendmsg",
    "fsync",
    "fdatasync",
    "rename",
    "link",
    "unlink",
    "truncate",
    "allocate",
    "mkdir",
    "chmod",
    "create",
    "bind",
    "listen",
    "accept",
    "flock",
];

/// The opening of a file that is there, or for reading.
pub(super) const OPEN: &str = "open";

/// The name of a call that matters, and what it is about; `None` for all others. `flags` are the third argument's.
pub(super) fn named(number: i64, flags: u64) -> Option<(&'static str, About)> {
    use About::{Descriptor, Path};
    #[cfg(target_arch = "x86_64")]
    match number {
        libc::SYS_rename => return Some(("rename", Path(0))),
        libc::SYS_link => return Some(("link", Path(0))),
        libc::SYS_unlink | libc::SYS_rmdir => return Some(("unlink", Path(0))),
        libc::SYS_mkdir => return Some(("mkdir", Path(0))),
        libc::SYS_chmod => return Some(("chmod", Path(0))),
        libc::SYS_open => return Some((OPEN, Path(0))),
        libc::SYS_accept => return Some(("accept", Descriptor)),
        _ => {}
    }
    Some(match number {
        libc::SYS_write => ("write", Descriptor),
        libc::SYS_pwrite64 => ("pwrite", Descriptor),
        libc::SYS_writev => ("writev", Descriptor),
        libc::SYS_pwritev | libc::SYS_pwritev2 => ("pwritev", Descriptor),
        libc::SYS_sendto => ("send", Descriptor),
        libc::SYS_sendmsg => ("sendmsg", Descriptor),
        libc::SYS_fsync => ("fsync", Descriptor),
        libc::SYS_fdatasync => ("fdatasync", Descriptor),
        libc::SYS_renameat | libc::SYS_renameat2 => ("rename", Path(1)),
        libc::SYS_linkat => ("link", Path(1)),
        libc::SYS_unlinkat => ("unlink", Path(1)),
        libc::SYS_ftruncate => ("truncate", Descriptor),
        libc::SYS_fallocate => ("allocate", Descriptor),
        libc::SYS_mkdirat => ("mkdir", Path(1)),
        libc::SYS_fchmod | libc::SYS_fchown => ("chmod", Descriptor),
        libc::SYS_fchmodat => ("chmod", Path(1)),
        libc::SYS_openat if flags & u64::from(libc::O_CREAT.unsigned_abs()) != 0 => ("create", Path(1)),
        libc::SYS_openat => (OPEN, Path(1)),
        libc::SYS_bind => ("bind", Descriptor),
        libc::SYS_listen => ("listen", Descriptor),
        libc::SYS_accept4 => ("accept", Descriptor),
        libc::SYS_flock => ("flock", Descriptor),
        libc::SYS_pread64 => ("pread", Descriptor),
        libc::SYS_read => ("read", Descriptor),
        _ => return None,
    })
}

/// Whether a call counts: reads change nothing, and what wakes a thread of the same process is no change either.
pub(super) fn counts(name: &str, target: &Path, opens: bool) -> bool {
    let inside = target.to_string_lossy().contains("anon_inode");
    (CHANGES.contains(&name) || opens && name == OPEN) && !inside
}

/// What a descriptor of a process leads to.
pub(super) fn descriptor(process: u32, descriptor: u64) -> PathBuf {
    std::fs::read_link(format!("/proc/{process}/fd/{descriptor}")).unwrap_or_default()
}

/// The path that lies at an address of a process.
pub(super) fn path(process: u32, address: u64) -> PathBuf {
    let mut bytes = vec![0; 256];
    let memory = std::fs::File::open(format!("/proc/{process}/mem"));
    let read = memory.and_then(|memory| memory.read_at(&mut bytes, address)).unwrap_or(0);
    bytes.truncate(bytes[..read].iter().position(|byte| *byte == 0).unwrap_or(read));
    std::ffi::OsString::from_vec(bytes).into()
}

/// The thread's name.
pub(super) fn thread_name(process: u32, thread: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/comm")).unwrap_or_default();
    // Workers are numbered as they come; which of them does a piece of work is chance.
    name.trim().trim_end_matches(|char: char| char.is_ascii_digit() || char == '-').to_owned()
}

/// The last part of a path, without what differs from run to run.
pub(super) fn short(target: &Path) -> String {
    let text = target.to_string_lossy();
    if text.starts_with("socket:") {
        return "socket".to_owned();
    }
    if target.is_dir() {
        return "folder".to_owned();
    }
    let name = text.rsplit('/').next().unwrap_or_default();
    match name.split_once(".new-") {
        Some((store, unique)) => {
            let suffix = ["-wal", "-shm", "-journal"].into_iter().find(|suffix| unique.ends_with(suffix));
            format!("{store}.new{}", suffix.unwrap_or_default())
        }
        None => name.trim_end_matches(" (deleted)").to_owned(),
    }
}
