//! The time line on the screen: who did what, what came of it, and how long it took.

use crate::text::{Paint, shortened, visible};
use serde_json::Value;
use std::io::{self, Stdout, Write};
use std::time::{Duration, Instant};

/// Columns before a result: as wide as the time and the name before a call.
const INDENT: &str = "                    ";
/// Characters of one argument's value that are shown.
const VALUE_SHOWN_CHARS: usize = 56;

/// Writes the time line.
pub(super) struct Timeline {
    out: Stdout,
    paint: Paint,
    started: Instant,
    scenes: usize,
}

impl Timeline {
    /// The clock starts now.
    pub(super) fn new(paint: Paint) -> Self {
        Self { out: io::stdout(), paint, started: Instant::now(), scenes: 0 }
    }

    /// Since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// A new scene: its title and what to look at.
    pub(super) fn scene(&mut self, title: &str, about: &[&str]) -> io::Result<()> {
        self.scenes += 1;
        writeln!(self.out, "\n{}", self.paint.strong(&format!("{}. {title}", self.scenes)))?;
        for line in about {
            writeln!(self.out, "   {line}")?;
        }
        writeln!(self.out)
    }

    /// Somebody does something, at that moment.
    pub(super) fn deed(&mut self, at: Instant, who: &str, what: &str) -> io::Result<()> {
        let at_s = at.saturating_duration_since(self.started).as_secs_f64();
        let who = self.paint.strong(&format!("{who:<8}"));
        writeln!(self.out, "{at_s:>8.3} s  {who} {}", visible(what))
    }

    /// What came of it, and how long it took.
    pub(super) fn result(&mut self, what: &str, took: Duration) -> io::Result<()> {
        let took = self.paint.dim(&format!("[{}]", in_words(took)));
        writeln!(self.out, "{INDENT} → {} {took}", visible(what))
    }

    /// Something to know about the lines before.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{INDENT}   {}", self.paint.dim(&visible(text)))
    }

    /// A line outside of the time line.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// A heading outside of the time line.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.paint.strong(text))
    }

    /// Where lists go.
    pub(super) const fn out(&mut self) -> (&mut Stdout, Paint) {
        (&mut self.out, self.paint)
    }
}

/// A tool call the way a person would write it: `send_message(to="online", tag="status")`.
pub(super) fn written(tool: &str, arguments: &Value) -> String {
    let members = arguments.as_object().into_iter().flatten();
    let shown: Vec<String> = members
        .map(|(key, value)| format!("{key}={}", shortened(&value.to_string(), VALUE_SHOWN_CHARS)))
        .collect();
    format!("{tool}({})", shown.join(", "))
}

/// A duration in milliseconds, with as many digits as matter.
pub(super) fn in_words(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1_000.0;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::{in_words, written};
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn a_call_is_written_as_a_person_would() {
        let call = written("send_message", &json!({"to": ["a", "b"], "body": "x\u{1b}y", "ttl_s": 30}));
        assert_eq!(call, r#"send_message(to=["a","b"], body="x\u001by", ttl_s=30)"#);
        assert_eq!(written("heartbeat", &json!({})), "heartbeat()");
    }

    #[test]
    fn durations_show_the_digits_that_matter() {
        assert_eq!(in_words(Duration::from_micros(1_234)), "1.2 ms");
        assert_eq!(in_words(Duration::from_micros(123_456)), "123 ms");
    }
}
