//! The shim's log: to stderr, since stdout belongs to MCP.
//!
//! A subscriber of its own, of whole lines and without spans: the library's registry keeps room for thousands of spans,
//! which a hundred shims would have in memory a hundred times.

use c2c_proto::log_line;
use c2c_proto::time::Timestamp;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

/// Below warnings rmcp logs the content of messages, and its warnings are about every method that a client tries.
const NO_CONTENT: (&str, LevelFilter) = ("rmcp", LevelFilter::ERROR);

/// Starts logging as `C2C_LOG` says; what it says wrongly is ignored.
pub(crate) fn start() {
    let wanted = std::env::var("C2C_LOG").unwrap_or_default();
    // A second subscriber is only possible in a test.
    let _ = tracing::subscriber::set_global_default(Lines::new(&wanted));
}

/// What is logged: levels of targets, and the level of all others.
#[derive(Debug)]
struct Filter {
    targets: Vec<(String, LevelFilter)>,
    others: LevelFilter,
}

impl Filter {
    /// Levels, and targets with or without a level of theirs, with commas between them.
    fn new(wanted: &str) -> Self {
        let mut filter = Self { targets: Vec::new(), others: LevelFilter::WARN };
        for part in wanted.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match (part.split_once('='), part.parse()) {
                (Some((target, level)), _) => {
                    if let Ok(level) = level.parse() {
                        filter.add(target, level);
                    }
                }
                (None, Ok(level)) => filter.others = level,
                (None, Err(_)) => filter.add(part, LevelFilter::TRACE),
            }
        }
        filter.targets.push((NO_CONTENT.0.to_owned(), NO_CONTENT.1));
        filter
    }

    fn add(&mut self, target: &str, level: LevelFilter) {
        if !target.starts_with(NO_CONTENT.0) {
            self.targets.push((target.to_owned(), level));
        }
    }

    /// The longest target that it begins with decides; of two that are the same, the last.
    fn level(&self, target: &str) -> LevelFilter {
        let named = self.targets.iter().filter(|(named, _)| target.starts_with(named.as_str()));
        named.max_by_key(|(named, _)| named.len()).map_or(self.others, |(_, level)| *level)
    }

    fn most(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.others, Ord::max)
    }
}

/// Writes what the filter lets through, a line for each event.
#[derive(Debug)]
struct Lines {
    filter: Filter,
    /// Whether each line is a JSON object.
    json: bool,
}

impl Lines {
    /// The word `json` is about the form; what else is wanted is the filter's.
    fn new(wanted: &str) -> Self {
        let (json, others) = log_line::wanted(wanted);
        Self { filter: Filter::new(&others), json }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.is_span() && *metadata.level() <= self.filter.level(metadata.target())
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most())
    }

    fn event(&self, event: &Event<'_>) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        let now = Timestamp(i64::try_from(now).unwrap_or_default());
        let line = if self.json {
            format!("{}\n", log_line::object(&now.to_string(), event))
        } else {
            line(now, event)
        };
        // What cannot be written is dropped: there is nobody else to complain to.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    // No span is ever enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn line(now: Timestamp, event: &Event<'_>) -> String {
    let metadata = event.metadata();
    let mut fields = Fields::default();
    event.record(&mut fields);
    let Fields { message, others } = fields;
    format!("{now} {:>5} {}: {message}{others}\n", metadata.level().as_str(), metadata.target())
}

/// What an event says, as text of one line.
#[derive(Default)]
struct Fields {
    message: OneLine,
    others: OneLine,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
    }
}

/// Text in which nothing ends a line or commands a terminal.
#[derive(Default)]
struct OneLine(String);

impl fmt::Write for OneLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if char.is_control() { self.0.extend(char.escape_default()) } else { self.0.push(char) }
        }
        Ok(())
    }
}

impl fmt::Display for OneLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Filter, Lines};
    use std::fmt::Write as _;
    use tracing::level_filters::LevelFilter;

    #[test]
    fn a_filter_names_levels_and_targets_and_what_is_wrong_in_it_is_ignored() {
        for (wanted, target, level) in [
            ("", "c2c_shim", LevelFilter::WARN),
            ("debug", "c2c_proto::client", LevelFilter::DEBUG),
            ("DEBUG", "c2c_shim", LevelFilter::DEBUG),
            ("c2c_proto=trace", "c2c_proto::client", LevelFilter::TRACE),
            ("c2c_proto=trace", "c2c_shim", LevelFilter::WARN),
            ("c2c_proto=debug,c2c_proto::client=error", "c2c_proto::client", LevelFilter::ERROR),
            ("error, c2c_shim", "c2c_shim::life", LevelFilter::TRACE),
            ("error, c2c_shim", "c2c_proto", LevelFilter::ERROR),
            ("c2c_shim=loud,info", "c2c_shim", LevelFilter::INFO),
            ("off", "c2c_shim", LevelFilter::OFF),
        ] {
            assert_eq!(Filter::new(wanted).level(target), level, "{wanted:?} {target}");
        }
        assert_eq!(Filter::new("off,c2c_shim=debug").most(), LevelFilter::DEBUG);
    }

    #[test]
    fn the_word_json_is_about_the_form_and_not_a_target() {
        let lines = Lines::new("json,c2c_proto=debug");
        assert!(lines.json && lines.filter.level("c2c_proto") == LevelFilter::DEBUG);
        assert_eq!(lines.filter.level("json"), LevelFilter::WARN);
        assert!(!Lines::new("debug").json);
    }

    #[test]
    fn no_filter_makes_the_library_log_what_messages_say() {
        for wanted in ["trace", "rmcp=trace", "rmcp::service=debug,rmcp::transport=info", "trace,rmcp"] {
            assert_eq!(Filter::new(wanted).level("rmcp::service"), LevelFilter::ERROR, "{wanted}");
        }
    }

    #[test]
    fn an_event_stays_one_line_whatever_is_in_it() {
        let mut fields = Fields::default();
        fields.others.write_str(" error=\"x\"").unwrap();
        fields.message.write_str("gone\n\u{1b}[2J").unwrap();
        assert_eq!(fields.message.to_string(), "gone\\n\\u{1b}[2J");
        assert_eq!(fields.others.to_string(), " error=\"x\"");
    }
}
