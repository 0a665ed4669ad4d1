//! How long the shim lives: as long as its client, and not 200 ms longer.

use crate::forward::Forward;
use crate::parent;
use crate::push::Offer;
use crate::server::Server;
use crate::shown::ShownLog;
use crate::stdio::{self, StdioTransport};
use rmcp::serve_server;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// After the client is gone, calls that are under way have this long to be answered.
const GRACE: Duration = Duration::from_millis(100);

/// Serves the client on standard input and output until it is gone.
pub(crate) async fn serve() {
    let ended = CancellationToken::new();
    let (shown, notes) = ShownLog::new();
    let forward = Forward::new(shown.clone());
    tokio::spawn(forward.clone().report_shown(notes));
    tokio::spawn(end_with_client(ended.clone()));
    let (read, write) = stdio::open();
    let transport = StdioTransport::new(read, write, shown, ended.clone());
    let server = Server::new(forward, Offer::from_env(), ended.clone());
    tokio::select! {
        // On the heap: what is moved about on the stack stays there for as long as the process lives.
        () = Box::pin(until_closed(server, transport)) => {}
        () = async { ended.cancelled().await; tokio::time::sleep(GRACE).await } => {}
    }
}

async fn until_closed(server: Server, transport: StdioTransport<stdio::Reader>) {
    match serve_server(server, transport).await {
        Ok(service) => {
            if let Err(error) = service.waiting().await {
                tracing::error!(%error, "the server ended");
            }
        }
        Err(error) => tracing::debug!(%error, "the client left before it said initialize"),
    }
}

/// Sets `ended` when the client asks by a signal, or is gone.
async fn end_with_client(ended: CancellationToken) {
    tokio::select! {
        () = signals::asked_to_end() => tracing::debug!("asked to end by a signal"),
        () = parent::gone() => tracing::debug!("the parent process is gone"),
    }
    ended.cancel();
}

#[cfg(unix)]
mod signals {
    use tokio::signal::unix::{SignalKind, signal};

    /// SIGINT or SIGTERM.
    pub(super) async fn asked_to_end() {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            // Then the system's own reaction to them stays, which is the end.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
mod signals {
    /// Control-C.
    pub(super) async fn asked_to_end() {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
