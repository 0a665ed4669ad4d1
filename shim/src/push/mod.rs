//! What the broker says without being asked, and what the client is told of it.
//!
//! Mail reaches a client that subscribed to the inbox as `notifications/resources/updated`: a hint without content. A nudge
//! is handed to the client the way that the broker chose, and how that went is reported.

mod inbox_socket;
mod offer;
mod text;

pub use offer::Offer;
pub use text::text;

use crate::forward::Forward;
use c2c_proto::client::ClientEvent;
use c2c_proto::event::{Event, Nudge};
use c2c_proto::push::Way;
use c2c_proto::request::{Pushed, Request};
use rmcp::RoleServer;
use rmcp::model::{CustomNotification, ResourceUpdatedNotificationParam, ServerNotification};
use rmcp::service::Peer;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

/// The one resource.
pub const INBOX_URI: &str = "c2c://inbox";
/// The experimental capability that channel notifications need.
pub const CHANNEL_CAPABILITY: &str = "claude/channel";
/// The notification itself.
const CHANNEL_METHOD: &str = "notifications/claude/channel";
/// Events taken at once; all mail among them is one notification.
const BATCH: usize = 64;

/// Whether the client wants to be told.
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    wanted: Arc<AtomicBool>,
}

impl Subscription {
    /// The client subscribed, or no longer wants to be told.
    pub fn set(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }
}

/// What the client is told, and how.
#[derive(Clone, Debug)]
pub struct Push {
    subscription: Subscription,
    offer: Offer,
    forward: Forward,
    peer: Peer<RoleServer>,
}

impl Push {
    /// Tells this client.
    #[must_use]
    pub const fn new(
        subscription: Subscription,
        offer: Offer,
        forward: Forward,
        peer: Peer<RoleServer>,
    ) -> Self {
        Self { subscription, offer, forward, peer }
    }

    /// Passes on events for as long as there are any.
    pub async fn pass_on(self, mut events: mpsc::Receiver<ClientEvent>) {
        // It grows with what comes: most sessions never see a full one.
        let mut batch = Vec::new();
        while events.recv_many(&mut batch, BATCH).await > 0 {
            let mut mail = false;
            for event in batch.drain(..) {
                log(&event);
                mail |= may_bring_mail(&event);
                if let ClientEvent::Event(Event::Nudge(nudge)) = event {
                    // It may take its time, and nothing else has to wait for it.
                    tokio::spawn(self.clone().announce(nudge));
                }
            }
            if mail && self.subscription.wanted.load(Ordering::Relaxed) {
                let param = ResourceUpdatedNotificationParam::new(INBOX_URI);
                if let Err(error) = self.peer.notify_resource_updated(param).await {
                    tracing::debug!(%error, "the client was not told of mail");
                }
            }
        }
    }

    /// Hands a nudge to the client and reports how that went.
    async fn announce(self, nudge: Nudge) {
        let told = match nudge.way {
            Way::Socket => self.post(&nudge).await,
            Way::Channel => self.notify(&nudge).await,
        };
        if let Err(failure) = &told {
            tracing::info!(up_to = nudge.up_to, failure, "the client was not told of mail");
        }
        let report = Pushed { up_to: nudge.up_to, failure: told.err() };
        if let Err(error) = self.forward.call(Request::Pushed(report), false).await {
            tracing::debug!(code = %error.error.code, "the broker was not told how a nudge went");
        }
    }

    async fn post(&self, nudge: &Nudge) -> Result<(), String> {
        match &self.offer.inbox {
            Some(inbox) => inbox.post(&text(nudge)).await,
            None => Err("the client gave no inbox socket".to_owned()),
        }
    }

    async fn notify(&self, nudge: &Nudge) -> Result<(), String> {
        let meta = json!({"unread": nudge.unread.to_string(), "message_id": nudge.up_to.to_string()});
        let params = json!({"content": text(nudge), "meta": meta});
        let notification = CustomNotification::new(CHANNEL_METHOD, Some(params));
        let sent = self.peer.send_notification(ServerNotification::CustomNotification(notification)).await;
        sent.map_err(|error| error.to_string())
    }
}

/// Mail may also have come while there was no connection.
const fn may_bring_mail(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Event(Event::Mail(_)) | ClientEvent::Connected(_))
}

fn log(event: &ClientEvent) {
    match event {
        ClientEvent::Connected(welcome) => {
            tracing::info!(broker = welcome.pid, build = welcome.build, "connected to the broker");
        }
        ClientEvent::Disconnected => tracing::info!("the connection to the broker is gone"),
        ClientEvent::Event(Event::Mail(mail)) => {
            tracing::debug!(message = mail.message_id, unread = mail.unread, "mail came");
        }
        ClientEvent::Event(Event::Nudge(nudge)) => {
            tracing::debug!(up_to = nudge.up_to, count = nudge.count, again = nudge.again, "a nudge");
        }
        ClientEvent::Event(Event::Announced(announced)) => {
            tracing::debug!(up_to = announced.up_to, "mail is announced");
        }
        ClientEvent::Event(Event::Session(session)) => {
            tracing::info!(
                session = session.session_id,
                superseded = session.superseded,
                "the session changed"
            );
        }
        ClientEvent::Event(Event::Closing(reason)) => {
            tracing::info!(?reason, "the broker closes the connection");
        }
    }
}
