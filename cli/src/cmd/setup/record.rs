//! The note of what setup added, beside the store: uninstall takes away what stands in it, and nothing else.
//!
//! It is written before the change that it names, so that a crash leaves nothing that nobody knows of.

use super::args::Scope;
use super::files::{self, Readers};
use super::json::{Added, Insertion};
use super::service::Daemon;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The form of the note that this program writes, and the only one that it reads.
const FORM: u32 = 1;

/// Everything that was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::cmd) struct Record {
    form: u32,
    /// Folders that were not there, in the order in which they were made.
    pub(in crate::cmd) folders: Vec<PathBuf>,
    /// Programs that were copied.
    pub(in crate::cmd) programs: Vec<ProgramNote>,
    /// MCP servers that `claude` registered.
    pub(in crate::cmd) servers: Vec<ServerNote>,
    /// Files that were edited or made.
    pub(in crate::cmd) files: Vec<FileNote>,
    /// The broker's service.
    service: Option<ServiceNote>,
    /// The link's, which notes of older versions do not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link_service: Option<ServiceNote>,
}

/// A program that was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cmd) struct ProgramNote {
    /// To here.
    pub(in crate::cmd) path: PathBuf,
    /// What it is.
    pub(in crate::cmd) sha256: String,
}

/// A server that `claude mcp add` registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cmd) struct ServerNote {
    /// Its name.
    pub(in crate::cmd) name: String,
    /// For whom.
    pub(in crate::cmd) scope: Scope,
    /// Where `claude` ran.
    pub(in crate::cmd) folder: PathBuf,
    /// The file that it changed.
    pub(in crate::cmd) file: PathBuf,
    /// The keys that lead to the servers in it.
    pub(in crate::cmd) at: Vec<String>,
    /// What was in it; `None` if there was none.
    pub(in crate::cmd) before: Option<String>,
    /// What it was afterwards.
    pub(in crate::cmd) after_sha256: Option<String>,
}

/// A file that was edited or made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::cmd) struct FileNote {
    /// Which.
    pub(in crate::cmd) path: PathBuf,
    /// It was not there.
    pub(in crate::cmd) created: bool,
    /// What it was before.
    pub(in crate::cmd) before_sha256: String,
    /// What is ours in it.
    pub(in crate::cmd) ours: Ours,
}

/// What of a file is ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cmd) enum Ours {
    /// Members and elements of a JSON text.
    Json(Added),
    /// Lines between two marks.
    Block(Vec<Insertion>),
    /// All of it.
    Whole {
        /// What we wrote.
        sha256: String,
    },
}

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cmd) struct ServiceNote {
    /// The service manager took it.
    pub(in crate::cmd) started: bool,
}

impl Record {
    /// Nothing was added.
    pub(in crate::cmd) const fn empty() -> Self {
        Self {
            form: FORM,
            folders: Vec::new(),
            programs: Vec::new(),
            servers: Vec::new(),
            files: Vec::new(),
            service: None,
            link_service: None,
        }
    }

    /// Reads it; empty if there is none.
    pub(in crate::cmd) fn load(path: &Path) -> anyhow::Result<Self> {
        let Some(text) = files::read(path)? else { return Ok(Self::empty()) };
        let unreadable = || {
            format!(
                "{}, the note of what setup added, cannot be read; move it away to do without",
                path.display()
            )
        };
        let record: Self = serde_json::from_str(&text).with_context(unreadable)?;
        if record.form != FORM {
            bail!("{} was written by another version of c2c: use that one", path.display());
        }
        Ok(record)
    }

    /// Writes it, or removes it when nothing is left in it. Makes the folder.
    pub(in crate::cmd) fn save(&mut self, path: &Path) -> anyhow::Result<()> {
        if *self == Self::empty() {
            return files::remove(path);
        }
        if let Some(folder) = path.parent() {
            self.make_folder(folder)?;
        }
        files::write(path, &format!("{}\n", serde_json::to_string_pretty(self)?), Readers::Owner)
    }

    /// Makes a folder, and notes what was made.
    pub(in crate::cmd) fn make_folder(&mut self, folder: &Path) -> anyhow::Result<()> {
        self.folders.extend(files::make_folder(folder)?);
        Ok(())
    }

    /// The note of a service.
    pub(in crate::cmd) const fn service(&mut self, daemon: Daemon) -> &mut Option<ServiceNote> {
        match daemon {
            Daemon::Broker => &mut self.service,
            Daemon::Link => &mut self.link_service,
        }
    }

    /// The same, to look at.
    pub(in crate::cmd) const fn has_service(&self, daemon: Daemon) -> Option<ServiceNote> {
        match daemon {
            Daemon::Broker => self.service,
            Daemon::Link => self.link_service,
        }
    }

    /// The note of this file.
    pub(in crate::cmd) fn file(&self, path: &Path) -> Option<&FileNote> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Notes a file anew.
    pub(in crate::cmd) fn set_file(&mut self, note: FileNote) {
        match self.files.iter_mut().find(|file| file.path == note.path) {
            Some(file) => *file = note,
            None => self.files.push(note),
        }
    }
}
