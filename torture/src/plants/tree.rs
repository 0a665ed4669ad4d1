//! The copy of the working tree that bugs are planted in, below the target folder.
//!
//! Owns that the copy is what the working tree was at the beginning, but for the bug: only files that differ are written,
//! so that the compiler has no more to do than the bug asks for. Whoever works on in the tree does not disturb a run.

use super::patch::{Plant, git};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The copy.
#[derive(Debug)]
pub(super) struct Tree {
    /// Below it lie the copy, a second one that no bug is ever planted in, and what is built.
    folder: PathBuf,
}

impl Tree {
    /// A copy of the tree at `root`, beside what the running program was built to.
    pub(super) fn new(root: &Path) -> Self {
        let profile = c2c_harness::bin_dir();
        let target = profile.parent().expect("programs lie in target/<profile>");
        let tree = Self { folder: target.join("plants") };
        copy(root, &files_of(root), &tree.sound());
        tree
    }

    /// Where the copy lies.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Where it is built to.
    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Without any bug.
    pub(super) fn reset(&self) {
        let mut files = HashSet::new();
        files_below(&self.sound(), Path::new(""), &mut files);
        copy(&self.sound(), &files, &self.path());
    }

    /// Plants one bug.
    pub(super) fn plant(&self, plant: &Plant) -> Result<(), String> {
        plant.plant(&self.path())
    }

    fn sound(&self) -> PathBuf {
        self.folder.join("sound")
    }
}

/// Makes `to` hold these files of `from`, and no others.
fn copy(from: &Path, files: &HashSet<PathBuf>, to: &Path) {
    fs::create_dir_all(to).expect("the target folder can be written");
    for file in files {
        let (source, copy) = (from.join(file), to.join(file));
        let content = fs::read(&source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        if fs::read(&copy).is_ok_and(|there| there == content) {
            continue;
        }
        fs::create_dir_all(copy.parent().expect("a file lies in a folder")).expect("the copy can be written");
        // Not only the content: some files are scripts.
        fs::copy(&source, &copy).expect("the copy can be written");
    }
    let mut there = HashSet::new();
    files_below(to, Path::new(""), &mut there);
    for other in there.difference(files) {
        fs::remove_file(to.join(other)).expect("the copy can be written");
    }
}

/// The files that make up the tree: what git knows, and what is new and not ignored.
fn files_of(root: &Path) -> HashSet<PathBuf> {
    let output = git(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .expect("git can be run");
    assert!(output.status.success(), "the tree is no git repository: {output:?}");
    let names = String::from_utf8(output.stdout).expect("the names of the tree's files are UTF-8");
    let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    files.filter(|file| root.join(file).is_file()).collect()
}

fn files_below(tree: &Path, below: &Path, found: &mut HashSet<PathBuf>) {
    for entry in fs::read_dir(tree.join(below)).expect("the copy can be listed") {
        let entry = entry.expect("the copy can be listed");
        let name = below.join(entry.file_name());
        if entry.file_type().expect("the copy can be listed").is_dir() {
            files_below(tree, &name, found);
        } else {
            found.insert(name);
        }
    }
}
