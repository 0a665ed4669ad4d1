//! One planted bug: a patch file whose leading lines say what it is, what it breaks and what must catch it.

use super::command::Catch;
use std::path::{Path, PathBuf};
use std::process;

/// See the module's first lines.
#[derive(Debug)]
pub struct Plant {
    /// Its file's name, and what it is called.
    pub name: String,
    /// What is wrong, in one sentence.
    pub wrong: String,
    /// What must catch it: each of these.
    pub caught_by: Vec<Catch>,
    pub(super) file: PathBuf,
}

/// All of them, by name.
///
/// # Panics
/// If one cannot be read, or does not say all of what it is.
#[must_use]
pub fn all(root: &Path) -> Vec<Plant> {
    let folder = root.join("torture/plants");
    let files = std::fs::read_dir(&folder).expect("the planted bugs can be listed");
    let mut plants: Vec<Plant> = files
        .map(|file| file.expect("the planted bugs can be listed").path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "patch"))
        .map(read)
        .collect();
    plants.sort_by(|one, other| one.name.cmp(&other.name));
    plants
}

fn read(file: PathBuf) -> Plant {
    let text = std::fs::read_to_string(&file).expect("a planted bug can be read");
    let fields = |name: &str| -> Vec<String> {
        let lines = text.lines().take_while(|line| !line.starts_with("diff "));
        let values: Vec<String> =
            lines.filter_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned())).collect();
        assert!(!values.is_empty(), "{} does not begin with `{name}: …`", file.display());
        values
    };
    let field = |name: &str| fields(name).remove(0);
    let name = field("Name");
    assert_eq!(file.file_stem().and_then(|stem| stem.to_str()), Some(&*name), "a bug is called as its file");
    assert!(!field("Breaks").is_empty());
    let catch = |line: &String| Catch::parse(line).unwrap_or_else(|why| panic!("{name}: {why}"));
    let caught_by = fields("Caught-by").iter().map(catch).collect();
    Plant { wrong: field("Wrong"), caught_by, name, file }
}

impl Plant {
    /// Whether it can be planted in this tree.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn fits(&self, tree: &Path) -> Result<(), String> {
        self.apply(tree, &["--check"])
    }

    /// Plants it.
    ///
    /// # Errors
    /// What stands in the way.
    pub(super) fn plant(&self, tree: &Path) -> Result<(), String> {
        self.apply(tree, &[])
    }

    fn apply(&self, tree: &Path, how: &[&str]) -> Result<(), String> {
        let output = git(tree).arg("apply").args(how).arg(&self.file).output();
        let output = output.map_err(|error| format!("git cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("it does not fit the tree any more, mend it: {}", said.trim().replace('\n', "; ")))
    }
}

/// Git in a folder that is taken as it is: a repository that it happens to lie in would make git leave it alone.
pub(super) fn git(tree: &Path) -> process::Command {
    let mut git = process::Command::new("git");
    git.current_dir(tree).env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree));
    for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(inherited);
    }
    git
}
