//! Metrics as JSON, for `c2c status --json`, and the figures that a person wants of them.

use c2c_proto::response::{Histogram, Metric, MetricValue};
use serde_json::{Map, Value, json};

/// One object for each figure. Durations are in microseconds, as all durations of that command are.
pub(crate) fn all(metrics: &[Metric]) -> Vec<Value> {
    metrics.iter().map(one).collect()
}

fn one(metric: &Metric) -> Value {
    let labels: Map<String, Value> =
        metric.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let unit = if metric.unit == "seconds" { "us" } else { &metric.unit };
    let (kind, figures) = match &metric.value {
        MetricValue::Counter(value) => ("counter", json!({"value": value})),
        MetricValue::Gauge(value) => ("gauge", json!({"value": value})),
        MetricValue::Histogram(Histogram { buckets, count, sum }) => {
            let buckets: Vec<Value> =
                buckets.iter().map(|(bound, count)| json!({"up_to": bound, "count": count})).collect();
            ("histogram", json!({"buckets": buckets, "count": count, "sum": sum}))
        }
    };
    let mut object = Map::from_iter([
        ("name".to_owned(), json!(metric.name)),
        ("unit".to_owned(), json!(unit)),
        ("labels".to_owned(), Value::Object(labels)),
        ("type".to_owned(), json!(kind)),
    ]);
    if let Value::Object(figures) = figures {
        object.extend(figures);
    }
    Value::Object(object)
}

/// All distributions of one name as one: how many there were, and the bound within which half and 99 of 100 were
/// (`None`: beyond the largest bound). `None` if there were none.
pub(crate) fn percentiles(metrics: &[Metric], name: &str) -> Option<(u64, Option<u64>, Option<u64>)> {
    let mut bounds: Vec<(u64, u64)> = Vec::new();
    let mut total = 0;
    for metric in metrics.iter().filter(|metric| metric.name == name) {
        let MetricValue::Histogram(histogram) = &metric.value else { continue };
        total += histogram.count;
        for (bound, count) in &histogram.buckets {
            match bounds.iter_mut().find(|(known, _)| known == bound) {
                Some((_, sum)) => *sum += count,
                None => bounds.push((*bound, *count)),
            }
        }
    }
    bounds.sort_unstable();
    let within = |percent: u64| {
        bounds.iter().find(|(_, count)| *count * 100 >= total * percent).map(|(bound, _)| *bound)
    };
    (total > 0).then(|| (total, within(50), within(99)))
}

#[cfg(test)]
mod tests {
    use super::percentiles;
    use c2c_proto::response::{Histogram, Metric, MetricValue};

    #[test]
    fn the_distributions_of_one_name_are_added_up() {
        let metric = |name: &str, buckets: Vec<(u64, u64)>, count| Metric {
            name: name.to_owned(),
            help: String::new(),
            unit: "seconds".to_owned(),
            labels: Vec::new(),
            value: MetricValue::Histogram(Histogram { buckets, count, sum: 0 }),
        };
        let metrics = [
            metric("a", vec![(50, 60), (100, 98)], 98),
            metric("b", vec![(50, 0), (100, 0)], 1_000),
            metric("a", vec![(50, 0), (100, 1)], 2),
        ];
        assert_eq!(percentiles(&metrics, "a"), Some((100, Some(50), Some(100))));
        assert_eq!(percentiles(&metrics, "b"), Some((1_000, None, None)));
        assert_eq!(percentiles(&metrics, "c"), None);
    }
}
