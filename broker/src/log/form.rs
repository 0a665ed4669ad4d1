//! How a line of the log looks: for people, or as a JSON object. The library has a form of its own for JSON, which makes the
//! program larger by more than this is.

use serde_json::{Map, Value, json};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// See the module's first lines.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) json: bool,
    pub(super) for_people: Format,
}

impl<S, N> FormatEvent<S, N> for Form
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if !self.json {
            return self.for_people.format_event(context, writer, event);
        }
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        writeln!(writer, "{}", object(&at, event))
    }
}

/// The keys are those of the shim's log.
fn object(at: &str, event: &Event<'_>) -> Value {
    let metadata = event.metadata();
    let mut members = Members(Map::new());
    members.0.insert("timestamp".to_owned(), json!(at));
    members.0.insert("level".to_owned(), json!(metadata.level().as_str()));
    event.record(&mut members);
    members.0.insert("target".to_owned(), json!(metadata.target()));
    Value::Object(members.0)
}

/// What an event says.
struct Members(Map<String, Value>);

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), json!(value));
    }
}
