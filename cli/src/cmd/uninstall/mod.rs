//! `c2c uninstall`: takes away what setup noted that it added, and nothing else.

mod programs;
mod purge;
pub(in crate::cmd) mod service;
mod undo;

use super::setup::args::{Scope, UninstallArgs};
use super::setup::places::Places;
use super::setup::record::Record;
use super::setup::service::Daemon;
use super::setup::{ask, complain, say};
use crate::control;
use crate::exit::Exit;
use std::path::PathBuf;

/// Takes it away, or says what it would.
pub(crate) async fn run(args: UninstallArgs) -> anyhow::Result<Exit> {
    let places = Places::find()?;
    let record = Record::load(&places.record())?;
    let doomed = if args.purge { purge::doomed(&places.store)? } else { Vec::new() };
    let lines = plan(&record, &doomed, &places, sessions_online(&places).await);
    for line in &lines {
        say(line)?;
    }
    if lines.is_empty() {
        let store = places.shown(&places.store.store);
        say(&format!("nothing to do: setup has added nothing that goes with the store {store}"))?;
        return named_elsewhere(&places);
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if !allowed(&args, &places, !doomed.is_empty())? {
        say("nothing was changed")?;
        return Ok(Exit::Error);
    }
    let troubles = take_away(record, &places, args.purge).await?;
    for trouble in &troubles {
        complain(trouble)?;
    }
    if troubles.is_empty() {
        let store = places.shown(&places.store.store);
        say(&if args.purge {
            "done: nothing that setup added is left, and the store is deleted".to_owned()
        } else {
            format!("done: nothing that setup added is left; the store with your messages stays: {store}")
        })?;
        return Ok(Exit::Done);
    }
    Ok(Exit::Error)
}

/// One line for each thing that goes.
fn plan(record: &Record, doomed: &[PathBuf], places: &Places, online: Option<u64>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(online) = online.filter(|_| !record.programs.is_empty() || !doomed.is_empty()) {
        let lost = if online == 0 { String::new() } else { format!(", {online} of your sessions lose c2c") };
        lines.push(format!("will end      the broker{lost}"));
    }
    for (daemon, which) in [(Daemon::Broker, ""), (Daemon::Link, " c2c-link")] {
        if record.has_service(daemon).is_some() {
            lines.push(format!("will stop     the service{which}"));
        }
    }
    for note in &record.servers {
        let scope = note.scope.word();
        lines.push(format!(
            "will remove   the MCP server {} (scope {scope}) from {}",
            note.name,
            places.shown(&note.file)
        ));
    }
    for note in &record.files {
        let path = places.shown(&note.path);
        lines.push(if note.created {
            format!("will delete   {path}, if nothing of yours is in it: setup made it")
        } else {
            format!("will restore  {path}")
        });
    }
    for note in &record.programs {
        lines.push(format!("will remove   {}", places.shown(&note.path)));
    }
    for path in doomed {
        lines.push(format!("will DELETE   {}", places.shown(path)));
    }
    lines
}

/// Whether the person wants it.
fn allowed(args: &UninstallArgs, places: &Places, deletes: bool) -> anyhow::Result<bool> {
    let question = if deletes {
        format!("Delete {} with all messages?", places.shown(&places.store.store))
    } else {
        "Go on?".to_owned()
    };
    ask::allowed(args.yes, &question)
}

/// How many sessions a running broker serves.
async fn sessions_online(places: &Places) -> Option<u64> {
    // One that does not answer has none to speak of.
    control::status(&places.store).await.ok().flatten().map(|status| status.sessions_online)
}

/// There is no note. If the client's files name c2c all the same, that is said: the note may be of another store, or lost.
fn named_elsewhere(places: &Places) -> anyhow::Result<Exit> {
    let files = [places.settings(Scope::User), places.servers(Scope::User).0];
    let names_it = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .is_ok_and(|text| text.contains("c2c hook ") || text.contains("c2c-shim"))
    };
    let named: Vec<String> =
        files.iter().filter(|path| names_it(path)).map(|path| places.shown(path)).collect();
    if named.is_empty() {
        return Ok(Exit::Done);
    }
    complain(&format!(
        "c2c is named in {}, but not by a setup for this store\n     if CLAUDE_C2C_DB was set at setup, set it again; \
         else take those lines out by hand",
        named.join(" and ")
    ))?;
    Ok(Exit::Error)
}

/// Takes everything away that can be; returns what could not, and keeps it in the note.
async fn take_away(mut record: Record, places: &Places, with_store: bool) -> anyhow::Result<Vec<String>> {
    let mut troubles = Vec::new();
    // The link first: it would start a broker.
    let link = service::stop(&mut record, places, Daemon::Link, &mut troubles).await;
    let broker = service::stop(&mut record, places, Daemon::Broker, &mut troubles).await;
    undo::servers(&mut record, &mut troubles).await;
    undo::files(&mut record, |_| true, &mut troubles);
    for service in link.into_iter().chain(broker) {
        service::forget(&service, places, &mut troubles).await;
    }
    // Programs that run are as good as gone once their broker has ended; a session that starts one anew finds none.
    let had_programs = !record.programs.is_empty();
    programs::remove(&mut record, &mut troubles);
    if had_programs || with_store {
        let ended = purge::end_broker(&places.store).await;
        troubles.extend(ended.err().map(|error| format!("{error:#}")));
    }
    if with_store {
        let purged = purge::purge(&places.store).await;
        troubles.extend(purged.err().map(|error| format!("{error:#}")));
    }
    undo::folders(&mut record, places)?;
    Ok(troubles)
}
