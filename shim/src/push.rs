//! What the broker says without being asked, and what the client is told of it.
//!
//! Mail reaches a client that subscribed to the inbox as `notifications/resources/updated`: a hint without content.

use c2c_proto::client::ClientEvent;
use c2c_proto::event::Event;
use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::Peer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

/// The one resource.
pub const INBOX_URI: &str = "c2c://inbox";
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

    /// Passes on events for as long as there are any.
    pub async fn pass_on(self, mut events: mpsc::Receiver<ClientEvent>, peer: Peer<RoleServer>) {
        let mut batch = Vec::with_capacity(BATCH);
        while events.recv_many(&mut batch, BATCH).await > 0 {
            let mut mail = false;
            for event in batch.drain(..) {
                log(&event);
                mail |= may_bring_mail(&event);
            }
            if mail && self.wanted.load(Ordering::Relaxed) {
                let param = ResourceUpdatedNotificationParam::new(INBOX_URI);
                if let Err(error) = peer.notify_resource_updated(param).await {
                    tracing::debug!(%error, "the client was not told of mail");
                }
            }
        }
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
