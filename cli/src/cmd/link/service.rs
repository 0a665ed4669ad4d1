//! The link as a service of the user's: installed as `c2c setup --service` does it with the broker, and noted in the same place.

use crate::cmd::setup::edit::Edit;
use crate::cmd::setup::places::Places;
use crate::cmd::setup::record::Record;
use crate::cmd::setup::service::{Daemon, Service};
use crate::cmd::setup::{self, programs, say};
use crate::cmd::uninstall;
use anyhow::Context;

/// What is to be installed.
#[derive(Debug)]
pub(super) struct Plan {
    record: Record,
    service: Service,
    /// Its file, if that is to be written.
    unit: Option<Edit>,
    /// Whoever installed the same by hand keeps it.
    theirs: bool,
}

impl Plan {
    /// Works it out. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(super) fn make(places: &Places) -> anyhow::Result<Self> {
        let record = Record::load(&places.record())?;
        let cannot = "c2c-link cannot be made a service; with --no-service only the settings are written";
        let program = programs::of_service(&record, Daemon::Link).filter(|program| program.is_file());
        let program =
            program.context("the program c2c-link is neither beside c2c nor on PATH").context(cannot)?;
        let service = Service::here(places, Daemon::Link, &program)?;
        let (mut unit, mut theirs) = (None, false);
        if let Some(edit) = &service.unit {
            let note = record.file(&edit.path);
            let changes = edit.work_out(note).context(cannot)?.is_some();
            theirs = !changes && note.is_none();
            unit = changes.then(|| edit.clone());
        }
        Ok(Self { record, service, unit, theirs })
    }

    /// Installs and starts it, anew if it runs: it is to read the settings. Returns what went wrong.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub(super) async fn install(mut self, places: &Places) -> anyhow::Result<Option<String>> {
        if self.theirs {
            say("its service is one of your own; restart it")?;
            return Ok(None);
        }
        if let Some(unit) = &self.unit {
            setup::make(unit, &mut self.record, &places.record())?;
        }
        let trouble = setup::start(&self.service, places, &mut self.record).await?;
        if trouble.is_none() {
            say(
                "c2c-link runs as a service, now and whenever you log in; `c2c link status` says how it does",
            )?;
        }
        Ok(trouble)
    }
}

/// Whether one was installed.
pub(super) fn is_installed(places: &Places) -> anyhow::Result<bool> {
    Ok(Record::load(&places.record())?.has_service(Daemon::Link).is_some())
}

/// Stops it and takes it away. Returns what could not be done.
pub(super) async fn remove(places: &Places) -> anyhow::Result<Vec<String>> {
    let mut record = Record::load(&places.record())?;
    uninstall::service::remove(&mut record, places, Daemon::Link).await
}
