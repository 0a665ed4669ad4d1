//! `ListSessions`: who is there. Rows from the store, presence and waits from memory.

use super::Handled;
use crate::Broker;
use crate::hub::Caller;
use crate::store::{Listed, ListedPage};
use c2c_proto::name::fold;
use c2c_proto::request::ListSessions;
use c2c_proto::response::{Response, SessionInfo, Sessions};
use c2c_proto::time::Timestamp;
use std::sync::Arc;

pub(super) async fn list_sessions(broker: &Arc<Broker>, caller: &Caller, request: &ListSessions) -> Handled {
    let since = broker.clock.now().plus_s(-60 * i64::from(request.active_within_min));
    let own = caller.session.as_ref().map(|owner| owner.row);
    let mut after = request.after_name.as_deref().map(fold).unwrap_or_default();
    loop {
        let ListedPage { listed, more } = broker.store.sessions(since, &after).await?;
        if let Some(last) = listed.last() {
            after.clone_from(&last.mailbox);
        }
        let sessions: Vec<_> =
            listed.into_iter().filter_map(|listed| overlay(broker, listed, own, since)).collect();
        // A page of which presence leaves nothing would have no last name to go on from.
        if !sessions.is_empty() || !more {
            return Ok((Response::Sessions(Sessions { sessions, more }), 0));
        }
    }
}

/// The column follows presence with a short delay; presence is what counts. A session that just went is listed only if
/// it was seen recently enough.
fn overlay(broker: &Broker, listed: Listed, own: Option<i64>, since: Timestamp) -> Option<SessionInfo> {
    let Listed { row, mailbox, info } = listed;
    let online = broker.store.is_online(row);
    let activity = broker.hub.activity(row);
    let last_seen_at = activity.last_call_at.unwrap_or(info.last_seen_at).max(info.last_seen_at);
    (online || last_seen_at >= since).then(|| SessionInfo {
        is_self: own == Some(row),
        online,
        waiting: activity.waiting,
        unread: broker.store.mail(&mailbox).unread,
        last_seen_at,
        ..info
    })
}
