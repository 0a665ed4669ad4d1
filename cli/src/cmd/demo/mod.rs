//! `c2c demo`: what c2c does, shown with real processes on a store of its own, and checked while it is shown.
//!
//! It is an MCP client: it starts three shims in a temporary folder and calls their tools. The shims start the broker.
//! Whatever happens, everything that was started is ended before it returns.

pub(in crate::cmd) mod broker;
mod checks;
pub(in crate::cmd) mod interrupt;
#[cfg_attr(unix, path = "kill_unix.rs")]
#[cfg_attr(windows, path = "kill_windows.rs")]
mod kill;
pub(in crate::cmd) mod programs;
mod scenes;
pub(in crate::cmd) mod session;
mod stage;
mod tell;
mod timeline;

use crate::exit::Exit;
use crate::text::{Paint, visible};
use anyhow::{Context, Error};
use broker::Broker;
use c2c_proto::paths::StorePaths;
use checks::Checks;
use programs::Programs;
use stage::Stage;
use std::fs;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;
use tempfile::TempDir;
use timeline::Timeline;

/// How long the scenes may take together, in seconds. They take a few.
const SCENES_TIMEOUT_S: u64 = 60;
/// If this program is killed, nobody ends the broker: it ends by itself after this many seconds without connections.
const IDLE_EXIT_S: u64 = 10;

/// What to know before the first scene.
const OPENING: [&str; 5] = [
    "c2c lets coding sessions on one machine talk to each other. Here three of them do: local works on",
    "the data, online on the deployed branch, review reads what the others change. Programs and messages",
    "are real, only the models are missing: what they would decide is written down beforehand.",
    "Each line says when, who and which tool; the arrow says what came of it, and how long it took.",
    "",
];
/// What to know after the last check.
const CLOSING: &str = "To use it with your own sessions, see \"Install\" in README.md.";

/// After a failure: so long may an interruption that caused it take to be heard of.
const INTERRUPT_GRACE: Duration = Duration::from_millis(100);

/// How the scenes ended.
enum Played {
    ToTheEnd,
    Failed(Error),
    Interrupted,
}

/// Plays the demonstration.
pub(super) async fn run() -> anyhow::Result<Exit> {
    let programs = Programs::beside_this_one()?;
    let folder = temporary_folder()?;
    let mut stage = set_up(folder.path())?;
    let played = match opening(&mut stage, folder.path()) {
        Ok(()) => play(&mut stage, &programs, folder.path()).await,
        Err(error) => Played::Failed(error.into()),
    };
    let checked = stage.checks.count();
    let ended = end(&mut stage).await;
    let Stage { mut timeline, checks, .. } = stage;
    let removed = folder.close().context("failed to remove the temporary folder");
    match played {
        Played::ToTheEnd => {
            ended.and(removed)?;
            report(timeline, &checks)
        }
        Played::Failed(error) => {
            Err(error.context(format!("the demonstration broke off after {checked} checks")))
        }
        Played::Interrupted => {
            ended.and(removed)?;
            timeline.line("\nInterrupted. Everything that was started has ended, the folder is gone.")?;
            Ok(Exit::Interrupted)
        }
    }
}

/// A new folder that nobody else can enter.
fn temporary_folder() -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("c2c-demo-").tempdir();
    folder.context("failed to make a temporary folder")
}

fn set_up(folder: &Path) -> anyhow::Result<Stage> {
    let paths = StorePaths::of_store(&folder.join("c2c.db"))?;
    fs::write(&paths.config, format!("idle_exit = {IDLE_EXIT_S}\n"))
        .context("failed to write the configuration")?;
    Ok(Stage {
        sessions: Vec::new(),
        broker: Broker { paths },
        timeline: Timeline::new(Paint::for_stdout()),
        checks: Checks::default(),
        confirmed: Vec::new(),
    })
}

fn opening(stage: &mut Stage, folder: &Path) -> std::io::Result<()> {
    let timeline = &mut stage.timeline;
    for line in OPENING {
        timeline.line(line)?;
    }
    timeline.line(&format!(
        "Everything lies in {}, which is removed at the end.",
        visible(&folder.display().to_string())
    ))
}

async fn play(stage: &mut Stage, programs: &Programs, folder: &Path) -> Played {
    let mut interrupted = pin!(interrupt::requested());
    let limit = Duration::from_secs(SCENES_TIMEOUT_S);
    let failure = tokio::select! {
        asked = &mut interrupted => return asked.map_or_else(|error| Played::Failed(error.into()), |()| Played::Interrupted),
        played = tokio::time::timeout(limit, scenes::play(stage, programs, folder)) => match played {
            Ok(Ok(())) => return Played::ToTheEnd,
            Ok(Err(error)) => error,
            Err(elapsed) => Error::new(elapsed).context(format!("it was not over after {SCENES_TIMEOUT_S} s")),
        },
    };
    // Ctrl-C in a terminal reaches the shims too, and one that ends may be noticed before the key itself.
    match tokio::time::timeout(INTERRUPT_GRACE, interrupted).await {
        Ok(_) => Played::Interrupted,
        Err(_) => Played::Failed(failure),
    }
}

/// Ends the shims, then the broker, and checks that both are gone.
async fn end(stage: &mut Stage) -> anyhow::Result<()> {
    let mut all_went = true;
    let mut stray_lines = 0;
    let mut failure = None;
    for session in stage.sessions.drain(..) {
        match session.end().await {
            Ok(ended) => {
                all_went &= ended.after.is_some();
                stray_lines += ended.stray_lines;
            }
            Err(error) => failure = Some(error),
        }
    }
    stage.broker.end().await?;
    if let Some(error) = failure {
        return Err(error);
    }
    stage.checks.that("a shim goes when its client goes", all_went, || "one had to be killed".to_owned());
    stage.checks.same("the shims wrote nothing but MCP to their stdout", stray_lines, 0);
    stage.checks.same("no broker is left behind", stage.broker.holds_lock()?, false);
    Ok(())
}

/// The list of the checks, and what they come to.
fn report(mut timeline: Timeline, checks: &Checks) -> anyhow::Result<Exit> {
    let seconds = timeline.elapsed().as_secs_f64();
    timeline.heading("What was checked")?;
    let (out, paint) = timeline.out();
    checks.list(paint, out)?;
    let (count, failed) = (checks.count(), checks.failed());
    let verdict = match failed {
        0 => paint.good(&format!("all {count} checks hold")),
        _ => paint.bad(&format!("{failed} of {count} checks FAILED")),
    };
    timeline.line(&format!(
        "\n{verdict}, in {seconds:.1} s. Everything that was started has ended, the folder is gone."
    ))?;
    timeline.line(CLOSING)?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Error })
}
