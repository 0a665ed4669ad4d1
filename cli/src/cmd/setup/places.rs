//! Where everything lies that setup touches. It changes nothing.

use super::args::Scope;
use anyhow::Context;
use c2c_proto::paths::StorePaths;
use std::env;
use std::path::{Path, PathBuf};

/// Where Claude Code keeps its account, and the servers that a user has registered.
pub(in crate::cmd) const CLIENT_STATE: &str = ".claude.json";
/// Moves what Claude Code keeps in `~/.claude`, and `~/.claude.json` with it.
const CLAUDE_FOLDER_VARIABLE: &str = "CLAUDE_CONFIG_DIR";

/// The places.
#[derive(Debug)]
pub(in crate::cmd) struct Places {
    /// The user's home folder.
    pub(in crate::cmd) home: PathBuf,
    /// The folder that the command was started in.
    pub(in crate::cmd) folder: PathBuf,
    /// `~/.claude`.
    claude: PathBuf,
    /// `~/.claude.json`.
    claude_json: PathBuf,
    /// The store and what lies beside it.
    pub(in crate::cmd) store: StorePaths,
    /// Where the programs go by default.
    pub(in crate::cmd) usual_bin: PathBuf,
}

impl Places {
    /// As this process's environment says.
    pub(in crate::cmd) fn find() -> anyhow::Result<Self> {
        let dirs = directories::BaseDirs::new()
            .context("there is no home folder to install into; set HOME to yours")?;
        let home = dirs.home_dir().to_owned();
        let folder = env::current_dir().context("failed to find the folder that this was started in")?;
        let moved = env::var_os(CLAUDE_FOLDER_VARIABLE).filter(|moved| !moved.is_empty()).map(PathBuf::from);
        let claude_json = moved.as_deref().unwrap_or(&home).join(CLIENT_STATE);
        let usual_bin = if cfg!(windows) {
            dirs.data_local_dir().join("c2c").join("bin")
        } else {
            dirs.executable_dir().map_or_else(|| home.join(".local").join("bin"), Path::to_owned)
        };
        let claude = moved.unwrap_or_else(|| home.join(".claude"));
        Ok(Self { home, folder, claude, claude_json, store: StorePaths::from_env()?, usual_bin })
    }

    /// What was added is noted here, beside the store.
    pub(in crate::cmd) fn record(&self) -> PathBuf {
        self.store.run_dir.with_extension("setup.json")
    }

    /// Where permissions and hooks go.
    pub(in crate::cmd) fn settings(&self, scope: Scope) -> PathBuf {
        match scope {
            Scope::User => self.claude.join("settings.json"),
            Scope::Project => self.folder.join(".claude").join("settings.json"),
            Scope::Local => self.folder.join(".claude").join("settings.local.json"),
        }
    }

    /// Where a session reads what it should know.
    pub(in crate::cmd) fn claude_md(&self, scope: Scope) -> PathBuf {
        match scope {
            Scope::User => self.claude.join("CLAUDE.md"),
            Scope::Project => self.folder.join("CLAUDE.md"),
            Scope::Local => self.folder.join("CLAUDE.local.md"),
        }
    }

    /// The file with the MCP servers, and the keys that lead to them.
    pub(in crate::cmd) fn servers(&self, scope: Scope) -> (PathBuf, Vec<String>) {
        let servers = "mcpServers".to_owned();
        match scope {
            Scope::User => (self.claude_json.clone(), vec![servers]),
            Scope::Project => (self.folder.join(".mcp.json"), vec![servers]),
            Scope::Local => {
                let project = self.project().display().to_string();
                (self.claude_json.clone(), vec!["projects".to_owned(), project, servers])
            }
        }
    }

    /// What Claude Code takes for the project: the repository, or the folder if there is none.
    fn project(&self) -> &Path {
        let repository = self.folder.ancestors().find(|folder| folder.join(".git").exists());
        repository.unwrap_or(&self.folder)
    }

    /// A path as people write it.
    pub(in crate::cmd) fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.home) {
            Ok(below) if cfg!(unix) => format!("~/{}", below.display()),
            _ => path.display().to_string(),
        }
    }
}

/// Whether programs in this folder are found by their names.
pub(in crate::cmd) fn is_on_path(folder: &Path) -> bool {
    let same = |entry: PathBuf| same_file(&entry, folder);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(same))
}

/// Whether two paths name the same folder.
pub(in crate::cmd) fn same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// A program on PATH.
pub(in crate::cmd) fn on_path(name: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .find(|program| program.is_file())
}
