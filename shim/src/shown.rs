//! Which mail was shown, from the result that shows it to the broker that is told.
//!
//! Owns the order: what a client asks after it has read a result is answered by a broker that knows of that result.

use c2c_proto::id::MessageId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// A call does not wait longer for a broker to hear of earlier results: then mail counts as new once more.
const SETTLE_MAX: Duration = Duration::from_secs(1);

/// Mail that one result shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Note {
    /// The messages.
    pub message_ids: Vec<MessageId>,
    number: u64,
}

/// What was shown and what of it was reported. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ShownLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    noted: AtomicU64,
    reported: watch::Sender<u64>,
    written: mpsc::UnboundedSender<Note>,
}

impl ShownLog {
    /// An empty log, and where the notes of written results come out (no more than there are results on their way).
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (written, notes) = mpsc::unbounded_channel();
        let shared = Shared { noted: AtomicU64::new(0), reported: watch::Sender::new(0), written };
        (Self { shared: Arc::new(shared) }, notes)
    }

    /// A result that shows this mail is about to be written.
    #[must_use]
    pub fn note(&self, message_ids: Vec<MessageId>) -> Option<Note> {
        if message_ids.is_empty() {
            return None;
        }
        Some(Note { message_ids, number: self.shared.noted.fetch_add(1, Ordering::Relaxed) + 1 })
    }

    /// It was written.
    pub fn written(&self, note: Note) {
        // Nobody takes it only when the program is ending.
        let _ = self.shared.written.send(note);
    }

    /// The broker was told of these, or could not be told.
    pub fn reported(&self, note: &Note) {
        self.shared.reported.send_if_modified(|last| {
            let newer = note.number > *last;
            *last = note.number.max(*last);
            newer
        });
    }

    /// Ends when the broker was told of all that was noted before.
    pub async fn settled(&self) {
        let noted = self.shared.noted.load(Ordering::Relaxed);
        if *self.shared.reported.borrow() >= noted {
            return;
        }
        let mut reported = self.shared.reported.subscribe();
        let told = reported.wait_for(|last| *last >= noted);
        if tokio::time::timeout(SETTLE_MAX, told).await.is_err() {
            tracing::debug!("the broker does not know yet which mail was shown");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ShownLog;

    #[tokio::test]
    async fn a_call_waits_for_what_was_shown_before_it() {
        let (log, mut notes) = ShownLog::new();
        log.settled().await;
        assert_eq!(log.note(Vec::new()), None);
        let first = log.note(vec![1]).unwrap();
        let second = log.note(vec![2]).unwrap();
        let waiting = tokio::spawn({
            let log = log.clone();
            async move { log.settled().await }
        });
        log.written(first);
        log.written(second);
        let (first, second) = (notes.recv().await.unwrap(), notes.recv().await.unwrap());
        log.reported(&first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the second one is not reported");
        log.reported(&second);
        waiting.await.unwrap();
    }
}
