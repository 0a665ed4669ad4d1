//! What setup will do, worked out before anything is changed: whatever is refused is refused here.

use super::args::{Scope, SetupArgs};
use super::edit::{self, Edit, Wish};
use super::files;
use super::json::{self, Leaf};
use super::places::Places;
use super::programs::Programs;
use super::record::Record;
use super::server::Registration;
use super::service::{Daemon, Service};
use super::settings;

/// The lines for CLAUDE.md, as the examples have them.
const CLAUDE_MD: &str = include_str!("../../../assets/CLAUDE.md");

/// Everything that is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) programs: Programs,
    pub(super) registration: Registration,
    /// Edits that change something.
    pub(super) edits: Vec<Edit>,
    pub(super) services: Vec<Service>,
    /// One for each change.
    pub(super) lines: Vec<String>,
    /// The client runs c2c as a plugin already.
    pub(super) plugin_is_enabled: bool,
}

/// Whether the user's settings enable the plugin, from whatever marketplace.
fn plugin_is_enabled(places: &Places) -> bool {
    let text = std::fs::read_to_string(places.settings(Scope::User)).unwrap_or_default();
    let settings: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let enabled = settings["enabledPlugins"].as_object();
    enabled.is_some_and(|all| all.iter().any(|(name, on)| name.starts_with("c2c@") && *on == true))
}

impl Plan {
    /// Works it out. Changes nothing.
    pub(super) fn make(places: &Places, args: &SetupArgs, record: &Record) -> anyhow::Result<Self> {
        let programs = Programs::plan(places, args, record)?;
        let mut lines = Vec::new();
        for copy in &programs.copies {
            lines.push(format!("will copy     {}", places.shown(copy.target())));
        }
        let registration = Registration::plan(places, args, &programs.path("c2c-shim"), record)?;
        let mut wanted = Vec::new();
        match &registration {
            Registration::Present => {}
            Registration::ByFile(edit) => wanted.push(edit.clone()),
            Registration::ByClaude(by) => lines.push(format!("will run      {}", by.command())),
        }
        wanted.extend(settings_edit(places, args, &programs, record)?);
        if args.claude_md {
            let path = files::meant(&places.claude_md(args.scope))?;
            wanted.push(Edit { path, wish: Wish::Block(CLAUDE_MD.to_owned()) });
        }
        // A link that runs as a service is to go on with the program that is copied now.
        let link = record.has_service(Daemon::Link).is_some() && programs.copies(Daemon::Link.name());
        let mut services = Vec::new();
        for (daemon, wanted) in [(Daemon::Broker, args.service), (Daemon::Link, link)] {
            if wanted {
                services.push(Service::here(places, daemon, &programs.path(daemon.name()))?);
            }
        }
        let mut plan = Self {
            programs,
            registration,
            edits: Vec::new(),
            services: Vec::new(),
            lines,
            plugin_is_enabled: plugin_is_enabled(places),
        };
        for edit in wanted {
            plan.take(edit, places, record)?;
        }
        for service in services {
            plan.take_service(service, places, record)?;
        }
        Ok(plan)
    }

    /// Takes an edit in, if it changes anything.
    fn take(&mut self, edit: Edit, places: &Places, record: &Record) -> anyhow::Result<bool> {
        let Some(work) = edit.work_out(record.file(&edit.path))? else { return Ok(false) };
        let shown = places.shown(&edit.path);
        let verb = if work.note.created && record.file(&edit.path).is_none() { "create" } else { "change" };
        let mut say = |what: &str| self.lines.push(format!("will {verb:<9}{shown}{what}"));
        match &edit.wish {
            Wish::Json { leaves, stale } => {
                let text = files::read(&edit.path)?.unwrap_or_default();
                let there = |leaf: &&Leaf| json::has(&text, leaf).unwrap_or(false);
                for leaf in leaves.iter().filter(|leaf| !there(leaf)) {
                    say(&format!(": add {}", edit::describe(leaf)));
                }
                for leaf in stale.iter().filter(there) {
                    say(&format!(": take out {}", edit::describe(leaf)));
                }
            }
            Wish::Block(_) => say(": add the lines about the other sessions"),
            Wish::Whole(_) => say(""),
        }
        self.edits.push(edit);
        Ok(true)
    }

    fn take_service(&mut self, service: Service, places: &Places, record: &Record) -> anyhow::Result<()> {
        let changes = match service.unit.clone() {
            Some(unit) => self.take(unit, places, record)?,
            None => false,
        };
        let started = record.has_service(service.daemon).is_some_and(|note| note.started);
        // Whoever installed the same unit by hand keeps it, and starts and stops it.
        let theirs = |unit: &Edit| !changes && record.file(&unit.path).is_none();
        if service.unit.as_ref().is_some_and(theirs) {
            return Ok(());
        }
        // What runs goes on with the program that it was started from.
        if changes || !started || !self.programs.copies.is_empty() {
            self.lines.push(format!("will run      {}", super::service::by_hand(&service.start)));
            self.services.push(service);
        }
        Ok(())
    }
}

fn settings_edit(
    places: &Places,
    args: &SetupArgs,
    programs: &Programs,
    record: &Record,
) -> anyhow::Result<Option<Edit>> {
    let path = files::meant(&places.settings(args.scope))?;
    let text = files::read(&path)?.unwrap_or_default();
    let wish = settings::wish(args, &programs.path("c2c"), &text, record.file(&path))?;
    let nothing = matches!(&wish, Wish::Json { leaves, stale } if leaves.is_empty() && stale.is_empty());
    Ok((!nothing).then_some(Edit { path, wish }))
}
