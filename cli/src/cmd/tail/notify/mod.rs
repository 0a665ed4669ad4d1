//! Tells the desktop of mail to the person, by the program that the system has for it. What a peer wrote is an argument of
//! that program and nothing else: no shell and no script gets to read it.

#[cfg(all(unix, not(target_os = "macos")))]
mod desktop;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(all(unix, not(target_os = "macos")))]
use desktop as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

use crate::text::{shortened, visible};
use crate::{person, print};
use c2c_proto::message::Message;
use c2c_proto::name::fold;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::mpsc;

/// What a notification shows of a body, in characters.
const BODY_MAX_CHARS: usize = 200;
/// A notifier that takes longer is ended, in seconds: it hangs.
const PATIENCE_S: u64 = 10;
/// Notifications that wait for the one before; with more than that at once nobody reads them.
const WAITING_MAX: usize = 64;

/// Tells one notification after the other, and holds nobody up.
#[derive(Debug)]
pub(super) struct Notifier {
    mailbox: String,
    waiting: mpsc::Sender<Notice>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    title: String,
    text: String,
}

impl Notifier {
    /// The system's notifier; where there is none, the person is told so.
    ///
    /// # Errors
    /// When stderr cannot be written.
    pub(super) fn find() -> io::Result<Option<Self>> {
        let Some(program) = system::PROGRAM.and_then(on_path) else {
            let missing =
                system::PROGRAM.map_or_else(String::new, |name| format!(": {name} is not installed"));
            print::remark(&format!("c2c: the desktop cannot be told of mail here{missing}"))?;
            return Ok(None);
        };
        let (waiting, notices) = mpsc::channel(WAITING_MAX);
        tokio::spawn(tell(program, notices));
        Ok(Some(Self { mailbox: fold(&person::name()), waiting }))
    }

    /// A message came. Only one for the person is told.
    pub(super) fn came(&self, message: &Message) {
        if is_for(message, &self.mailbox) {
            // With so many of them, one more changes nothing.
            let _full = self.waiting.try_send(notice(message));
        }
    }
}

/// Whether it lies in the mailbox. Of a broadcast to very many not all receipts are known.
fn is_for(message: &Message, mailbox: &str) -> bool {
    let cut = message.to.is_everyone() && message.receipts.len() < message.receipts_total as usize;
    cut || message.receipts.iter().any(|receipt| fold(&receipt.name) == mailbox)
}

fn notice(message: &Message) -> Notice {
    let tag = message.tag.as_ref().map_or_else(String::new, |tag| format!(" [{}]", visible(tag)));
    Notice {
        title: format!("c2c: message {} from {}{tag}", message.id, visible(&message.from_name)),
        text: shortened(message.body.trim(), BODY_MAX_CHARS),
    }
}

async fn tell(program: PathBuf, mut notices: mpsc::Receiver<Notice>) {
    let mut failed_before = false;
    while let Some(Notice { title, text }) = notices.recv().await {
        let mut command = Command::new(&program);
        command.args(system::arguments(&title, &text)).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let ended = tokio::time::timeout(Duration::from_secs(PATIENCE_S), command.status()).await;
        if !matches!(ended, Ok(Ok(status)) if status.success()) && !failed_before {
            failed_before = true;
            let _unheard =
                print::remark(&format!("c2c: {} fails; it goes on being tried", program.display()));
        }
    }
}

/// Where a program lies, by the `PATH`.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
