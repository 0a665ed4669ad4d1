//! The copy of the working tree that bugs are planted in, below the target folder.
//!
//! Owns that the copy is what the working tree is, but for the bug: only files that differ are written, so that the
//! compiler has no more to do than the bug asks for.

use super::patch::{Plant, git};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The copy.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// Below it lie the copy and what is built from it.
    folder: PathBuf,
}

impl Tree {
    /// A copy of the tree at `root`, beside what the running program was built to.
    pub(super) fn new(root: &Path) -> Self {
        let profile = c2c_harness::bin_dir();
        let target = profile.parent().expect("programs lie in target/<profile>");
        let folder = target.join("plants");
        fs::create_dir_all(folder.join("tree")).expect("the target folder can be written");
        Self { root: root.to_owned(), folder }
    }

    /// Where the copy lies.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Where it is built to.
    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Makes the copy what the working tree is.
    pub(super) fn reset(&self) {
        let wanted = files_of(&self.root);
        for file in &wanted {
            let (from, to) = (self.root.join(file), self.path().join(file));
            let content = fs::read(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            if fs::read(&to).is_ok_and(|there| there == content) {
                continue;
            }
            fs::create_dir_all(to.parent().expect("a file lies in a folder"))
                .expect("the copy can be written");
            // Not only the content: some files are scripts.
            fs::copy(&from, &to).expect("the copy can be written");
        }
        let wanted: HashSet<PathBuf> = wanted.into_iter().collect();
        remove_others(&self.path(), Path::new(""), &wanted);
    }

    /// Plants one bug.
    pub(super) fn plant(&self, plant: &Plant) -> Result<(), String> {
        plant.plant(&self.path())
    }
}

/// The files that make up the tree: what git knows, and what is new and not ignored.
fn files_of(root: &Path) -> Vec<PathBuf> {
    let output = git(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .expect("git can be run");
    assert!(output.status.success(), "the tree is no git repository: {output:?}");
    let names = String::from_utf8(output.stdout).expect("the names of the tree's files are UTF-8");
    let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    files.filter(|file| root.join(file).is_file()).collect()
}

fn remove_others(tree: &Path, below: &Path, wanted: &HashSet<PathBuf>) {
    for entry in fs::read_dir(tree.join(below)).expect("the copy can be listed") {
        let entry = entry.expect("the copy can be listed");
        let name = below.join(entry.file_name());
        if entry.file_type().expect("the copy can be listed").is_dir() {
            remove_others(tree, &name, wanted);
        } else if !wanted.contains(&name) {
            fs::remove_file(entry.path()).expect("the copy can be written");
        }
    }
}
