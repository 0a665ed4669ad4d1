//! `Metrics`: what the broker counts and measures.

use super::Handled;
use crate::Broker;
use c2c_proto::Error;
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
    if broker.store.nodes().own().is_some() {
        metrics.extend(of_link(broker).await?);
    }
    Ok((Response::Metrics(Metrics { metrics }), 0))
}

/// Of mail between machines, where there is a link.
async fn of_link(broker: &Broker) -> Result<Vec<Metric>, Error> {
    let now = broker.clock.now();
    let health = broker.hub.link_health(now);
    let counted = broker.stats.carried();
    let gauge = |name, help, unit, value| Metric::new(name, help, unit, &[], MetricValue::Gauge(value));
    let counter = |name, help, value| Metric::new(name, help, "", &[], MetricValue::Counter(value));
    let mut metrics = vec![
        gauge(
            "c2c_link_connected",
            "Whether the link is connected with its server: 1 or 0.",
            "",
            u64::from(health.connected_since.is_some()),
        ),
        counter("c2c_link_parcels_forwarded", "Parcels that the server was given.", counted.forwarded),
        counter("c2c_link_parcels_accepted", "Parcels that other brokers have taken.", counted.accepted),
        counter("c2c_link_parcels_brought", "Parcels of other nodes that were taken.", counted.brought),
    ];
    if let Some((_at, stream)) = health.stream {
        let of_all = "Messages of all nodes on the server, when it was asked last.";
        let of_own = "Messages for this node on the server, when it was asked last.";
        metrics.extend([
            gauge("c2c_link_server_messages", of_all, "", stream.messages),
            gauge("c2c_link_server_size", "Bytes of them.", "bytes", stream.bytes),
            gauge("c2c_link_server_pending", of_own, "", stream.for_this_node),
        ]);
    }
    for node in broker.store.link_state().await?.nodes {
        let waits_us = node.oldest.map_or(0, |oldest| now.0.saturating_sub(oldest.0));
        let waits_us = u64::try_from(waits_us).unwrap_or_default();
        let of_node = |name, help, unit, value| {
            Metric::new(name, help, unit, &[("node", &node.node)], MetricValue::Gauge(value))
        };
        metrics.extend([
            of_node(
                "c2c_outbox_parcels",
                "Parcels that a node's broker does not have yet.",
                "",
                node.waiting,
            ),
            of_node("c2c_outbox_oldest", "How long the oldest of them waits.", "seconds", waits_us),
        ]);
    }
    Ok(metrics)
}

fn uptime_us(broker: &Broker) -> u64 {
    u64::try_from(broker.stats.uptime().as_micros()).unwrap_or(u64::MAX)
}
