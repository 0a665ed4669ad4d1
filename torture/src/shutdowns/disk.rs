//! A disk of its own: an ext4 in a file, mounted through a loop device. It is unmounted and removed whatever happens,
//! short of a kill of this process.

use super::cut::cut;
use c2c_harness::{look, pause};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const BYTES: u64 = 96 << 20;
/// Nothing is opened on it any more when it is unmounted, but processes end in their own time.
const UNMOUNTED_WITHIN: Duration = Duration::from_secs(5);
const MOUNTED_WITHIN: Duration = Duration::from_secs(20);

/// See the module's first lines.
#[derive(Debug)]
pub(super) struct Disk {
    folder: TempDir,
    options: &'static str,
    mounted: bool,
}

impl Disk {
    /// A new and empty one, mounted with these options.
    pub(super) fn new(options: &'static str) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("c2c-cut-").tempdir_in("/tmp").map_err(text)?;
        let mut disk = Self { folder, options, mounted: false };
        std::fs::create_dir(disk.root()).map_err(text)?;
        std::fs::File::create(disk.image()).and_then(|file| file.set_len(BYTES)).map_err(text)?;
        command(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()))?;
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("m")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// Everything that was done so far is on the disk.
    pub(super) fn flush(&self) -> Result<(), String> {
        let root = std::fs::File::open(self.root()).map_err(text)?;
        rustix::fs::syncfs(&root).map_err(text)
    }

    /// The power goes.
    pub(super) fn cut(&self) -> Result<(), String> {
        cut(&self.root()).map_err(text)
    }

    /// The power is back. Whoever still holds the file system that was cut, as a process in another mount namespace may
    /// for a moment, makes the system mount that one again: then this is done once more.
    pub(super) fn mount_again(&mut self) -> Result<(), String> {
        let mut last = String::new();
        let mounted = look(MOUNTED_WITHIN, || {
            let probe = self.root().join("probe");
            let mounted = self.unmount().and_then(|()| self.mount());
            let works = mounted.and_then(|()| std::fs::File::create(&probe).map_err(text));
            works.and_then(|_| std::fs::remove_file(&probe).map_err(text)).map_err(|error| last = error).ok()
        });
        mounted.ok_or(last)
    }

    /// Everything that is on it, in a folder elsewhere.
    pub(super) fn copy(&self) -> Result<TempDir, String> {
        let copy = tempfile::Builder::new().prefix("c2c-cut-left-").tempdir_in("/tmp").map_err(text)?;
        command(Command::new("cp").arg("-a").arg(self.root().join(".")).arg(copy.path()))?;
        Ok(copy)
    }

    fn mount(&mut self) -> Result<(), String> {
        let options = format!("loop,{}", self.options);
        command(
            Command::new("mount").args(["-t", "ext4", "-o", &options]).arg(self.image()).arg(self.root()),
        )?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<(), String> {
        if !self.mounted {
            return Ok(());
        }
        let mut last = String::new();
        let unmounted = look(UNMOUNTED_WITHIN, || {
            let tried = command(Command::new("umount").arg(self.root()));
            tried.map_err(|error| last = error).ok()
        });
        unmounted.ok_or(last)?;
        self.mounted = false;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted && self.unmount().is_err() {
            // Something still holds it: it goes with its last user.
            let _gone = command(Command::new("umount").arg("-l").arg(self.root()));
        }
        detach(&self.image());
    }
}

/// A loop device goes with the mount that made it; one that did not is let go here.
fn detach(image: &Path) {
    for _ in 0..50 {
        let listed = Command::new("losetup").arg("-j").arg(image).output();
        let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let listed = listed.unwrap_or_default();
        let Some((device, _)) = listed.split_once(':') else { return };
        let _gone = command(Command::new("losetup").args(["-d", device]));
        // The kernel lets go of it in its own time.
        pause(Duration::from_millis(20));
    }
}

fn command(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
