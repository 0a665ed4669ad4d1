//! `c2c metrics` and the figures of `c2c status --json`: what a monitoring system reads.

use c2c_harness::Sandbox;
use openmetrics_parser::OpenMetricsValue;
use openmetrics_parser::openmetrics::parse_openmetrics;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn a_reader_of_openmetrics_understands_all_that_a_real_broker_counts() {
    let sandbox = Sandbox::new();
    let none = sandbox.c2c(&["metrics"]);
    assert_eq!((none.status, none.out.as_str()), (Some(5), ""), "{none:?}");
    let mut api = sandbox.session("api");
    for _ in 0..7 {
        let _id = api.say("web", "hello");
    }
    let _refused = api.call("delete_state", json!({"key": "nothing", "if_version": 5}));
    let text = sandbox.person(&["metrics"]);
    assert!(text.ends_with("# EOF\n"), "{text}");
    // This reader takes no unit of a distribution. The format does: it has them for all but states and infos.
    let mut readable = text.clone();
    for name in ["c2c_commit_duration_seconds", "c2c_call_duration_seconds"] {
        let unit = format!("# UNIT {name} seconds\n");
        assert!(text.contains(&unit), "{text}");
        readable = readable.replace(&unit, "");
    }
    let read = parse_openmetrics(&readable).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    assert!(!text.contains("c2c_link") && !text.contains("c2c_outbox"), "there is no link: {text}");
    let stored = read.families["c2c_messages_stored"].iter_samples().next().unwrap();
    let OpenMetricsValue::Counter(count) = &stored.value else { panic!("{stored:?}") };
    assert_eq!(count.value.as_i64(), Some(7));
    let commits = read.families["c2c_commit_duration_seconds"].iter_samples().next().unwrap();
    let OpenMetricsValue::Histogram(commits) = &commits.value else { panic!("{commits:?}") };
    assert!(commits.count.unwrap() >= 7, "{commits:?}");
    assert!(commits.buckets.iter().any(|bucket| bucket.upper_bound.is_infinite()), "{commits:?}");
    assert!(commits.sum.unwrap().as_f64() < 60.0, "seconds, not microseconds: {commits:?}");
    assert!(text.contains("c2c_call_errors_total{call=\"delete_state\",code=\"conflict\"} 1\n"), "{text}");

    let figures = sandbox.c2c(&["status", "--json"]).json();
    let figures = figures["metrics"].as_array().unwrap();
    let names: BTreeSet<String> = figures
        .iter()
        .map(|figure| {
            let unit = match figure["unit"].as_str().unwrap() {
                "us" => "_seconds".to_owned(),
                "" => String::new(),
                unit => format!("_{unit}"),
            };
            format!("{}{unit}", figure["name"].as_str().unwrap())
        })
        .collect();
    let families: BTreeSet<String> = read.families.keys().cloned().collect();
    assert_eq!(names, families);
    let stored = figures.iter().find(|figure| figure["name"] == "c2c_messages_stored").unwrap();
    assert_eq!((&stored["type"], &stored["value"]), (&json!("counter"), &json!(7)));
    let table = sandbox.person(&["status"]);
    assert!(table.contains("\ncalls ") && table.contains("99 of 100 within"), "{table}");
}
