//! `c2c setup`: from the built programs to an installation that works, in one command.
//!
//! It plans first and says what it will change, then changes it, noting each thing beforehand so that `c2c uninstall`
//! can take it away, and makes a real call at the end.

pub(crate) mod args;
pub(in crate::cmd) mod ask;
mod check;
mod command;
pub(in crate::cmd) mod edit;
pub(in crate::cmd) mod files;
pub(in crate::cmd) mod json;
pub(in crate::cmd) mod places;
mod plan;
pub(in crate::cmd) mod programs;
pub(in crate::cmd) mod record;
pub(in crate::cmd) mod server;
pub(in crate::cmd) mod service;
pub(in crate::cmd) mod settings;
pub(in crate::cmd) mod undo;

use crate::exit::Exit;
use crate::text::visible;
use args::SetupArgs;
use edit::Edit;
use files::Readers;
use places::Places;
use plan::Plan;
use record::{Record, ServiceNote};
use server::Registration;
use service::{Daemon, Service};
use std::io::{self, Write};
use std::path::Path;

/// Installs, or says what it would do.
pub(crate) async fn run(args: SetupArgs) -> anyhow::Result<Exit> {
    let places = Places::find()?;
    let mut record = Record::load(&places.record())?;
    let plan = Plan::make(&places, &args, &record)?;
    for line in &plan.lines {
        say(line)?;
    }
    if plan.lines.is_empty() {
        say("nothing to do: everything is as it should be")?;
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if !ask::allowed(args.yes || plan.lines.is_empty(), "Go on?")? {
        say("nothing was changed")?;
        return Ok(Exit::Error);
    }
    let troubles = apply(&plan, &places, &mut record).await?;
    finish(&plan, &args, &troubles).await
}

/// Makes the changes. Returns what went wrong with services, which fails nothing else.
async fn apply(plan: &Plan, places: &Places, record: &mut Record) -> anyhow::Result<Vec<String>> {
    let record_path = places.record();
    plan.programs.install(record, &record_path)?;
    if let Registration::ByClaude(by) = &plan.registration {
        by.register(record, &record_path).await?;
    }
    for edit in &plan.edits {
        make(edit, record, &record_path)?;
    }
    let mut troubles = Vec::new();
    for service in &plan.services {
        troubles.extend(start(service, places, record).await?);
    }
    Ok(troubles)
}

/// Makes one edit. It is worked out anew: the file may have changed while the person was thinking.
pub(in crate::cmd) fn make(edit: &Edit, record: &mut Record, record_path: &Path) -> anyhow::Result<()> {
    let Some(work) = edit.work_out(record.file(&edit.path))? else { return Ok(()) };
    if let Some(folder) = edit.path.parent() {
        record.make_folder(folder)?;
    }
    record.set_file(work.note);
    record.save(record_path)?;
    files::write(&edit.path, &work.text, readers(&edit.path))
}

/// The client keeps its account in one of its files, and makes that for its user alone.
fn readers(path: &Path) -> Readers {
    if path.file_name().is_some_and(|name| name == places::CLIENT_STATE) {
        Readers::Owner
    } else {
        Readers::Usual
    }
}

/// Has a service started, and notes that. Returns what went wrong.
pub(in crate::cmd) async fn start(
    service: &Service,
    places: &Places,
    record: &mut Record,
) -> anyhow::Result<Option<String>> {
    for folder in &service.folders {
        record.folders.extend(files::missing_folders(folder));
    }
    *record.service(service.daemon) = Some(ServiceNote { started: false });
    record.save(&places.record())?;
    if let Err(error) = service::run(&service.start, &places.home).await {
        let by_hand = service::by_hand(&service.start);
        let which = if service.daemon == Daemon::Link { " c2c-link" } else { "" };
        return Ok(Some(format!(
            "the service{which} was not started: {error:#}\n     {}\n     everything else is done; once it runs: {by_hand}",
            service.needs
        )));
    }
    *record.service(service.daemon) = Some(ServiceNote { started: true });
    record.save(&places.record())?;
    Ok(None)
}

/// The real call, and what the person should know.
async fn finish(plan: &Plan, args: &SetupArgs, troubles: &[String]) -> anyhow::Result<Exit> {
    let checked = check::call(&plan.programs.path("c2c-shim")).await;
    match &checked {
        Ok(what) => say(&format!("check passed: {what}"))?,
        Err(error) => complain(&format!("the check failed: {error:#}"))?,
    }
    for trouble in troubles {
        complain(trouble)?;
    }
    if !places::is_on_path(&plan.programs.folder) {
        say(&off_path(&plan.programs.folder))?;
    }
    if std::env::var_os(c2c_proto::paths::STORE_VARIABLE).is_some_and(|named| !named.is_empty()) {
        say("note: CLAUDE_C2C_DB is set here; sessions use that store only where it is set for them too")?;
    }
    if server::needs_approval(args.scope) {
        say("note: Claude Code asks each user of this project once whether the server in .mcp.json may run")?;
        say(
            "note: the project's files name the programs by their paths on this machine; for others who work on it, write \
             `c2c-shim` and `c2c` there, which must be on their PATH",
        )?;
    }
    if plan.plugin_is_enabled {
        say("note: the plugin is enabled, too, so each session has two of everything; use one of the two: \
             `claude plugin uninstall c2c@c2c`, or `c2c uninstall`")?;
    }
    if checked.is_err() || !troubles.is_empty() {
        return Ok(Exit::Error);
    }
    if !plan.lines.is_empty() {
        say("done: sessions that start from now on have c2c; `c2c uninstall` takes it away again")?;
    }
    Ok(Exit::Done)
}

fn off_path(folder: &Path) -> String {
    let folder = folder.display();
    if cfg!(windows) {
        format!(
            "note: {folder} is not on PATH; add it in the settings, \"environment variables for your account\""
        )
    } else {
        format!(
            "note: {folder} is not on PATH; add this line to your shell's start file:\n     export PATH=\"{folder}:$PATH\""
        )
    }
}

/// One line for the person, or several.
pub(in crate::cmd) fn say(text: &str) -> anyhow::Result<()> {
    for line in text.split('\n') {
        writeln!(io::stdout(), "{}", visible(line))?;
    }
    Ok(())
}

/// What failed.
pub(in crate::cmd) fn complain(text: &str) -> anyhow::Result<()> {
    for (index, line) in text.split('\n').enumerate() {
        let before = if index == 0 { "c2c: " } else { "" };
        writeln!(io::stderr(), "{before}{}", visible(line))?;
    }
    Ok(())
}
