//! The messages that are known, which of them are shown, and which one is selected. It asks nobody and draws nothing.

use c2c_proto::id::MessageId;
use c2c_proto::message::{Message, To};
use c2c_proto::name::{EVERYONE, fold};

/// Messages that are kept: some hours of busy sessions, and no more memory than a body each.
pub(super) const KEPT_MAX: usize = 2_000;
/// When there are more, so many go at once: what is shown is worked out anew then.
const DROPPED: usize = 200;

/// See the module's first lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// Ascending by id.
    messages: Vec<Message>,
    /// Places in `messages` of what is shown.
    shown: Vec<usize>,
    /// What is searched for; empty for everything.
    filter: String,
    /// Only what this session sent or got.
    session: Option<String>,
    /// `None`: the newest, whichever that is.
    selected: Option<MessageId>,
    /// The first of `shown` that is on the screen.
    top: usize,
    /// How many are on the screen.
    rows: usize,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    /// One up.
    Up,
    /// One down.
    Down,
    /// As many up as are on the screen.
    PageUp,
    /// As many down.
    PageDown,
    /// To the first.
    First,
    /// To the last.
    Last,
}

impl Motion {
    /// The place that this leads to from another one, of so many, with so many on the screen.
    pub(super) fn from(self, at: usize, count: usize, rows: usize) -> usize {
        let page = rows.saturating_sub(1).max(1);
        let to = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at + 1,
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at + page,
            Self::First => 0,
            Self::Last => count,
        };
        to.min(count.saturating_sub(1))
    }
}

impl Stream {
    /// Takes in new messages, ascending by id; what is known already is left as it is.
    pub(super) fn add(&mut self, messages: Vec<Message>) {
        for message in messages {
            if self.newest().is_some_and(|newest| message.id <= newest) {
                continue;
            }
            if self.matches(&message) {
                self.shown.push(self.messages.len());
            }
            self.messages.push(message);
        }
        if self.messages.len() > KEPT_MAX {
            let dropped = self.messages.len().saturating_sub(KEPT_MAX) + DROPPED;
            self.messages.drain(..dropped);
            self.work_out();
        }
        self.clamp();
    }

    /// Another store is in the place of the one before.
    pub(super) fn replace(&mut self, messages: Vec<Message>) {
        self.messages.clear();
        self.shown.clear();
        self.selected = None;
        self.add(messages);
    }

    /// What has become of deliveries of messages that are here.
    pub(super) fn mark(&mut self, fresh: Vec<Message>) {
        for message in fresh {
            let here = self.messages.binary_search_by_key(&message.id, |here| here.id).ok();
            if let Some(here) = here.and_then(|at| self.messages.get_mut(at)) {
                *here = message;
            }
        }
    }

    /// The id of the newest message.
    pub(super) fn newest(&self) -> Option<MessageId> {
        self.messages.last().map(|message| message.id)
    }

    /// How many are shown, and how many there are.
    pub(super) const fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.messages.len())
    }

    /// Those on the screen, the oldest first.
    pub(super) fn on_screen(&self) -> impl Iterator<Item = &Message> {
        self.shown.iter().skip(self.top).take(self.rows).filter_map(|at| self.messages.get(*at))
    }

    /// The message that is selected.
    pub(super) fn selected(&self) -> Option<&Message> {
        self.shown.get(self.place()).and_then(|at| self.messages.get(*at))
    }

    /// What is searched for.
    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// The session to which it is narrowed.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Searches for something else.
    pub(super) fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        self.work_out();
    }

    /// Narrows it to a session, or to all of them.
    pub(super) fn set_session(&mut self, session: Option<String>) {
        self.session = session;
        self.work_out();
    }

    /// Selects another message. At the last one, the newest stays selected as it comes.
    pub(super) fn go(&mut self, motion: Motion) {
        let to = motion.from(self.place(), self.shown.len(), self.rows);
        let last = to + 1 >= self.shown.len();
        self.selected =
            self.shown.get(to).filter(|_| !last).and_then(|at| self.messages.get(*at)).map(|one| one.id);
        self.clamp();
    }

    /// So many fit the screen.
    pub(super) fn fit(&mut self, rows: usize) {
        self.rows = rows;
        self.clamp();
    }

    /// The place of what is selected in `shown`.
    fn place(&self) -> usize {
        let id = |at: &usize| self.messages.get(*at).map_or(MessageId::MAX, |message| message.id);
        let last = self.shown.len().saturating_sub(1);
        self.selected.map_or(last, |selected| self.shown.partition_point(|at| id(at) < selected)).min(last)
    }

    /// What is selected is on the screen, and the screen is full if it can be.
    fn clamp(&mut self) {
        let place = self.place();
        let least = (place + 1).saturating_sub(self.rows);
        let most = self.shown.len().saturating_sub(self.rows);
        self.top = self.top.clamp(least, place.max(least)).min(most);
    }

    fn work_out(&mut self) {
        let matching =
            self.messages.iter().enumerate().filter(|(_, message)| self.matches(message)).map(|(at, _)| at);
        self.shown = matching.collect();
        self.clamp();
    }

    fn matches(&self, message: &Message) -> bool {
        self.session.as_deref().is_none_or(|session| concerns(message, session))
            && (self.filter.is_empty() || found(message, &self.filter.to_lowercase()))
    }
}

/// Whether a session sent it or got it.
fn concerns(message: &Message, session: &str) -> bool {
    let session = fold(session);
    let is = |name: &str| fold(name) == session;
    is(&message.from_name)
        || message.receipts.iter().any(|receipt| is(&receipt.name))
        || match &message.to {
            To::One(name) => is(name),
            To::Many(names) => names.iter().any(|name| is(name)),
            To::Everyone => false,
        }
}

/// Whether the (lowercase) text occurs in what a person sees of it.
fn found(message: &Message, text: &str) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    has(&message.from_name)
        || has(&to_text(&message.to))
        || message.tag.as_deref().is_some_and(has)
        || has(&message.body)
}

/// Whom it is for, in words.
pub(super) fn to_text(to: &To) -> String {
    match to {
        To::One(name) => name.clone(),
        To::Many(names) => names.join(", "),
        To::Everyone => EVERYONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{DROPPED, KEPT_MAX, Motion, Stream};
    use c2c_proto::message::{Message, Priority, To};
    use c2c_proto::time::Timestamp;

    fn message(id: i64, body: &str) -> Message {
        Message {
            id,
            from_name: "api".to_owned(),
            from_session: String::new(),
            to: To::One("Web".to_owned()),
            body: body.to_owned(),
            body_chars: 0,
            tag: Some("Build".to_owned()),
            reply_to: None,
            thread: id,
            priority: Priority::Normal,
            created_at: Timestamp(id),
            sent_by_reader: false,
            read_at: None,
            receipts: vec![],
            receipts_total: 0,
        }
    }

    fn stream(ids: std::ops::RangeInclusive<i64>, rows: usize) -> Stream {
        let mut stream = Stream::default();
        stream.fit(rows);
        stream.add(ids.map(|id| message(id, &format!("body {id}"))).collect());
        stream
    }

    fn seen(stream: &Stream) -> (Vec<i64>, Option<i64>) {
        (stream.on_screen().map(|one| one.id).collect(), stream.selected().map(|one| one.id))
    }

    #[test]
    fn the_newest_is_followed_until_another_one_is_selected() {
        let mut stream = stream(1..=9, 3);
        assert_eq!(seen(&stream), (vec![7, 8, 9], Some(9)));
        stream.go(Motion::Up);
        stream.add(vec![message(10, ""), message(10, "twice"), message(3, "old")]);
        assert_eq!(seen(&stream), (vec![7, 8, 9], Some(8)));
        stream.go(Motion::First);
        assert_eq!(seen(&stream), (vec![1, 2, 3], Some(1)));
        stream.go(Motion::PageDown);
        assert_eq!(seen(&stream), (vec![1, 2, 3], Some(3)));
        stream.go(Motion::Last);
        stream.add(vec![message(11, "")]);
        assert_eq!(seen(&stream), (vec![9, 10, 11], Some(11)));
        stream.fit(5);
        assert_eq!(seen(&stream), (vec![7, 8, 9, 10, 11], Some(11)));
    }

    #[test]
    fn what_is_searched_for_may_stand_anywhere() {
        let mut stream = stream(1..=3, 5);
        for (filter, count) in [("API", 3), ("web", 3), ("build", 3), ("Body 2", 1), ("nothing", 0), ("", 3)]
        {
            stream.set_filter(filter);
            assert_eq!(stream.counts(), (count, 3), "{filter}");
        }
        stream.set_filter("body 2");
        stream.add(vec![message(4, "other"), message(5, "body 2 again")]);
        assert_eq!(seen(&stream), (vec![2, 5], Some(5)));
        stream.set_session(Some("WEB".to_owned()));
        assert_eq!(stream.counts().0, 2);
        stream.set_session(Some("docs".to_owned()));
        assert_eq!(seen(&stream), (vec![], None));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let last = i64::try_from(KEPT_MAX).unwrap() + 1;
        let mut stream = stream(1..=last, 2);
        assert_eq!(stream.counts(), (KEPT_MAX - DROPPED, KEPT_MAX - DROPPED));
        assert_eq!(seen(&stream), (vec![last - 1, last], Some(last)));
        stream.replace(vec![message(1, "another store")]);
        assert_eq!(seen(&stream), (vec![1], Some(1)));
    }
}
