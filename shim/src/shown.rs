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
    /// Calls under way that mark read what results show.
    marking: watch::Sender<usize>,
    written: mpsc::UnboundedSender<Note>,
}

impl ShownLog {
    /// An empty log, and where the notes of written results come out (no more than there are results on their way).
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (written, notes) = mpsc::unbounded_channel();
        let (reported, marking) = (watch::Sender::new(0), watch::Sender::new(0));
        let shared = Shared { noted: AtomicU64::new(0), reported, marking, written };
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

    /// Mail that a result shows is being marked read, as long as this is kept.
    #[must_use]
    pub fn marking(&self) -> Marking {
        self.shared.marking.send_modify(|marking| *marking += 1);
        Marking { shared: Arc::clone(&self.shared) }
    }

    /// Ends when the broker was told of all that was noted before, and nothing is being marked read.
    pub async fn settled(&self) {
        let noted = self.shared.noted.load(Ordering::Relaxed);
        if *self.shared.reported.borrow() >= noted && *self.shared.marking.borrow() == 0 {
            return;
        }
        let told = async {
            // Neither can fail: what is waited for is kept by this log.
            let _ = self.shared.reported.subscribe().wait_for(|last| *last >= noted).await;
            let _ = self.shared.marking.subscribe().wait_for(|marking| *marking == 0).await;
        };
        if tokio::time::timeout(SETTLE_MAX, told).await.is_err() {
            tracing::debug!("the broker does not know yet which mail was shown");
        }
    }
}

/// Mail is being marked read; see [`ShownLog::marking`].
#[derive(Debug)]
pub struct Marking {
    shared: Arc<Shared>,
}

impl Drop for Marking {
    fn drop(&mut self) {
        self.shared.marking.send_modify(|marking| *marking -= 1);
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

    #[tokio::test]
    async fn a_call_waits_for_what_is_being_marked_and_for_what_was_shown_before_that() {
        let (log, mut notes) = ShownLog::new();
        let note = log.note(vec![1]).unwrap();
        log.written(note);
        let marking = log.marking();
        let waiting = tokio::spawn({
            let log = log.clone();
            async move { log.settled().await }
        });
        drop(marking);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "what was shown is not reported");
        log.reported(&notes.recv().await.unwrap());
        waiting.await.unwrap();
        let marking = log.marking();
        let waiting = tokio::spawn(async move { log.settled().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "it is being marked");
        drop(marking);
        waiting.await.unwrap();
    }
}
