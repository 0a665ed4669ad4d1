//! `c2c hook`: what Claude Code runs at a session's turning points. It asks the broker what the model should know, and says
//! it in the words that the client expects.
//!
//! A hook must never be in the way: whatever fails, it ends with 0 and says nothing; the reason is in a log of its own.

mod event;
mod input;
mod log;
mod text;

use crate::control;
use crate::exit::Exit;
use c2c_proto::Error;
use c2c_proto::limits::WAIT_MAX_S;
use c2c_proto::paths::StorePaths;
use c2c_proto::process;
use c2c_proto::request::{Hook, HookEvent};
use c2c_proto::response::Hooked;
use c2c_proto::surroundings::Surroundings;
use event::Event;
use input::Input;
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A hook that does not wait for mail gives up after this, and the client goes on without it.
const WITHIN: Duration = Duration::from_secs(3);

/// Runs one hook. `words`: what was typed after `hook`.
pub(crate) async fn run(words: &[String]) -> Exit {
    let (Some(event), []) =
        (words.first().and_then(|word| Event::named(word)), words.get(1..).unwrap_or_default())
    else {
        log::failed(&format!("no such hook: {}", words.join(" ")));
        return Exit::Done;
    };
    match told(event).await {
        Ok(None) => Exit::Done,
        Ok(Some(text)) => say(event, &text),
        Err(failure) => {
            log::failed(&format!("{}: {failure}", event.word()));
            Exit::Done
        }
    }
}

/// What the model is to be told.
async fn told(event: Event) -> Result<Option<String>, String> {
    let Some(asked) = event.asks() else { return Ok(None) };
    let input = input().await?;
    if !event.applies(&input) {
        return Ok(None);
    }
    let Some(hook) = hook(asked, input) else {
        return Err("CLAUDE_PID is not set: this is no hook".to_owned());
    };
    let paths = StorePaths::from_env().map_err(|error| in_words(&error))?;
    let starts = event == Event::SessionStart;
    let answer = control::hook(&paths, hook, starts);
    let answer = if event == Event::Rewake {
        answer.await
    } else {
        timeout(WITHIN, answer).await.map_err(|_| format!("no answer within {} s", WITHIN.as_secs()))?
    };
    let hooked: Option<Hooked> = answer.map_err(|error| in_words(&error))?;
    Ok(hooked.and_then(|hooked| text::text(event, &hooked)))
}

/// What the client says on stdin; it may leave that open for ever, and a read cannot be ended.
async fn input() -> Result<Input, String> {
    let (sender, read) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for it any more: too late.
        let _ = sender.send(Input::read());
    });
    let read = timeout(WITHIN, read).await.map_err(|_| "stdin did not end".to_owned())?;
    read.map_err(|_| "stdin could not be read".to_owned())
}

fn hook(event: HookEvent, input: Input) -> Option<Hook> {
    let client: u32 = std::env::var("CLAUDE_PID").ok()?.parse().ok()?;
    let surroundings = Surroundings::read(process::describe(client));
    let surroundings = Surroundings {
        client_session: input.session_id.or(surroundings.client_session.clone()),
        ..surroundings
    };
    let timeout_ms = if event == HookEvent::Rewake { WAIT_MAX_S * 1_000 } else { 0 };
    Some(Hook { event, identity: Box::new(surroundings.identity("claude-code")), timeout_ms })
}

/// Says it as the client takes it from this hook.
fn say(event: Event, text: &str) -> Exit {
    let told = match event.answer(text) {
        Some(answer) => writeln!(io::stdout(), "{answer}").map(|()| Exit::Done),
        None => writeln!(io::stderr(), "{text}").map(|()| Exit::Wakes),
    };
    told.unwrap_or(Exit::Done)
}

fn in_words(error: &Error) -> String {
    error.to_string()
}
