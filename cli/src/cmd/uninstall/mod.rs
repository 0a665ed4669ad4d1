//! `c2c uninstall`: takes away what setup noted that it added, and nothing else.

mod programs;
mod purge;
mod undo;

use super::setup::args::UninstallArgs;
use super::setup::places::Places;
use super::setup::record::Record;
use super::setup::service::{self, Service};
use super::setup::{ask, complain, say};
use crate::exit::Exit;
use anyhow::bail;
use std::path::PathBuf;

/// Takes it away, or says what it would.
pub(crate) async fn run(args: UninstallArgs) -> anyhow::Result<Exit> {
    let places = Places::find()?;
    let record = Record::load(&places.record())?;
    let doomed = if args.purge { purge::doomed(&places.store)? } else { Vec::new() };
    let lines = plan(&record, &doomed, &places);
    for line in &lines {
        say(line)?;
    }
    if lines.is_empty() {
        let store = places.shown(&places.store.store);
        say(&format!("nothing to do: setup has added nothing that goes with the store {store}"))?;
        return Ok(Exit::Done);
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if !allowed(&args, &places, !doomed.is_empty())? {
        say("nothing was changed")?;
        return Ok(Exit::Done);
    }
    let troubles = take_away(record, &places, args.purge).await?;
    for trouble in &troubles {
        complain(trouble)?;
    }
    if troubles.is_empty() {
        say(if args.purge { "done: nothing of c2c is left" } else { "done" })?;
        return Ok(Exit::Done);
    }
    Ok(Exit::Error)
}

/// One line for each thing that goes.
fn plan(record: &Record, doomed: &[PathBuf], places: &Places) -> Vec<String> {
    let mut lines = Vec::new();
    if record.service.is_some() {
        lines.push("will stop     the service".to_owned());
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
        lines.push(format!("will restore  {}", places.shown(&note.path)));
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
    if args.yes {
        return Ok(true);
    }
    if !ask::somebody_is_there() {
        if deletes {
            bail!(
                "--purge deletes all messages and nobody is here to be asked; nothing was changed: add --yes if that is meant"
            );
        }
        return Ok(true);
    }
    if deletes {
        return ask::yes(&format!("Delete {} with all messages?", places.shown(&places.store.store)));
    }
    ask::yes("Go on?")
}

/// Takes everything away that can be; returns what could not, and keeps it in the note.
async fn take_away(mut record: Record, places: &Places, with_store: bool) -> anyhow::Result<Vec<String>> {
    let mut troubles = Vec::new();
    let service = stop(&mut record, places, &mut troubles).await;
    undo::servers(&mut record, &mut troubles).await;
    undo::files(&mut record, &mut troubles);
    if let Some(service) = service
        && let Err(error) = service::run(&service.forget, &places.home).await
    {
        troubles.push(format!("the service manager was not told that the service is gone: {error:#}"));
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

/// Stops the service, if setup installed one.
async fn stop(record: &mut Record, places: &Places, troubles: &mut Vec<String>) -> Option<Service> {
    let note = record.service.take()?;
    // Which program it ran does not matter any more.
    let service = Service::here(places, &places.usual_bin).ok()?;
    let stopped = service::run(&service.stop, &places.home).await;
    if !note.started {
        // Setup did not get it to run; if a part of it was done, or the person did the rest, that is undone now.
        return stopped.is_ok().then_some(service);
    }
    if let Err(error) = stopped {
        let by_hand = service::by_hand(&service.stop);
        troubles.push(format!("the service was not stopped: {error:#}\n     run `{by_hand}`"));
    }
    Some(service)
}
