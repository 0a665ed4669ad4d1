//! `Status`: how the broker does.

use super::Handled;
use crate::Broker;
use crate::hub::Caller;
use c2c_proto::response::{Response, Status};
use std::sync::Arc;

pub(super) async fn status(broker: &Arc<Broker>, caller: &Caller) -> Handled {
    let commits = broker.stats.commits();
    let (connections, waits) = broker.hub.totals();
    let status = Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: caller.protocol,
        pid: std::process::id(),
        uptime_s: broker.stats.uptime().as_secs(),
        epoch: broker.store.epoch(),
        service: broker.service,
        store: broker.paths.store.display().to_string(),
        store_id: broker.store.store_id().to_owned(),
        store_bytes: broker.store.bytes(),
        durability: broker.config.durability.as_str().to_owned(),
        connections: connections as u64,
        sessions_online: broker.store.online_count() as u64,
        waits: waits as u64,
        messages: broker.store.message_count().await?,
        unread: broker.store.total_unread(),
        commits: commits.count,
        commit_p50_us: commits.p50_us,
        commit_p99_us: commits.p99_us,
        last_errors: broker.stats.errors(),
    };
    Ok((Response::Status(Box::new(status)), 0))
}
