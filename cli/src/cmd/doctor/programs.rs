//! The three programs: whether they are there, run, and are of one version, wherever one of them may be started from.

use super::registered::Registered;
use super::report::{Check, Problem};
use crate::cmd::setup::places::{is_on_path, same_file};
use std::env::{self, consts::EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

const NAMES: [&str; 3] = ["c2c", "c2c-broker", "c2c-shim"];
/// How long one may take to say its version.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Programs that are asked, at most: PATH may be long.
const ASKED_MAX: usize = 12;

/// The check `programs`.
pub(super) async fn check(registered: &Registered) -> Check {
    let own = env!("CARGO_PKG_VERSION");
    let mut problems = Vec::new();
    let mut asked = Vec::new();
    for name in NAMES {
        let beside = own_folder().map(|folder| file(&folder, name));
        match beside.filter(|path| path.is_file()) {
            Some(path) => add(&mut asked, path),
            None => problems.push(Problem::failed(
                format!("{name} does not lie beside this c2c"),
                "put all three programs in one folder: `c2c setup` from the folder they were built in does",
            )),
        }
    }
    let beside = asked.len();
    let path = env::var_os("PATH").unwrap_or_default();
    // What a relative one means depends on the folder that this is run in, and what lies there is not to be run.
    for folder in env::split_paths(&path).filter(|folder| folder.is_absolute()) {
        NAMES.iter().map(|name| file(&folder, name)).for_each(|found| add(&mut asked, found));
    }
    registered.programs().for_each(|program| add(&mut asked, program));
    for (index, program) in asked.iter().take(ASKED_MAX).enumerate() {
        let shown = program.display();
        let mend = if index < beside {
            "install all three anew, from one build".to_owned()
        } else {
            format!("run `c2c setup` of the version that you want, or remove {shown}")
        };
        match version(program).await {
            Ok(version) if version == own => {}
            Ok(version) => {
                let says = format!("{shown} is version {version}, this c2c is {own}");
                problems.push(Problem::warning(says, mend));
            }
            Err(error) => {
                let says = format!("{shown} does not say its version: {error:#}");
                problems.push(Problem::failed(says, mend));
            }
        }
    }
    Check::of("programs", problems, format!("all three are there, version {own}"))
}

/// The check `path`.
pub(super) fn path() -> Check {
    let Some(folder) = own_folder() else {
        return Check::skipped("path", "this program's own folder is not known");
    };
    let shown = folder.display();
    if is_on_path(&folder) {
        return Check::ok("path", format!("{shown} is on PATH"));
    }
    let mend = if cfg!(windows) {
        format!("add {shown} to PATH in the settings, \"environment variables for your account\"")
    } else {
        format!("add to your shell's start file: export PATH=\"{shown}:$PATH\"")
    };
    Check::warning("path", format!("{shown} is not on PATH"), mend)
}

/// The folder of this program.
pub(super) fn own_folder() -> Option<PathBuf> {
    env::current_exe().ok()?.parent().map(Path::to_owned)
}

/// A program in a folder.
pub(super) fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{EXE_SUFFIX}"))
}

fn add(asked: &mut Vec<PathBuf>, program: PathBuf) {
    if program.is_file() && !asked.iter().any(|other| same_file(other, &program)) {
        asked.push(program);
    }
}

/// The last word of what it says.
async fn version(program: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = match timeout(TIMEOUT, command.output()).await {
        Ok(output) => output?,
        Err(_) => anyhow::bail!("it did not answer within {} s", TIMEOUT.as_secs()),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    match said.lines().next().and_then(|line| line.split_whitespace().last()) {
        Some(version) if output.status.success() => Ok(version.to_owned()),
        _ => anyhow::bail!("it ended with {}", output.status),
    }
}
