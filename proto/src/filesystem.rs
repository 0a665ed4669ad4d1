//! Which file systems several machines can reach at once. A write-ahead log there would lose what it acknowledged: its
//! readers and writers share memory, which two machines do not.

use std::path::Path;

/// The name of such a file system if the path lies on one; nothing where that cannot be told.
#[must_use]
pub fn shared_with_machines(path: &Path) -> Option<String> {
    system::shared_with_machines(path)
}

/// The bytes that this user may still write where the path lies; nothing where that cannot be told.
#[cfg(unix)]
#[must_use]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Not told on this system.
#[cfg(not(unix))]
#[must_use]
pub const fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
mod system {
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// What `statfs` says of them; the numbers are the kernel's (`linux/magic.h` and the file systems' own headers).
    const SHARED: [(u32, &str); 17] = [
        (0x0000_6969, "NFS"),
        (0x0000_517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        // Also the Windows drives of WSL 2 (`/mnt/c`).
        (0x0102_1997, "9p"),
        (0x7375_7245, "Coda"),
        (0x5346_414f, "AFS"),
        (0x6b41_4653, "AFS"),
        (0x0000_564c, "NCP"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x0116_1970, "GFS2"),
        (0x7461_636f, "OCFS2"),
        (0xaad7_aaea, "PanFS"),
        (0x4750_4653, "GPFS"),
        (0x786f_4256, "a folder of the VirtualBox host"),
        (0xbacb_acbc, "a folder of the VMware host"),
    ];
    /// One number for whatever a program serves: its name tells.
    const FUSE: u32 = 0x6573_5546;
    const SHARED_FUSE: [&str; 10] = [
        "sshfs",
        "rclone",
        "s3fs",
        "gcsfuse",
        "davfs",
        "curlftpfs",
        "glusterfs",
        "ceph-fuse",
        "cephfs",
        "vmhgfs",
    ];

    pub(super) fn shared_with_machines(path: &Path) -> Option<String> {
        let kind = i128::from(rustix::fs::statfs(path).ok()?.f_type) & 0xffff_ffff;
        let kind = u32::try_from(kind).ok()?;
        if kind == FUSE {
            let device = std::fs::metadata(path).ok()?.dev();
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
            return shared_fuse(&mounts, rustix::fs::major(device), rustix::fs::minor(device));
        }
        SHARED.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| (*name).to_owned())
    }

    /// The type of the mount with this device, if it is one that reaches other machines.
    fn shared_fuse(mounts: &str, major: u32, minor: u32) -> Option<String> {
        let device = format!("{major}:{minor}");
        let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
        let kind = line.split_once(" - ")?.1.split(' ').next()?;
        SHARED_FUSE.iter().any(|name| kind.contains(name)).then(|| kind.to_owned())
    }

    #[cfg(test)]
    mod tests {
        use super::{FUSE, SHARED, shared_fuse, shared_with_machines};
        use std::path::Path;

        #[test]
        fn b13_local_disks_are_not_refused() {
            // ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs, bcachefs, and FUSE, of which only the name can tell.
            let local = [
                0xef53,
                0x5846_5342,
                0x9123_683e,
                0x0102_1994,
                0x794c_7630,
                0x2fc1_2fc1,
                0xf2f5_2010,
                0xca45_1a4e,
                FUSE,
            ];
            assert!(SHARED.iter().all(|(magic, _)| !local.contains(magic)));
            let mut magics: Vec<u32> = SHARED.iter().map(|(magic, _)| *magic).collect();
            magics.sort_unstable();
            magics.dedup();
            assert_eq!(magics.len(), SHARED.len(), "each once");
            assert_eq!(shared_with_machines(Path::new("/proc")), None);
            assert_eq!(shared_with_machines(&std::env::temp_dir()), None);
            assert_eq!(shared_with_machines(Path::new("/no/such/folder")), None);
        }

        #[test]
        fn b13_a_fuse_mount_is_told_by_its_name() {
            let mounts = "36 35 8:1 / / rw - ext4 /dev/sda1 rw\n\
                          90 36 0:51 / /mnt/far rw,nosuid shared:9 - fuse.sshfs me@host:/ rw\n\
                          91 36 0:52 / /mnt/win rw - fuseblk /dev/sdb1 rw\n";
            assert_eq!(shared_fuse(mounts, 0, 51).as_deref(), Some("fuse.sshfs"));
            assert_eq!(shared_fuse(mounts, 0, 52), None);
            assert_eq!(shared_fuse(mounts, 0, 53), None);
        }
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::path::Path;

    /// `MNT_LOCAL` of `sys/mount.h`: the file system is on this machine.
    const LOCAL: u32 = 0x1000;

    pub(super) fn shared_with_machines(path: &Path) -> Option<String> {
        let found = rustix::fs::statfs(path).ok()?;
        (found.f_flags & LOCAL == 0).then(|| "a file system of another machine".to_owned())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod system {
    use std::path::Path;

    pub(super) fn shared_with_machines(_path: &Path) -> Option<String> {
        None
    }
}
