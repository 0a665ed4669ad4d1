//! The one task that writes to the client: whole lines, in the order in which they were handed over.
//!
//! It also says which messages have left, so that "shown" is true.

use crate::shown::{Note, ShownLog};
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Lines that wait for a client which does not read. When they are many, no more requests are read either.
const QUEUE_LINES: usize = 64;

/// One line to write.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Without its end; empty for none.
    pub(super) line: Vec<u8>,
    /// Mail that is shown with it.
    pub(super) shown: Option<Note>,
    /// Told when the line is written.
    pub(super) written: Option<oneshot::Sender<()>>,
}

impl Outgoing {
    /// A line about which nobody wants to know more.
    pub(super) const fn plain(line: Vec<u8>) -> Self {
        Self { line, shown: None, written: None }
    }

    /// No line, only the news that all before it are written.
    pub(super) const fn mark(written: oneshot::Sender<()>) -> Self {
        Self { line: Vec::new(), shown: None, written: Some(written) }
    }
}

/// Starts the task. It ends when all senders are gone and everything is written, or when the client is gone; then
/// `ended` is set.
pub(super) fn start(
    out: impl AsyncWrite + Send + Unpin + 'static,
    shown: ShownLog,
    ended: CancellationToken,
) -> mpsc::Sender<Outgoing> {
    let (queue, lines) = mpsc::channel(QUEUE_LINES);
    tokio::spawn(async move {
        if let Err(error) = write_all(out, lines, &shown).await {
            tracing::debug!(%error, "the client no longer reads");
        }
        ended.cancel();
    });
    queue
}

async fn write_all(
    out: impl AsyncWrite + Unpin,
    mut lines: mpsc::Receiver<Outgoing>,
    shown: &ShownLog,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut batch = Vec::new();
    while lines.recv_many(&mut batch, QUEUE_LINES).await > 0 {
        for outgoing in batch.iter().filter(|outgoing| !outgoing.line.is_empty()) {
            out.write_all(&outgoing.line).await?;
            out.write_all(b"\n").await?;
        }
        out.flush().await?;
        for Outgoing { shown: note, written, .. } in batch.drain(..) {
            if let Some(note) = note {
                shown.written(note);
            }
            if let Some(written) = written {
                let _ = written.send(());
            }
        }
    }
    Ok(())
}
