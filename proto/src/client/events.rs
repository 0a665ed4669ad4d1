//! Events on their way to whoever receives them. A slow receiver never holds up the connection: what does not fit
//! waits, and of each kind only the newest.

use super::ClientEvent;
use crate::event::Event;
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// The sending end. What waits is bounded by the number of kinds.
pub(super) struct Events {
    out: mpsc::Sender<ClientEvent>,
    waiting: VecDeque<ClientEvent>,
}

impl Events {
    pub(super) const fn new(out: mpsc::Sender<ClientEvent>) -> Self {
        Self { out, waiting: VecDeque::new() }
    }

    /// Hands over an event, or keeps it for [`Self::deliver`].
    pub(super) fn push(&mut self, event: ClientEvent) {
        let event = if self.waiting.is_empty() {
            match self.out.try_send(event) {
                Ok(()) | Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        self.waiting.retain(|waiting| kind(waiting) != kind(&event));
        self.waiting.push_back(event);
    }

    /// Hands over what waits as soon as there is room. Never ends when nothing waits; can be dropped at any time.
    pub(super) async fn deliver(&mut self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        match self.out.reserve().await {
            Ok(room) => {
                if let Some(event) = self.waiting.pop_front() {
                    room.send(event);
                }
            }
            Err(_) => self.waiting.clear(),
        }
    }
}

/// Events of one kind replace each other. An announcement does not give way to a mere count.
const fn kind(event: &ClientEvent) -> u8 {
    match event {
        ClientEvent::Connected(_) | ClientEvent::Disconnected => 0,
        ClientEvent::Event(Event::Nudge(_)) => 1,
        ClientEvent::Event(Event::Mail(_)) => 2,
        ClientEvent::Event(Event::Session(_)) => 3,
        ClientEvent::Event(Event::Closing(_)) => 4,
        ClientEvent::Event(Event::Announced(_)) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::Events;
    use crate::client::ClientEvent;
    use crate::event::{Closing, Event, MailWaiting, Nudge};
    use crate::message::Priority;
    use crate::push::Way;
    use tokio::sync::mpsc;

    fn mail(message_id: i64) -> ClientEvent {
        ClientEvent::Event(Event::Mail(MailWaiting {
            message_id,
            from: "api".to_owned(),
            tag: None,
            priority: Priority::Normal,
            unread: 1,
            announce: false,
        }))
    }

    fn nudge(up_to: i64) -> ClientEvent {
        let (way, headlines) = (Way::Socket, Vec::new());
        ClientEvent::Event(Event::Nudge(Nudge { way, headlines, count: 1, unread: 1, up_to, again: false }))
    }

    #[tokio::test]
    async fn a_slow_receiver_gets_the_newest_of_each_kind_in_order() {
        let (out, mut received) = mpsc::channel(1);
        let mut events = Events::new(out);
        events.push(ClientEvent::Disconnected);
        events.push(nudge(1));
        for id in 2..1_000 {
            events.push(mail(id));
        }
        events.push(ClientEvent::Event(Event::Closing(Closing::Idle)));
        events.push(nudge(1_000));
        assert_eq!(events.waiting.len(), 3);
        assert_eq!(received.recv().await, Some(ClientEvent::Disconnected));
        for expected in [mail(999), ClientEvent::Event(Event::Closing(Closing::Idle)), nudge(1_000)] {
            events.deliver().await;
            assert_eq!(received.recv().await, Some(expected));
        }
        assert!(events.waiting.is_empty());
    }

    #[tokio::test]
    async fn without_a_receiver_nothing_is_kept() {
        let (out, received) = mpsc::channel(1);
        let mut events = Events::new(out);
        events.push(mail(1));
        events.push(mail(2));
        drop(received);
        events.deliver().await;
        events.push(mail(3));
        assert!(events.waiting.is_empty());
    }
}
