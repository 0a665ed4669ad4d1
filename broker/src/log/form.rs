//! How a line of the log looks: for people, or as a JSON object. The library has a form of its own for JSON, which makes the
//! program larger by more than this is.

use c2c_proto::log_line;
use std::fmt;
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
        writeln!(writer, "{}", log_line::object(&at, event))
    }
}
