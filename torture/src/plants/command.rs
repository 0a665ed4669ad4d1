//! What must catch a bug: a command that anybody can type, read so that its build and its run can be told apart.

use std::fmt;
use std::path::Path;

/// A command, and what it must say when it catches the bug: `COMMAND => WORDS`, or the command alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// The command.
    pub command: Command,
    /// The torture harness holds many promises at once: this is the one that the bug breaks.
    pub names: Option<String>,
}

impl Catch {
    /// Reads it.
    ///
    /// # Errors
    /// If the command is none.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (command, names) = match line.split_once(" => ") {
            Some((command, names)) => (command, Some(names.trim().to_owned())),
            None => (line, None),
        };
        Ok(Self { command: Command::parse(command)?, names })
    }

    /// Whether what was seen is what the bug breaks.
    #[must_use]
    pub fn is_seen_in(&self, seen: &str) -> bool {
        self.names.as_ref().is_none_or(|names| seen.contains(names))
    }
}

/// See the module's first lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// `cargo test -p PACKAGE --lib|--test NAME [FILTER]`
    Test {
        /// The package.
        package: String,
        /// The integration test; absent for the tests in the library itself.
        target: Option<String>,
        /// Part of the name of the test, or all of its path.
        filter: Option<String>,
    },
    /// `c2c-torture ARGUMENT…`
    Torture(Vec<String>),
}

impl Command {
    /// Reads a command line.
    ///
    /// # Errors
    /// If it is none of the two.
    pub fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let owned = |word: &&str| (*word).to_owned();
        match words.as_slice() {
            ["c2c-torture", arguments @ ..] if !arguments.is_empty() => {
                Ok(Self::Torture(arguments.iter().map(owned).collect()))
            }
            ["cargo", "test", "-p", package, "--lib", filter @ ..] if filter.len() <= 1 => {
                Ok(Self::Test { package: owned(package), target: None, filter: filter.first().map(owned) })
            }
            ["cargo", "test", "-p", package, "--test", target, filter @ ..] if filter.len() <= 1 => {
                let (target, filter) = (Some(owned(target)), filter.first().map(owned));
                Ok(Self::Test { package: owned(package), target, filter })
            }
            _ => Err(format!(
                "`{line}` is neither `cargo test -p PACKAGE --lib|--test NAME [FILTER]` nor `c2c-torture …`"
            )),
        }
    }

    /// Whether it drives nodes, with a server between them.
    #[must_use]
    pub fn needs_a_server(&self) -> bool {
        matches!(self, Self::Torture(arguments) if arguments.first().is_some_and(|first| first == "nodes"))
    }

    /// Whether the test that it names exists. Of the torture harness itself only a run can tell.
    ///
    /// # Errors
    /// What is missing.
    pub fn names_something(&self, root: &Path) -> Result<(), String> {
        let Self::Test { package, target, filter } = self else { return Ok(()) };
        let folder = root.join(folder_of(package));
        let sources = match target {
            Some(target) => vec![folder.join("tests").join(format!("{target}.rs"))],
            None => sources_below(&folder.join("src")),
        };
        let Some(test) = filter.as_ref().and_then(|filter| filter.rsplit("::").next()) else { return Ok(()) };
        let there = sources.iter().any(|file| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            text.contains(&format!("fn {test}("))
        });
        if there { Ok(()) } else { Err(format!("`{self}` names a test that is not there, mend it")) }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torture(arguments) => write!(out, "c2c-torture {}", arguments.join(" ")),
            Self::Test { package, target, filter } => {
                write!(out, "cargo test -p {package} ")?;
                match target {
                    Some(target) => write!(out, "--test {target}")?,
                    None => write!(out, "--lib")?,
                }
                filter.iter().try_for_each(|filter| write!(out, " {filter}"))
            }
        }
    }
}

/// Packages are called after their folders, but for the harness, which is all of `tests/`, and the client.
fn folder_of(package: &str) -> &str {
    match package {
        "c2c-harness" => "tests",
        "c2c" => "cli",
        other => other.strip_prefix("c2c-").unwrap_or(other),
    }
}

fn sources_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn a_command_is_shown_as_it_was_written() {
        for line in [
            "cargo test -p c2c-harness --test waits",
            "cargo test -p c2c-harness --test waits a_wait_outlives_the_broker",
            "cargo test -p c2c-broker --lib store::tests::names",
            "c2c-torture power --seed 1",
        ] {
            assert_eq!(Command::parse(line).map(|command| command.to_string()), Ok(line.to_owned()));
        }
        for none in ["", "c2c-torture", "cargo test", "cargo test -p c2c-broker --lib a b", "true"] {
            assert!(Command::parse(none).is_err(), "{none}");
        }
    }
}
