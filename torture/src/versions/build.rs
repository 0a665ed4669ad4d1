//! Other versions of the programs, built from a scratch copy of this tree: with patches put on it, or as it was at a
//! commit.
//!
//! The copies and what is built from them lie in `target/versions/<name>`; the compiled dependencies are those of the
//! tree itself. A copy is only touched where it differs, so a second build costs nothing. Each version has its name in its
//! number (`0.3.0+next`): that tells them apart when they run, and for cargo, which knows a workspace's own crates by name
//! and number alone and would else take those of one copy for those of another. Knows git and cargo, and nothing of what
//! the versions are for.

use c2c_harness::bin_dir;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is built.
const PACKAGES: [&str; 3] = ["c2c-broker", "c2c-shim", "c2c"];

/// Where a version's sources come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// This tree as it lies there, with these patches (paths from the root) put on it in order.
    Patched(Vec<&'static str>),
    /// The tree at a commit.
    Commit(&'static str),
}

/// A version that was built.
#[derive(Clone, Debug)]
pub struct Version {
    /// What it is called here.
    pub name: String,
    folder: PathBuf,
}

impl Version {
    /// The version that was built together with this program.
    #[must_use]
    pub fn current() -> Self {
        Self { name: "current".to_owned(), folder: bin_dir() }
    }

    /// One of its programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What it calls itself: the last word of `--version`.
    ///
    /// # Panics
    /// If it does not say.
    #[must_use]
    pub fn number(&self) -> String {
        let said = Command::new(self.program("c2c-broker")).arg("--version").output().expect("it runs");
        let said = String::from_utf8(said.stdout).expect("a text");
        said.split_whitespace().last().expect("a version").to_owned()
    }
}

/// The root of the workspace that this program was built from.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// Builds a version, or finds that it is built. The error says why it cannot be had.
///
/// # Errors
/// When there is no git or cargo, no such commit, a patch does not fit, or the result does not compile.
pub fn build(name: &str, source: &Source) -> Result<Version, String> {
    let target = bin_dir().parent().ok_or("the programs lie in no target folder")?.to_owned();
    let home = target.join("versions").join(name);
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    // Two at once would spoil each other's copy.
    let lock = File::create(home.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (stage, tree) = (home.join("stage"), home.join("tree"));
    let _absent = fs::remove_dir_all(&stage);
    fs::create_dir_all(&stage).map_err(|error| error.to_string())?;
    match source {
        Source::Patched(patches) => patched(&stage, patches)?,
        Source::Commit(commit) => at_commit(&stage, commit)?,
    }
    stamp(&stage.join("Cargo.toml"), name)?;
    sync(&stage, &tree).map_err(|error| format!("the copy {}: {error}", tree.display()))?;
    let _left = fs::remove_dir_all(&stage);
    let out = home.join("out");
    compile(&tree, &target, &out)?;
    let profile = bin_dir().file_name().unwrap_or_else(|| OsStr::new("debug")).to_owned();
    Ok(Version { name: name.to_owned(), folder: out.join(profile) })
}

/// Everything that git knows or would take, as it lies in the work tree, then the patches.
fn patched(stage: &Path, patches: &[&str]) -> Result<(), String> {
    let list = run(Command::new("git").current_dir(root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root().join(name), stage.join(name));
        // Removed, but not yet for git.
        if !from.is_file() {
            continue;
        }
        fs::create_dir_all(to.parent().ok_or("no folder")?).map_err(|error| error.to_string())?;
        fs::copy(&from, &to).map_err(|error| format!("{name}: {error}"))?;
    }
    for patch in patches {
        // Without the ceiling git would take the copy for a part of the repository around it.
        run(Command::new("git")
            .current_dir(stage)
            .env("GIT_CEILING_DIRECTORIES", stage.parent().ok_or("no folder")?)
            .arg("apply")
            .arg(root().join(patch)))?;
    }
    Ok(())
}

fn at_commit(stage: &Path, commit: &str) -> Result<(), String> {
    let archive = stage.with_extension("tar");
    run(Command::new("git")
        .current_dir(root())
        .args(["archive", "--format=tar", "-o"])
        .arg(&archive)
        .arg(commit))
    .map_err(|error| format!("commit {commit} is not in the history here: {error}"))?;
    run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(stage))?;
    fs::remove_file(&archive).map_err(|error| error.to_string())
}

/// Adds the name to the number of all crates, which stands in the workspace's manifest.
fn stamp(manifest: &Path, name: &str) -> Result<(), String> {
    let text = fs::read_to_string(manifest).map_err(|error| error.to_string())?;
    let number = text
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .ok_or("the workspace's manifest has no version")?;
    let stamped =
        text.replacen(&format!("version = \"{number}\"\n"), &format!("version = \"{number}+{name}\"\n"), 1);
    fs::write(manifest, stamped).map_err(|error| error.to_string())
}

/// Makes `to` equal to `from`, and leaves alone what is equal: its age tells cargo that there is nothing to do.
fn sync(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let wanted = names(from)?;
    for name in &wanted {
        let (source, copy) = (from.join(name), to.join(name));
        if source.is_dir() {
            sync(&source, &copy)?;
        } else if fs::read(&copy).ok() != Some(fs::read(&source)?) {
            fs::copy(&source, &copy)?;
        }
    }
    for name in names(to)?.difference(&wanted) {
        // What cargo itself writes there.
        if name == "Cargo.lock" {
            continue;
        }
        let gone = to.join(name);
        if gone.is_dir() { fs::remove_dir_all(gone)? } else { fs::remove_file(gone)? }
    }
    Ok(())
}

fn names(folder: &Path) -> io::Result<BTreeSet<std::ffi::OsString>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
}

/// Builds with the compiled dependencies of `target`, and puts the programs below `out`.
fn compile(tree: &Path, target: &Path, out: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(tree).args(["build", "--quiet", "--bins"]);
    for package in PACKAGES {
        command.args(["-p", package]);
    }
    if bin_dir().ends_with("release") {
        command.arg("--release");
    }
    command.env("CARGO_BUILD_BUILD_DIR", target).env("CARGO_TARGET_DIR", out).env("CARGO_INCREMENTAL", "0");
    run(&mut command).map(drop)
}

/// Runs to the end; what it printed, or what it complained about.
fn run(command: &mut Command) -> Result<String, String> {
    let name = format!("{:?}", command.get_program());
    let done = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(format!("{name}: {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim()))
}
