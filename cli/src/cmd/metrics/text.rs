//! Metrics as OpenMetrics text, version 1.0.

use c2c_proto::response::{Histogram, Metric, MetricValue};
use std::fmt::Write;

/// The unit in which durations travel is a millionth of the one in which they are shown.
const SECONDS: &str = "seconds";

/// All of them, those of one name together.
pub(super) fn of(metrics: &[Metric]) -> String {
    let mut text = String::new();
    let mut names: Vec<&str> = Vec::new();
    for metric in metrics {
        if names.contains(&metric.name.as_str()) {
            continue;
        }
        names.push(&metric.name);
        family(&mut text, metric, metrics.iter().filter(|other| other.name == metric.name));
    }
    text.push_str("# EOF\n");
    text
}

/// What is said once for a name, and its figures.
fn family<'a>(text: &mut String, first: &Metric, all: impl Iterator<Item = &'a Metric>) {
    let name = full_name(first);
    let kind = match first.value {
        MetricValue::Counter(_) => "counter",
        MetricValue::Gauge(_) => "gauge",
        MetricValue::Histogram(_) => "histogram",
    };
    line(text, format_args!("# TYPE {name} {kind}"));
    if !first.unit.is_empty() {
        line(text, format_args!("# UNIT {name} {}", first.unit));
    }
    line(text, format_args!("# HELP {name} {}", escaped(&first.help)));
    for metric in all {
        match &metric.value {
            MetricValue::Counter(value) => {
                line(text, format_args!("{name}_total{} {}", labels(metric, None), shown(metric, *value)));
            }
            MetricValue::Gauge(value) => {
                line(text, format_args!("{name}{} {}", labels(metric, None), shown(metric, *value)));
            }
            MetricValue::Histogram(histogram) => distribution(text, &name, metric, histogram),
        }
    }
}

fn distribution(text: &mut String, name: &str, metric: &Metric, histogram: &Histogram) {
    for (bound, count) in &histogram.buckets {
        let bound = shown(metric, *bound);
        line(text, format_args!("{name}_bucket{} {count}", labels(metric, Some(&bound))));
    }
    let Histogram { count, sum, .. } = histogram;
    line(text, format_args!("{name}_bucket{} {count}", labels(metric, Some("+Inf"))));
    line(text, format_args!("{name}_sum{} {}", labels(metric, None), shown(metric, *sum)));
    line(text, format_args!("{name}_count{} {count}", labels(metric, None)));
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes whatever is written.
    let _ = writeln!(text, "{what}");
}

/// With its unit, as the format asks for.
pub(super) fn full_name(metric: &Metric) -> String {
    if metric.unit.is_empty() { metric.name.clone() } else { format!("{}_{}", metric.name, metric.unit) }
}

fn labels(metric: &Metric, bound: Option<&str>) -> String {
    let mut all: Vec<String> =
        metric.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    all.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The figure in its unit. No floating point: what was counted is shown to the last digit.
fn shown(metric: &Metric, value: u64) -> String {
    if metric.unit != SECONDS {
        return value.to_string();
    }
    let (whole, part) = (value / 1_000_000, value % 1_000_000);
    let part = format!("{part:06}");
    let part = part.trim_end_matches('0');
    format!("{whole}.{}", if part.is_empty() { "0" } else { part })
}

#[cfg(test)]
mod tests {
    use super::of;
    use c2c_proto::response::{Histogram, Metric, MetricValue};
    use openmetrics_parser::openmetrics::parse_openmetrics;

    fn metric(name: &str, unit: &str, label: &str, value: MetricValue) -> Metric {
        let labels = if label.is_empty() { Vec::new() } else { vec![("call".to_owned(), label.to_owned())] };
        let help = "What it is, \"quoted\".".to_owned();
        Metric { name: name.to_owned(), help, unit: unit.to_owned(), labels, value }
    }

    fn example() -> Vec<Metric> {
        let histogram = |count| {
            MetricValue::Histogram(Histogram {
                buckets: vec![(50, 1), (2_000_000, 2)],
                count,
                sum: 61_000_101,
            })
        };
        vec![
            metric("c2c_calls", "", "send", MetricValue::Counter(7)),
            metric("c2c_call_duration", "seconds", "send", histogram(3)),
            metric("c2c_calls", "", "a\\b\"c\nd", MetricValue::Counter(1)),
            metric("c2c_call_duration", "seconds", "wait", histogram(2)),
            metric("c2c_store_size", "bytes", "", MetricValue::Gauge(1_600_000)),
            metric("c2c_uptime", "seconds", "", MetricValue::Gauge(4_520_000_000)),
        ]
    }

    #[test]
    fn it_is_what_the_format_says() {
        insta::assert_snapshot!(of(&example()));
    }

    #[test]
    fn a_reader_of_the_format_finds_every_family() {
        // This reader takes no unit of a distribution. The format does: it has them for all but states and infos.
        let text = of(&example()).replace("# UNIT c2c_call_duration_seconds seconds\n", "");
        let read = parse_openmetrics(&text).unwrap();
        let mut names: Vec<_> = read.families.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["c2c_call_duration_seconds", "c2c_calls", "c2c_store_size_bytes", "c2c_uptime_seconds"]
        );
    }
}
