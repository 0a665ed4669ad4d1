//! `c2c status`: whether a broker runs for this store, and how it does. A table for a person, an object for a program.

use super::metrics::object as figures;
use crate::control;
use crate::exit::Exit;
use crate::print::json_text;
use crate::text::visible;
use crate::trouble;
use c2c_proto::paths::StorePaths;
use c2c_proto::response::{Metric, MetricValue, PushState, Status};
use c2c_proto::{Error, ErrorCode};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Prints the status, or that there is none.
pub(crate) async fn run(json: bool) -> anyhow::Result<Exit> {
    let paths = StorePaths::from_env()?;
    let status = match control::status(&paths).await {
        Ok(Some(status)) => status,
        Ok(None) => return none_runs(&paths),
        Err(error) if error.code == ErrorCode::BrokerUnreachable => return silent(&paths, &error),
        Err(error) => return Err(error.into()),
    };
    let push = control::push_states(&paths).await?.unwrap_or_default();
    let metrics = control::metrics(&paths).await?.unwrap_or_default();
    let paused = paths.link_paused.exists();
    let text = if json { object(&status, &push, &metrics) } else { table(&status, &push, &metrics, paused) };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Nobody listens. That is as it should be while no session uses c2c, unless the last one to start could not.
fn none_runs(paths: &StorePaths) -> anyhow::Result<Exit> {
    let why = match trouble::last_start_failure(&paths.log) {
        Some(failure) => format!("the last one that was started could not run: {failure}"),
        None => "that is normal while no session uses it: the first one that does starts it".to_owned(),
    };
    let store = visible(&paths.store.display().to_string());
    io::stderr()
        .write_all(format!("c2c: no broker runs for {store}\n     {}\n", visible(&why)).as_bytes())?;
    Ok(Exit::NoBroker)
}

/// Somebody listens, and says nothing.
fn silent(paths: &StorePaths, error: &Error) -> anyhow::Result<Exit> {
    let who = trouble::holder(&paths.lock)
        .map_or_else(|| "the broker".to_owned(), |holder| format!("process {}", holder.pid));
    let hint =
        format!("{who} may be stopped or hung: end it, and the next session starts another; nothing is lost");
    let text = format!("c2c: {}\n     {}\n", visible(&error.message), visible(&hint));
    io::stderr().write_all(text.as_bytes())?;
    Ok(Exit::Error)
}

/// The object that `--help` documents: keys are only ever added.
fn object(status: &Status, push: &[PushState], metrics: &[Metric]) -> String {
    let object = json!({
        "version": status.version,
        "protocol": status.protocol,
        "pid": status.pid,
        "uptime_s": status.uptime_s,
        "epoch": status.epoch,
        "service": status.service,
        "store": status.store,
        "store_id": status.store_id,
        "store_bytes": status.store_bytes,
        "durability": status.durability,
        "connections": status.connections,
        "sessions_online": status.sessions_online,
        "waits": status.waits,
        "messages": status.messages,
        "unread": status.unread,
        "commits": status.commits,
        "commit_p50_us": status.commit_p50_us,
        "commit_p99_us": status.commit_p99_us,
        "last_errors": status.last_errors,
        "push": push.iter().map(push_object).collect::<Vec<Value>>(),
        "metrics": figures::all(metrics),
    });
    format!("{}\n", json_text(&object))
}

/// One line for each fact.
fn table(status: &Status, push: &[PushState], metrics: &[Metric], link_paused: bool) -> String {
    let life = if status.service { "as a service" } else { "started by a session" };
    let durability = match status.durability.as_str() {
        "full" => "full: an answered message survives a power cut",
        "normal" => "normal: an answered message survives a crash, a power cut may take the last moments",
        other => other,
    };
    let mut rows = vec![
        ("broker", format!("{}, process {}, {life}", status.version, status.pid)),
        ("up", in_words(status.uptime_s)),
        ("store", format!("{}, {}", status.store, size(status.store_bytes))),
        ("durability", durability.to_owned()),
        ("sessions", format!("{} online, {} waiting for something", status.sessions_online, status.waits)),
        ("messages", format!("{}, {} not read yet", status.messages, status.unread)),
        ("commits", commits(status)),
    ];
    rows.extend(calls(metrics).map(|calls| ("calls", calls)));
    rows.extend(link(metrics, link_paused).map(|link| ("link", link)));
    if status.last_errors.is_empty() {
        rows.push(("errors", "none".to_owned()));
    }
    rows.extend(status.last_errors.iter().map(|error| ("error", error.clone())));
    rows.extend(push.iter().map(|state| ("push", push_row(state))));
    rows.iter().map(|(what, text)| format!("{what:<11} {}\n", visible(text))).collect()
}

fn push_object(state: &PushState) -> Value {
    let last = state.last.as_ref().map(|last| json!({"at": last.at.to_string(), "outcome": last.outcome}));
    json!({"name": state.name, "choice": state.choice, "way": state.way, "last": last})
}

/// How one session is told of mail, and what came of the last time.
fn push_row(state: &PushState) -> String {
    let last = state
        .last
        .as_ref()
        .map_or_else(|| "none yet".to_owned(), |last| format!("last {} {}", last.at, last.outcome));
    format!("{}: {} (C2C_PUSH {}), {last}", state.name, state.way, state.choice)
}

fn commits(status: &Status) -> String {
    if status.commits == 0 {
        return "none yet".to_owned();
    }
    format!(
        "{}, half of the latest within {}, 99 of 100 within {}",
        status.commits,
        ms(status.commit_p50_us),
        ms(status.commit_p99_us)
    )
}

/// Calls that wait for nothing; how long they took is known by the bounds that were counted for.
fn calls(metrics: &[Metric]) -> Option<String> {
    let (count, half, most) = figures::percentiles(metrics, "c2c_call_duration")?;
    // Beyond the largest bound nothing more is known.
    let within = |part: &str, bound: Option<u64>| match bound {
        Some(bound) => format!("{part} within {}", ms(bound)),
        None => format!("not even {part} within 5 s"),
    };
    Some(format!("{count}, {}, {}", within("half", half), within("99 of 100", most)))
}

/// Mail between machines, where there is a link.
fn link(metrics: &[Metric], paused: bool) -> Option<String> {
    let of = |name: &str| -> Vec<u64> {
        let values = metrics.iter().filter(|metric| metric.name == name).map(|metric| &metric.value);
        values
            .filter_map(|value| if let MetricValue::Gauge(value) = value { Some(*value) } else { None })
            .collect()
    };
    let connected = match *of("c2c_link_connected").first()? {
        1 => "connected",
        _ if paused => "paused",
        _ => "not connected",
    };
    let waiting: u64 = of("c2c_outbox_parcels").iter().sum();
    let oldest_s = of("c2c_outbox_oldest").into_iter().max().unwrap_or_default() / 1_000_000;
    Some(match waiting {
        0 => format!("{connected}, nothing waits for other nodes"),
        _ => format!(
            "{connected}, {} for other nodes, the oldest for {}",
            parcels_wait(waiting),
            in_words(oldest_s)
        ),
    })
}

/// So many of them.
pub(super) fn parcels_wait(count: u64) -> String {
    if count == 1 { "1 parcel waits".to_owned() } else { format!("{count} parcels wait") }
}

fn ms(us: u64) -> String {
    format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
}

/// The two largest units of a duration.
pub(super) fn in_words(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Bytes in the unit that leaves the fewest digits.
pub(super) fn size(bytes: u64) -> String {
    const KIB: u64 = 1_024;
    const MIB: u64 = 1_024 * KIB;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..MIB => format!("{} KiB", bytes / KIB),
        _ => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{in_words, object, size, table};
    use c2c_proto::response::{Histogram, Metric, MetricValue, PushOutcome, PushState, Status};
    use c2c_proto::time::Timestamp;

    pub(crate) fn example() -> Status {
        Status {
            version: "0.2.0".to_owned(),
            protocol: 1,
            pid: 4_242,
            uptime_s: 4_520,
            epoch: 7,
            service: false,
            store: "/home/ada/.claude/c2c.db".to_owned(),
            store_id: "0199aa00-0000-7000-8000-000000000000".to_owned(),
            store_bytes: 1_600_000,
            durability: "full".to_owned(),
            connections: 4,
            sessions_online: 3,
            waits: 1,
            messages: 120,
            unread: 5,
            commits: 261,
            commit_p50_us: 812,
            commit_p99_us: 9_130,
            last_errors: vec![],
        }
    }

    fn push() -> Vec<PushState> {
        let state = |name: &str, way: &str, last| PushState {
            name: name.to_owned(),
            choice: "auto".to_owned(),
            way: way.to_owned(),
            last,
        };
        let last = PushOutcome { at: Timestamp(1_795_355_401_000_000), outcome: "delivered".to_owned() };
        vec![state("api", "socket", Some(last)), state("web", "hooks", None)]
    }

    fn metrics() -> Vec<Metric> {
        let metric = |name: &str, unit: &str, value| Metric {
            name: name.to_owned(),
            help: "What it is.".to_owned(),
            unit: unit.to_owned(),
            labels: vec![("call".to_owned(), "send".to_owned())],
            value,
        };
        let histogram = Histogram { buckets: vec![(50, 1), (200, 5), (500, 9)], count: 10, sum: 9_000 };
        vec![
            metric("c2c_calls", "", MetricValue::Counter(10)),
            metric("c2c_call_duration", "seconds", MetricValue::Histogram(histogram)),
        ]
    }

    #[test]
    fn a_link_has_its_line_where_there_is_one() {
        let gauge = |name: &str, value| Metric::new(name, "", "", &[], MetricValue::Gauge(value));
        let mut all = vec![gauge("c2c_link_connected", 1), gauge("c2c_outbox_parcels", 0)];
        let line_of = |all: &[Metric], paused| {
            let table = table(&example(), &[], all, paused);
            table.lines().find(|line| line.starts_with("link ")).unwrap_or_default().to_owned()
        };
        let line = |all: &[Metric]| line_of(all, false);
        let down = [gauge("c2c_link_connected", 0)];
        assert_eq!(line(&down), "link        not connected, nothing waits for other nodes");
        assert_eq!(line_of(&down, true), "link        paused, nothing waits for other nodes");
        assert_eq!(line(&all), "link        connected, nothing waits for other nodes");
        all.extend([gauge("c2c_outbox_parcels", 3), gauge("c2c_outbox_oldest", 61_000_000)]);
        assert!(line(&all).ends_with("connected, 3 parcels wait for other nodes, the oldest for 1 min 1 s"));
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn a_person_gets_a_table() {
        insta::assert_snapshot!(table(&example(), &push(), &metrics(), false));
    }

    #[test]
    fn errors_are_listed_and_made_harmless() {
        let status = Status { last_errors: vec!["disk\u{1b}[2J full".to_owned()], commits: 0, ..example() };
        let table = table(&status, &[], &[], false);
        assert!(table.contains("error       disk\\u{1b}[2J full\n"), "{table}");
        assert!(table.contains("none yet") && !table.contains("errors"), "{table}");
    }

    #[test]
    fn a_program_gets_one_line_of_json() {
        let text = object(&example(), &push(), &metrics());
        assert_eq!(text.matches('\n').count(), 1);
        insta::assert_snapshot!(text.replace(",\"", ",\n\""));
    }

    #[test]
    fn durations_and_sizes_use_the_units_that_fit() {
        for (seconds, words) in [(0, "0 s"), (61, "1 min 1 s"), (4_520, "1 h 15 min"), (90_000, "1 d 1 h")] {
            assert_eq!(in_words(seconds), words);
        }
        for (bytes, words) in [(1_023, "1023 bytes"), (2_048, "2 KiB"), (1_600_000, "1.5 MiB")] {
            assert_eq!(size(bytes), words);
        }
    }
}
