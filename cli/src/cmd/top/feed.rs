//! What the broker is asked for, beside the drawing. Looking is done over a connection that is nobody; only sending takes
//! part, for as long as it takes. Nothing is ever marked. What came of it all arrives as news.

use super::thread::is_cut;
use crate::everybody;
use crate::link::{Link, Stores, ask};
use crate::mail;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::message::Message;
use c2c_proto::request::{Filter, Send, Status, Traffic};
use c2c_proto::response::{self, Sent, SessionInfo};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Messages that are there from the start.
const FIRST: u32 = 200;
/// Messages of a thread.
const THREAD: u32 = 200;
/// How long the broker may keep a look that finds nothing, in milliseconds.
const LOOK_MS: u64 = 30_000;
/// Between two looks that found something: nobody sees more pictures in a second.
const PACE: Duration = Duration::from_millis(40);
/// Between two tries after a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// A session that is away is listed for this long, in minutes.
const ACTIVE_MIN: u32 = 60;
/// Sessions that are listed at most: they are asked for each second.
const SESSIONS_MAX: usize = 1_000;

/// What the broker said, or why it said nothing.
#[derive(Debug)]
pub(super) enum News {
    /// Messages, ascending by id; those from the start are not `new`.
    Messages {
        /// The messages.
        messages: Vec<Message>,
        /// Whether they came while we looked.
        new: bool,
    },
    /// Another store took the place of the one before; these are its messages.
    Replaced(Vec<Message>),
    /// Who is there.
    Sessions {
        /// The sessions.
        sessions: Vec<SessionInfo>,
        /// Whether there are more than are listed.
        more: bool,
    },
    /// How the broker does.
    Status(Box<response::Status>),
    /// The messages on the screen as they are now.
    Marks(Vec<Message>),
    /// The poll of this second is over.
    Polled,
    /// Something could not be asked.
    Trouble(Error),
    /// A thread.
    Thread {
        /// Its id.
        id: MessageId,
        /// The newest of its messages.
        messages: Vec<Message>,
        /// Whether there are older ones.
        more: bool,
    },
    /// A whole body.
    Body(MessageId, String),
    /// A thread or body could not be read.
    Unread(Error),
    /// What came of a message that was written.
    Sent(Result<Sent, Error>),
}

/// What is to be looked at each second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Poll {
    /// Whether the sessions are on the screen.
    pub(super) sessions: bool,
    /// The oldest and the newest message on the screen, if their marks may have changed.
    pub(super) marks: Option<(MessageId, MessageId)>,
}

/// See the module's first lines.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    link: Link,
    news: mpsc::UnboundedSender<News>,
}

/// Up to where the messages have been told.
#[derive(Debug, Default)]
struct Place {
    /// The newest one; none yet, of this store.
    after: Option<MessageId>,
    /// Messages of another store were told before.
    replaced: bool,
}

impl Feed {
    /// Begins to follow the messages.
    pub(super) fn start(link: Link, stores: Stores) -> (Self, mpsc::UnboundedReceiver<News>) {
        let (news, receiver) = mpsc::unbounded_channel();
        let feed = Self { link, news };
        tokio::spawn(Box::pin(feed.clone().follow(stores)));
        (feed, receiver)
    }

    /// Looks at what changes without a message.
    pub(super) fn poll(&self, poll: Poll) {
        let feed = self.clone();
        tokio::spawn(async move {
            if let Err(error) = feed.polled(poll).await {
                feed.tell(News::Trouble(error));
            }
            feed.tell(News::Polled);
        });
    }

    /// Reads a thread, with the whole bodies of all but `whole`.
    pub(super) fn thread(&self, id: MessageId, whole: Vec<MessageId>) {
        let feed = self.clone();
        tokio::spawn(async move {
            if let Err(error) = feed.read_thread(id, &whole).await {
                feed.tell(News::Unread(error));
            }
        });
    }

    /// Sends a message as the person.
    pub(super) fn send(&self, message: Send) {
        let feed = self.clone();
        tokio::spawn(async move { feed.tell(News::Sent(sent(message).await)) });
    }

    /// Whoever is told has gone when this fails.
    fn tell(&self, news: News) {
        let _gone = self.news.send(news);
    }

    /// Until nobody listens.
    async fn follow(self, mut stores: Stores) {
        let mut place = Place::default();
        while !self.news.is_closed() {
            match self.step(&mut place, &mut stores).await {
                Ok(()) => {}
                Err(error) => {
                    self.tell(News::Trouble(error));
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn step(&self, place: &mut Place, stores: &mut Stores) -> Result<(), Error> {
        let Some(last) = place.after else {
            let messages = self.traffic(newest(FIRST)).await?.messages;
            place.after = Some(messages.last().map_or(0, |message| message.id));
            let replaced = std::mem::take(&mut place.replaced);
            self.tell(if replaced {
                News::Replaced(messages)
            } else {
                News::Messages { messages, new: false }
            });
            return Ok(());
        };
        let next = Traffic { after_id: Some(last), limit: FIRST, timeout_ms: LOOK_MS, ..Traffic::default() };
        let messages = tokio::select! {
            // First: what the other one answers is no answer to this question.
            biased;
            () = stores.another() => {
                *place = Place { after: None, replaced: true };
                return Ok(());
            }
            page = self.traffic(next) => page?.messages,
        };
        if let Some(newest) = messages.last() {
            place.after = Some(newest.id);
            self.tell(News::Messages { messages, new: true });
            sleep(PACE).await;
        }
        Ok(())
    }

    async fn traffic(&self, request: Traffic) -> Result<response::Inbox, Error> {
        Ok(ask!(self.link, Traffic(request), Inbox))
    }

    async fn polled(&self, poll: Poll) -> Result<(), Error> {
        self.tell(News::Status(ask!(self.link, Status(Status {}), Status)));
        if poll.sessions {
            let (sessions, more) = everybody::sessions(&self.link, ACTIVE_MIN, SESSIONS_MAX).await?;
            self.tell(News::Sessions { sessions, more });
        }
        if let Some((oldest, latest)) = poll.marks {
            let shown = Traffic {
                after_id: Some(oldest.saturating_sub(1)),
                before_id: Some(latest.saturating_add(1)),
                limit: FIRST,
                ..Traffic::default()
            };
            self.tell(News::Marks(self.traffic(shown).await?.messages));
        }
        Ok(())
    }

    async fn read_thread(&self, id: MessageId, whole: &[MessageId]) -> Result<(), Error> {
        let filter = Filter { thread: Some(id), ..Filter::default() };
        let page = self.traffic(Traffic { filter, ..newest(THREAD) }).await?;
        let long = page.messages.iter().filter(|one| is_cut(one) && !whole.contains(&one.id));
        let long: Vec<Message> = long.cloned().collect();
        self.tell(News::Thread { id, messages: page.messages, more: page.more });
        for mut message in long {
            mail::complete(&self.link, &mut message).await?;
            self.tell(News::Body(message.id, message.body));
        }
        Ok(())
    }
}

/// The newest messages of all.
fn newest(limit: u32) -> Traffic {
    Traffic { before_id: Some(MessageId::MAX), limit, ..Traffic::default() }
}

async fn sent(message: Send) -> Result<Sent, Error> {
    let (link, _name) = Link::take_part(None).await?;
    Ok(ask!(link, Send(message), Sent))
}
