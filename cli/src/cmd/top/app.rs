//! What `c2c top` knows and shows, and what each key and each piece of news changes. Pure: it asks nobody and draws nothing.

use super::charts::Charts;
use super::feed::{News, Poll};
use super::form::Form;
use super::keys::{Action, Place};
use super::people::People;
use super::stream::{Stream, to_text};
use super::text_field::{Edit, Text};
use super::thread::Thread;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::message::Recipient;
use c2c_proto::request::Send;
use c2c_proto::response::{Sent, Status};
use std::collections::BTreeMap;

/// Nothing was heard for this long, in seconds: that is said.
const SILENT_S: u64 = 3;

/// See the module's first lines.
#[derive(Debug)]
pub(super) struct App {
    /// The person's name, whose own messages are answered to their recipients.
    me: String,
    /// How the broker does, as last heard.
    pub(super) status: Option<Box<Status>>,
    /// What keeps it from answering.
    trouble: Option<Error>,
    /// Seconds since a question of this view was answered.
    silent_s: u64,
    /// The sessions.
    pub(super) people: People,
    /// The messages.
    pub(super) stream: Stream,
    /// The two charts.
    pub(super) charts: Charts,
    /// Whether the keys move in the list of sessions.
    pub(super) in_people: bool,
    /// The filter, while it is typed.
    pub(super) filter: Option<Text>,
    /// The thread that is open.
    pub(super) thread: Option<Thread>,
    /// The message that is being written.
    pub(super) form: Option<Form>,
    /// What was begun and not sent, by what it answers.
    drafts: BTreeMap<Option<MessageId>, Form>,
    /// A message is on its way.
    pub(super) sending: bool,
    /// Whether the help is open.
    pub(super) help: bool,
    /// What came of the last thing that was done.
    pub(super) said: Option<Said>,
    marks_due: bool,
}

/// A line for the person. Not harmless yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Whether it went well.
    pub(super) good: bool,
    /// What is to be said.
    pub(super) text: String,
}

/// What has to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// End.
    Quit,
    /// Read a thread, with the whole bodies of all but these.
    Thread(MessageId, Vec<MessageId>),
    /// Send a message.
    Send(Box<Send>),
}

impl App {
    /// Before anything is known.
    pub(super) fn new(me: String) -> Self {
        Self {
            me,
            status: None,
            trouble: None,
            silent_s: 0,
            people: People::default(),
            stream: Stream::default(),
            charts: Charts::default(),
            in_people: false,
            filter: None,
            thread: None,
            form: None,
            drafts: BTreeMap::new(),
            sending: false,
            help: false,
            said: None,
            marks_due: false,
        }
    }

    /// Where the keys go.
    pub(super) const fn place(&self) -> Place {
        match (self.help, &self.form, &self.filter, &self.thread) {
            (true, ..) => Place::Help,
            (_, Some(_), ..) => Place::Form,
            (_, _, Some(_), _) => Place::Filter,
            (_, _, _, Some(_)) => Place::Thread,
            _ => Place::Lists,
        }
    }

    /// Why the broker does not answer, if it does not.
    pub(super) fn trouble(&self) -> Option<String> {
        match &self.trouble {
            Some(error) => Some(format!("{} (trying again)", error.message)),
            None if self.silent_s >= SILENT_S => {
                Some(format!("the broker has not answered for {} s (still asking)", self.silent_s))
            }
            None => None,
        }
    }

    /// A second has passed: what is to be looked at.
    pub(super) fn second(&mut self) -> Poll {
        self.charts.second();
        self.silent_s += 1;
        let mut shown = self.stream.on_screen().map(|message| message.id);
        let oldest = shown.next();
        let range = oldest.map(|oldest| (oldest, shown.last().unwrap_or(oldest)));
        let lists = self.thread.is_none();
        Poll { sessions: lists, marks: range.filter(|_| std::mem::take(&mut self.marks_due) && lists) }
    }

    /// Does what a key says.
    pub(super) fn act(&mut self, action: Action) -> Option<Wish> {
        if !self.sending {
            self.said = None;
        }
        match action {
            Action::Quit => return Some(Wish::Quit),
            Action::Help => self.help = true,
            Action::Close => self.close(),
            Action::Open => return self.open(),
            Action::Go(motion) => match (&mut self.thread, self.in_people) {
                (Some(thread), _) => thread.go(motion),
                (None, true) => self.people.go(motion),
                (None, false) => self.stream.go(motion),
            },
            Action::Next(forward) => match (&mut self.form, &mut self.thread) {
                (Some(form), _) => form.next(forward),
                (None, Some(thread)) => thread.mark(forward),
                (None, None) => self.in_people = !self.in_people,
            },
            Action::Filter if self.thread.is_none() => {
                self.filter = Some(Text::one_line(self.stream.filter()));
            }
            Action::Filter => {}
            Action::Write => self.write(None, ""),
            Action::Reply => self.reply(),
            Action::Edit(edit) => self.edit(edit),
            Action::Send => return self.send(),
        }
        None
    }

    /// Takes in what the broker said.
    pub(super) fn hear(&mut self, news: News) -> Option<Wish> {
        match news {
            News::Messages { messages, new } => return self.came(messages, new),
            News::Replaced(messages) => self.stream.replace(messages),
            News::Sessions { sessions, more } => self.people.set(sessions, more),
            News::Status(status) => return self.know(status),
            News::Marks(messages) => self.stream.mark(messages),
            News::Polled => {}
            News::Trouble(error) => self.trouble = Some(error),
            News::Thread { id, messages, more } => {
                if let Some(thread) = self.thread.as_mut().filter(|thread| thread.id == id) {
                    thread.set(messages, more);
                }
            }
            News::Body(id, body) => {
                if let Some(thread) = &mut self.thread {
                    thread.set_body(id, body);
                }
            }
            News::Unread(error) => self.say_error(&error),
            News::Sent(result) => self.sent(result),
        }
        None
    }

    fn came(&mut self, messages: Vec<c2c_proto::message::Message>, new: bool) -> Option<Wish> {
        if new {
            self.charts.came(messages.len());
        }
        let thread = self.thread.as_ref();
        let thread = thread.filter(|thread| messages.iter().any(|message| message.thread == thread.id));
        let wish = thread.map(|thread| Wish::Thread(thread.id, thread.whole()));
        self.stream.add(messages);
        wish
    }

    fn know(&mut self, status: Box<Status>) -> Option<Wish> {
        self.trouble = None;
        self.silent_s = 0;
        self.charts.commits(status.commit_p50_us, status.commit_p99_us);
        let before = self.status.replace(status);
        let now = self.status.as_ref()?;
        let other = before.as_ref().is_some_and(|before| (before.pid, before.epoch) != (now.pid, now.epoch));
        // Whatever was marked was committed.
        if before.is_none_or(|before| before.commits != now.commits || other) {
            self.marks_due = true;
            return self.thread.as_ref().map(|thread| Wish::Thread(thread.id, thread.whole()));
        }
        None
    }

    fn close(&mut self) {
        if self.help {
            self.help = false;
        } else if self.sending && self.form.is_some() {
            // It may be refused: then the form is needed.
        } else if let Some(form) = self.form.take() {
            if !form.is_blank() {
                self.say(true, "not sent; the draft is kept until you quit, the same key opens it again");
                self.drafts.insert(form.reply_to, form);
            }
        } else if self.filter.take().is_some() {
            self.stream.set_filter("");
        } else if self.thread.take().is_none() {
            self.stream.set_filter("");
            self.stream.set_session(None);
        }
    }

    fn open(&mut self) -> Option<Wish> {
        if self.filter.take().is_some() || self.thread.is_some() {
            return None;
        }
        if self.in_people {
            let name = self.people.selected().map(|session| session.name.clone());
            let again = name.as_deref() == self.stream.session();
            self.stream.set_session(name.filter(|_| !again));
            return None;
        }
        let thread = Thread::of(self.stream.selected()?);
        let id = thread.id;
        self.thread = Some(thread);
        Some(Wish::Thread(id, Vec::new()))
    }

    fn write(&mut self, reply_to: Option<MessageId>, to: &str) {
        let draft = self.drafts.remove(&reply_to);
        self.form = Some(draft.unwrap_or_else(|| Form::new(reply_to, to)));
    }

    fn reply(&mut self) {
        let message = match &self.thread {
            Some(thread) => thread.marked(),
            None => self.stream.selected(),
        };
        let Some(message) = message else { return };
        let own = message.from_name == self.me;
        let to = if own { to_text(&message.to) } else { message.from_name.clone() };
        let id = message.id;
        self.write(Some(id), &to);
    }

    /// A paste where nothing is typed is no command.
    fn edit(&mut self, edit: Edit) {
        match (&mut self.form, &mut self.filter) {
            // It may be refused: then it is to be as it was sent.
            (Some(_), _) if self.sending => {}
            (Some(form), _) => form.edit(edit),
            (None, Some(filter)) => {
                filter.edit(edit);
                self.stream.set_filter(&filter.text());
            }
            (None, None) => {}
        }
    }

    fn send(&mut self) -> Option<Wish> {
        let form = self.form.as_mut().filter(|_| !self.sending)?;
        match form.message() {
            Ok(message) => {
                self.sending = true;
                self.say(true, "sending");
                Some(Wish::Send(Box::new(message)))
            }
            Err((field, missing)) => {
                form.field = field;
                self.say(false, missing);
                None
            }
        }
    }

    fn sent(&mut self, result: Result<Sent, Error>) {
        self.sending = false;
        match result {
            Ok(sent) => {
                self.form = None;
                self.say(true, &in_words(&sent));
            }
            Err(error) => self.say_error(&error),
        }
    }

    fn say(&mut self, good: bool, text: &str) {
        self.said = Some(Said { good, text: text.to_owned() });
    }

    fn say_error(&mut self, error: &Error) {
        let hint = if error.hint.is_empty() { String::new() } else { format!("; {}", error.hint) };
        self.say(false, &format!("{}{hint}", error.message));
    }
}

/// What became of a message that was sent.
fn in_words(sent: &Sent) -> String {
    let state = |one: &Recipient| {
        let state = match (one.known, one.waiting, one.online) {
            (false, ..) => "not known: it waits for whoever takes the name",
            (_, true, _) => "waiting for mail",
            (_, _, true) => "online",
            _ => "away",
        };
        format!("{} ({state})", one.name)
    };
    let mut text = match sent.recipients.as_slice() {
        [] => format!("sent {}, and nobody got it", sent.id),
        some => format!("sent {} to {}", sent.id, some.iter().map(state).collect::<Vec<_>>().join(", ")),
    };
    for near in sent.near.iter().filter(|near| !near.known.is_empty()) {
        text.push_str(&format!("; known names like {}: {}", near.name, near.known.join(", ")));
    }
    if !sent.skipped_full.is_empty() {
        text.push_str(&format!("; full mailboxes: {}", sent.skipped_full.join(", ")));
    }
    text
}
