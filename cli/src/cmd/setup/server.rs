//! The MCP server's registration: by `claude` if it is there, else in the file itself.

use super::args::{Scope, SetupArgs};
use super::command;
use super::edit::{Edit, Wish};
use super::files::{self, Readers, digest};
use super::json::{self, Added, Leaf};
use super::places::{self, Places};
use super::record::{Ours, Record, ServerNote};
use super::settings::as_text;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The client's program.
const CLAUDE: &str = "claude";
/// It is only to edit its configuration.
const QUIET: [(&str, &str); 2] =
    [("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"), ("DISABLE_TELEMETRY", "1")];

/// What is to be done.
#[derive(Debug)]
pub(super) enum Registration {
    /// It is there.
    Present,
    /// By an edit.
    ByFile(Edit),
    /// By the client's own command.
    ByClaude(ByClaude),
}

/// What `claude mcp add` is to do.
#[derive(Debug)]
pub(super) struct ByClaude {
    claude: PathBuf,
    shim: String,
    /// Another command of ours is registered under this name.
    replaces: bool,
    note: ServerNote,
}

impl Registration {
    /// Works out what is to be done.
    pub(super) fn plan(
        places: &Places,
        args: &SetupArgs,
        shim: &Path,
        record: &Record,
    ) -> anyhow::Result<Self> {
        let (file, at) = places.servers(args.scope);
        let file = files::meant(&file)?;
        let shim = as_text(shim)?.to_owned();
        let text = files::read(&file)?.unwrap_or_default();
        let found =
            server(&text, &at, &args.name).with_context(|| format!("{} is left as it is", file.display()))?;
        let by_claude =
            record.servers.iter().any(|note| note.name == args.name && note.file == file && note.at == at);
        let own_leaf = own_leaf(record, &file, &at, &args.name);
        if let Some(found) = &found {
            if found["command"] == json!(shim) {
                return Ok(Self::Present);
            }
            if !by_claude && own_leaf.is_none() {
                bail!(
                    "an MCP server named {} is registered already, with the command {}; remove it \
                     (`claude mcp remove --scope {} {}`), or choose another name with --name",
                    args.name,
                    found["command"],
                    args.scope.word(),
                    args.name
                );
            }
        }
        match places::on_path(CLAUDE).filter(|_| own_leaf.is_none()) {
            Some(claude) => {
                let (name, scope, folder) = (args.name.clone(), args.scope, places.folder.clone());
                let note = ServerNote { name, scope, folder, file, at, before: None, after_sha256: None };
                Ok(Self::ByClaude(ByClaude { claude, shim, replaces: found.is_some(), note }))
            }
            None => {
                let value = json!({"type": "stdio", "command": shim, "args": [], "env": {}});
                let own_leaf = own_leaf.filter(|old| old.value != value);
                let leaf = Leaf { at, key: Some(args.name.clone()), value };
                let wish = Wish::Json { leaves: vec![leaf], stale: own_leaf.into_iter().collect() };
                Ok(Self::ByFile(Edit { path: file, wish }))
            }
        }
    }
}

fn server(text: &str, at: &[String], name: &str) -> anyhow::Result<Option<Value>> {
    let mut path: Vec<&str> = at.iter().map(String::as_str).collect();
    path.push(name);
    json::at(text, &path)
}

/// The registration that setup itself put into this file.
fn own_leaf(record: &Record, file: &Path, at: &[String], name: &str) -> Option<Leaf> {
    let Ours::Json(added) = &record.file(file)?.ours else { return None };
    added.leaves.iter().find(|leaf| leaf.at == at && leaf.key.as_deref() == Some(name)).cloned()
}

impl ByClaude {
    /// For people.
    pub(super) fn command(&self) -> String {
        command::shown(&self.claude, &self.arguments())
    }

    fn arguments(&self) -> [&str; 7] {
        ["mcp", "add", "--scope", self.note.scope.word(), &self.note.name, "--", &self.shim]
    }

    /// Registers it.
    pub(super) async fn register(&self, record: &mut Record, record_path: &Path) -> anyhow::Result<()> {
        let mut note = self.note.clone();
        if self.replaces
            && let Some(at) =
                record.servers.iter().position(|old| old.name == note.name && old.file == note.file)
        {
            let old = record.servers.remove(at);
            unregister(&old).await?;
        }
        note.before = files::read(&note.file)?;
        record.servers.retain(|old| old.name != note.name || old.file != note.file || old.at != note.at);
        record.servers.push(note.clone());
        record.save(record_path)?;
        command::run(&self.claude, &self.arguments(), &note.folder, &QUIET).await?;
        let after = files::read(&note.file)?.unwrap_or_default();
        if server(&after, &note.at, &note.name)?.is_none() {
            bail!("`{}` ended well, but {} has no such server", self.command(), note.file.display());
        }
        if let Some(noted) = record.servers.last_mut() {
            noted.after_sha256 = Some(digest(after.as_bytes()));
        }
        record.save(record_path)
    }
}

/// Takes the registration back. A file that nobody changed since is as it was; else only what is ours goes.
pub(in crate::cmd) async fn unregister(note: &ServerNote) -> anyhow::Result<()> {
    let Some(mut text) = files::read(&note.file)? else { return Ok(()) };
    if note.after_sha256.as_ref() == Some(&digest(text.as_bytes())) {
        return put(&note.file, note.before.as_deref());
    }
    let registered = |text: &str| server(text, &note.at, &note.name);
    if registered(&text)?.is_some()
        && let Some(claude) = places::on_path(CLAUDE)
        && note.folder.is_dir()
    {
        let arguments = ["mcp", "remove", "--scope", note.scope.word(), &note.name];
        // Where it fails, the entry is taken out below.
        let _ = command::run(&claude, &arguments, &note.folder, &QUIET).await;
        text = files::read(&note.file)?.unwrap_or_default();
    }
    let before = note.before.as_deref().unwrap_or_default();
    let leaf = |value| Leaf { at: note.at.clone(), key: Some(note.name.clone()), value };
    let added = Added {
        inserted: Vec::new(),
        leaves: registered(&text)?.map(leaf).into_iter().collect(),
        containers: new_containers(before, &note.at),
    };
    let left = json::take_out(&text, &added, |_| false)?.text;
    // `claude` writes the whole file anew; if that is all that changed, the old bytes come back.
    if json::same(&left, before) {
        put(&note.file, note.before.as_deref())
    } else {
        put(&note.file, Some(&left))
    }
}

/// The objects on the way to the servers that were not there before.
fn new_containers(before: &str, at: &[String]) -> Vec<Vec<String>> {
    let is_new = |path: &[String]| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        json::at(before, &path).ok().flatten().is_none()
    };
    (0..=at.len()).map(|length| &at[..length]).filter(|path| is_new(path)).map(<[String]>::to_vec).collect()
}

fn put(file: &Path, text: Option<&str>) -> anyhow::Result<()> {
    match text {
        Some(text) => files::write(file, text, Readers::Owner),
        None => files::remove(file),
    }
}

/// Where a project's servers have to be approved first.
pub(super) const fn needs_approval(scope: Scope) -> bool {
    matches!(scope, Scope::Project)
}
