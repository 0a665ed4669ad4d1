//! The end of a store: its broker goes, then its files.

use crate::cmd::setup::files;
use crate::control;
use anyhow::{Context, bail};
use c2c_proto::paths::StorePaths;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// What SQLite has beside a store.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// In the name of each backup of a store.
const BACKUP: &str = ".backup";
/// A broker ends within 2 s.
const BROKER_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Asks the broker of this store to end, if one runs.
pub(super) async fn end_broker(paths: &StorePaths) -> anyhow::Result<()> {
    if !paths.run_dir.exists() {
        return Ok(());
    }
    control::hand_over(paths).await.map(|_| ()).context("the running broker could not be asked to end")
}

/// What a purge deletes, in this order.
pub(super) fn doomed(paths: &StorePaths) -> anyhow::Result<Vec<PathBuf>> {
    let mut doomed = backups(&paths.store)?;
    let beside = |ending: &str| {
        let mut name = paths.store.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    doomed.extend(COMPANIONS.map(beside));
    doomed.extend([&paths.store, &paths.config, &paths.link_config, &paths.run_dir].map(Clone::clone));
    // A store with a long path has its socket elsewhere; on Windows it is no file.
    let socket = paths.address.as_path();
    if cfg!(unix) && !socket.starts_with(&paths.run_dir) {
        doomed.push(socket.to_owned());
    }
    doomed.retain(|path| path.symlink_metadata().is_ok());
    Ok(doomed)
}

fn backups(store: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (store.parent(), store.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("failed to read {}", folder.display())),
    };
    let is_backup = |path: &PathBuf| {
        let rest = path.file_name().and_then(|own| own.to_str()).and_then(|own| own.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('.') && rest.contains(BACKUP))
    };
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_backup).collect())
}

/// Deletes the store and all that goes with it. No broker can begin meanwhile.
pub(super) async fn purge(paths: &StorePaths) -> anyhow::Result<()> {
    let lock = held(&paths.lock).await?;
    for path in doomed(paths)?.iter().filter(|path| **path != paths.run_dir) {
        files::remove(path)?;
    }
    // Where an open file cannot be removed, the folder could not be either; by now there is nothing left to serve.
    drop(lock);
    match fs::remove_dir_all(&paths.run_dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", paths.run_dir.display()))
        }
        _ => Ok(()),
    }
}

/// The lock that the broker of this store holds while it runs; `None` if no broker ever ran.
async fn held(lock: &Path) -> anyhow::Result<Option<File>> {
    let file = match File::options().read(true).write(true).open(lock) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("failed to open {}", lock.display())),
    };
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    match timeout(BROKER_ENDS_WITHIN, locked).await {
        Ok(locked) => Ok(Some(locked?.with_context(|| format!("failed to lock {}", lock.display()))?)),
        Err(_) => bail!(
            "the broker still serves the store, which was not deleted; end it and run this again \
             (`c2c status` names its process)"
        ),
    }
}
