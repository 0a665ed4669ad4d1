//! `Metrics`: what the broker counts and measures.

use super::Handled;
use crate::Broker;
use c2c_proto::response::{Metric, MetricValue, Metrics, Response};
use std::sync::Arc;

pub(super) async fn metrics(broker: &Arc<Broker>) -> Handled {
    let mut metrics = broker.stats.metrics();
    let (connections, waits) = broker.hub.totals();
    let messages = broker.store.message_count().await?;
    let gauges = [
        ("c2c_connections", "Open connections.", "", connections as u64),
        ("c2c_sessions_online", "Sessions with a connection.", "", broker.store.online_count() as u64),
        ("c2c_waits", "Calls that are blocked until something arrives.", "", waits as u64),
        ("c2c_messages", "Messages in the store.", "", messages),
        ("c2c_unread", "Deliveries that nobody has marked read.", "", broker.store.total_unread()),
        ("c2c_store_size", "The store with its write-ahead log.", "bytes", broker.store.bytes()),
        ("c2c_uptime", "Time since the broker started.", "seconds", uptime_us(broker)),
    ];
    metrics.extend(
        gauges.map(|(name, help, unit, value)| Metric::new(name, help, unit, &[], MetricValue::Gauge(value))),
    );
    Ok((Response::Metrics(Metrics { metrics }), 0))
}

fn uptime_us(broker: &Broker) -> u64 {
    u64::try_from(broker.stats.uptime().as_micros()).unwrap_or(u64::MAX)
}
