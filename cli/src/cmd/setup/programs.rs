//! The programs: where they are, and where they go.

use super::args::SetupArgs;
use super::files;
use super::places::{self, Places};
use super::record::{ProgramNote, Record};
use super::service::Daemon;
use anyhow::{Context, bail};
use std::env::{self, consts::EXE_SUFFIX};
use std::path::{Path, PathBuf};

/// Their names.
const NAMES: [&str; 3] = ["c2c", "c2c-shim", "c2c-broker"];
/// What only some need, and comes along where it is.
const LINK: &str = "c2c-link";

/// Where they will be, and what has to be copied for that.
#[derive(Debug)]
pub(super) struct Programs {
    /// The folder they run from.
    pub(super) folder: PathBuf,
    /// What is to be copied.
    pub(super) copies: Vec<Copy>,
}

/// One program that is to be copied.
#[derive(Debug)]
pub(super) struct Copy {
    from: PathBuf,
    note: ProgramNote,
}

impl Copy {
    /// Where it goes.
    pub(super) fn target(&self) -> &Path {
        &self.note.path
    }
}

impl Programs {
    /// Finds them beside this program, and works out what is to be done.
    pub(super) fn plan(places: &Places, args: &SetupArgs, record: &Record) -> anyhow::Result<Self> {
        let own = env::current_exe().context("failed to find this program's own path")?;
        let source = own.parent().context("this program lies in no folder")?;
        if let Some(missing) = NAMES.iter().map(|name| file(source, name)).find(|path| !path.is_file()) {
            bail!(
                "{} does not exist; setup needs all three programs in one folder \
                 (`cargo build --release --locked` puts them there)",
                missing.display()
            );
        }
        let folder = match &args.bin_dir {
            Some(named) => std::path::absolute(named).context("--bin-dir names no folder")?,
            None if places::is_on_path(source) => source.to_owned(),
            None => places.usual_bin.clone(),
        };
        let mut programs = Self { folder, copies: Vec::new() };
        if !places::same_file(source, &programs.folder) {
            let link = Some(LINK).filter(|name| file(source, name).is_file());
            for name in NAMES.into_iter().chain(link) {
                programs.copies.extend(copy(&file(source, name), file(&programs.folder, name), record)?);
            }
        }
        Ok(programs)
    }

    /// Whether this one is to be copied.
    pub(super) fn copies(&self, name: &str) -> bool {
        let path = self.path(name);
        self.copies.iter().any(|copy| copy.target() == path)
    }

    /// The path of one of them.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        file(&self.folder, name)
    }

    /// Copies what is to be copied.
    pub(super) fn install(&self, record: &mut Record, record_path: &Path) -> anyhow::Result<()> {
        if self.copies.is_empty() {
            return Ok(());
        }
        record.make_folder(&self.folder)?;
        for Copy { note, .. } in &self.copies {
            record.programs.retain(|program| program.path != note.path);
            record.programs.push(note.clone());
        }
        record.save(record_path)?;
        self.copies.iter().try_for_each(|Copy { from, note }| files::copy_program(from, &note.path))
    }
}

/// Where a service's program is: where setup put it, else beside this one, else on PATH.
pub(in crate::cmd) fn of_service(record: &Record, daemon: Daemon) -> Option<PathBuf> {
    let name = daemon.name();
    let mut noted = record.programs.iter().map(|note| &note.path);
    let installed = noted.rfind(|path| path.file_stem().is_some_and(|stem| stem == name));
    let beside = || env::current_exe().ok()?.parent().map(|folder| file(folder, name));
    let there = |path: &PathBuf| path.is_file();
    installed.cloned().or_else(|| beside().filter(there).or_else(|| places::on_path(name)).or_else(beside))
}

/// What is to be copied, if anything. A file of somebody else's is never replaced: it could not be brought back.
fn copy(from: &Path, to: PathBuf, record: &Record) -> anyhow::Result<Option<Copy>> {
    let sha256 = files::digest_of(from)?.with_context(|| format!("{} has gone", from.display()))?;
    let there = files::digest_of(&to)?;
    if there.as_ref() == Some(&sha256) {
        return Ok(None);
    }
    let ours = record.programs.iter().any(|program| program.path == to);
    if there.is_some() && !ours {
        bail!(
            "{} is there already and was not put there by setup; remove it, or name another folder with --bin-dir",
            to.display()
        );
    }
    Ok(Some(Copy { from: from.to_owned(), note: ProgramNote { path: to, sha256 } }))
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{EXE_SUFFIX}"))
}
