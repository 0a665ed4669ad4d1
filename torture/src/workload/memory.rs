//! What a client remembers of its calls: what it can answer, mark, repeat or settle.

use crate::history::{Call, Done, Op, Outcome, To};

/// Never more than this of each kind.
const KEPT: usize = 200;
/// The tag of a message that wants an answer.
pub(super) const QUESTION: &str = "question";

/// See the module's first lines.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Mail that came, newest last.
    pub(super) mail: Vec<i64>,
    /// Mail that was shown and not yet marked.
    pub(super) unmarked: Vec<i64>,
    /// Questions that came.
    pub(super) questions: Vec<i64>,
    /// Messages and changes with a key, to be repeated: with the session that made them.
    pub(super) keyed: Vec<(Box<str>, Call)>,
    /// Calls whose outcome is not known, with the key that settles them.
    pub(super) unsettled: Vec<(Box<str>, Call)>,
    /// Own messages: numbers, ids.
    pub(super) sent: Vec<(u64, i64)>,
    /// The latest version that was seen of each entry.
    pub(super) versions: Vec<(String, i64)>,
    /// The highest id that was seen in the mailbox.
    pub(super) last_id: i64,
}

impl Memory {
    /// Takes in what a call brought.
    pub(super) fn note(&mut self, op: &Op) {
        self.note_mail(op);
        match (&op.call, &op.result) {
            (Call::Send { n, .. }, Done::Sent { id, .. }) | (Call::Ask { n, .. }, Done::Asked { id, .. }) => {
                push(&mut self.sent, (*n, *id));
            }
            (Call::MarkRead { ids, .. }, Done::Marked { .. }) => self.unmarked.retain(|id| !ids.contains(id)),
            (Call::SetState { entry, .. }, Done::Set { version }) => self.note_version(entry, *version),
            (Call::GetState { entry, .. }, Done::Entry { found: Some((version, _)), .. }) => {
                self.note_version(entry, *version);
            }
            _ => {}
        }
        self.note_key(op);
    }

    fn note_mail(&mut self, op: &Op) {
        let sent = matches!(&op.call, Call::Inbox(inbox) if inbox.sent || inbox.word.is_some());
        if sent || matches!(op.call, Call::ReadBody { .. }) {
            return;
        }
        for seen in op.seen() {
            self.last_id = self.last_id.max(seen.id);
            push(&mut self.mail, seen.id);
            if !self.unmarked.contains(&seen.id) {
                push(&mut self.unmarked, seen.id);
            }
            if seen.tag.as_deref() == Some(QUESTION) && !self.questions.contains(&seen.id) {
                push(&mut self.questions, seen.id);
            }
        }
    }

    fn note_version(&mut self, entry: &str, version: i64) {
        self.versions.retain(|(known, _)| known != entry);
        self.versions.push((entry.to_owned(), version));
    }

    fn note_key(&mut self, op: &Op) {
        let mut call = op.call.clone();
        let Some(key) = call.key_mut() else { return };
        if let Done::Error { key: Some(told), .. } = &op.result {
            *key = Some(told.clone());
        }
        if key.is_none() {
            return;
        }
        if op.outcome == Outcome::Unknown {
            push(&mut self.unsettled, (op.session.clone(), call));
        } else if op.outcome == Outcome::Ok && !is_late_question(&call) {
            push(&mut self.keyed, (op.session.clone(), call));
        }
    }

    /// A version of this entry that was the present one a while ago.
    pub(super) fn version(&self, entry: &str) -> Option<i64> {
        self.versions.iter().find(|(known, _)| known == entry).map(|(_, version)| *version)
    }
}

/// Asking again would wait again.
const fn is_late_question(call: &Call) -> bool {
    matches!(call, Call::Ask { .. })
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= KEPT {
        list.drain(..KEPT / 4);
    }
    list.push(item);
}

/// The same call with the key of another message: whoever sent that one must be told of a conflict.
pub(super) fn under_the_key_of(call: &Call, n: u64) -> Option<Call> {
    let Call::Send { key: Some(key), to: to @ To::Names(_), .. } = call else { return None };
    Some(Call::Send { n, to: to.clone(), tag: None, reply_to: None, key: Some(key.clone()), fyi: false })
}
