//! Building what a command needs, from the copy of the tree.
//!
//! Owns the folder that it is built to. What comes from elsewhere was compiled for the running program already: those
//! files are linked into that folder once, so that only the project's own crates are compiled.

use super::command::Command;
use super::tree::Tree;
use c2c_harness::bin_dir;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

/// A test of the harness that every build takes along: with a test among them all builds agree on the features of what
/// they share, and compile it once.
const ALONG: &str = "versions";
/// Packages whose tests drive the programs of the others.
const DRIVERS: [&str; 2] = ["c2c-harness", "c2c-torture"];
/// The programs that they drive.
const DRIVEN: [&str; 4] = ["c2c-broker", "c2c-shim", "c2c", "c2c-torture-broker"];

/// See the module's first lines.
#[derive(Debug)]
pub(super) struct Builds {
    tree: PathBuf,
    target: PathBuf,
}

/// A program that is ready to run.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) folder: PathBuf,
    pub(super) is_test: bool,
    /// Below it lie all programs that the run starts.
    pub(super) target: PathBuf,
}

impl Builds {
    pub(super) fn new(tree: &Tree) -> Self {
        let target = tree.target();
        let (from, to) = (bin_dir(), target.join("debug"));
        if !to.exists() && from.file_name().is_some_and(|profile| profile == "debug") {
            for part in ["deps", "build", ".fingerprint"] {
                reuse(&from.join(part), &to.join(part), true);
            }
        }
        Self { tree: tree.path(), target }
    }

    /// Builds what a command runs.
    ///
    /// # Errors
    /// What the compiler said.
    pub(super) fn make(&mut self, command: &Command) -> Result<Built, String> {
        match command {
            Command::Torture(arguments) => {
                self.cargo(&["build", "--workspace", "--bins", "--test", ALONG])?;
                let program = self.target.join("debug/c2c-torture");
                Ok(self.built(program, arguments.clone(), self.tree.clone(), false))
            }
            Command::Test { package, target, filter } => {
                let made = match target {
                    Some(target) if DRIVERS.contains(&package.as_str()) => {
                        let mut arguments = vec!["build", "--workspace", "--test", target, "--test", ALONG];
                        arguments.extend(DRIVEN.iter().flat_map(|program| ["--bin", program]));
                        self.cargo(&arguments)?
                    }
                    Some(target) => self.cargo(&["test", "--no-run", "-p", package, "--test", target])?,
                    None => self.cargo(&["test", "--no-run", "-p", package, "--lib"])?,
                };
                let name = target.clone().unwrap_or_else(|| package.replace('-', "_"));
                let (program, manifest) = test_among(&made, package, &name)
                    .ok_or_else(|| format!("the build made no test {name} of {package}"))?;
                let folder = manifest.parent().unwrap_or(&self.tree).to_owned();
                Ok(self.built(program, filter.iter().cloned().collect(), folder, true))
            }
        }
    }

    fn built(&self, program: PathBuf, arguments: Vec<String>, folder: PathBuf, is_test: bool) -> Built {
        Built { program, arguments, folder, is_test, target: self.target.clone() }
    }

    /// What cargo said of what it made, one JSON object a line.
    fn cargo(&self, arguments: &[&str]) -> Result<String, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = process::Command::new(cargo)
            .current_dir(&self.tree)
            .args(arguments)
            .args(["--locked", "--message-format", "json-render-diagnostics"])
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_TERM_COLOR", "never")
            .output()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().position(|line| line.starts_with("error")).unwrap_or(0);
        let shown: Vec<&str> = said.lines().skip(first).take(6).collect();
        Err(format!("it does not even compile: {}", shown.join(" ")))
    }
}

/// The executable of a test, and its package's manifest.
fn test_among(made: &str, package: &str, name: &str) -> Option<(PathBuf, PathBuf)> {
    made.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|made| {
        let is_it = made["reason"] == "compiler-artifact"
            && made["profile"]["test"] == true
            && made["target"]["name"] == name
            && made["package_id"].as_str()?.contains(&format!("#{package}@"));
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        is_it.then(|| Some((path(&made["executable"])?, path(&made["manifest_path"])?)))?
    })
}

/// Links what is not the project's own. A file that cannot be linked is left to the compiler.
fn reuse(from: &Path, to: &Path, top: bool) {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let (source, copy) = (entry.path(), to.join(&name));
        if source.is_dir() {
            // Of what was compiled from elsewhere. Our own names begin alike, and tests are never a library.
            if !(top && is_own(&name.to_string_lossy())) {
                reuse(&source, &copy, false);
            }
            continue;
        }
        let is_library =
            ["rlib", "rmeta", "so", "d"].iter().any(|end| source.extension().is_some_and(|e| e == *end));
        if top && (!is_library || is_own(&name.to_string_lossy())) {
            continue;
        }
        if fs::create_dir_all(to).is_ok() && fs::hard_link(&source, &copy).is_err() {
            let _left_out = fs::copy(&source, &copy);
        }
    }
}

fn is_own(name: &str) -> bool {
    let name = name.strip_prefix("lib").unwrap_or(name);
    name.starts_with("c2c")
}
