//! While a call waits: what a person reads under it.

use c2c_proto::request::{Filter, Request};
use rmcp::RoleServer;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// How often.
const INTERVAL: Duration = Duration::from_secs(10);
/// Of a name or tag that a model gave, so much is shown.
const SHOWN_MAX_CHARS: usize = 64;

/// What is waited for, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    what: String,
    total: Duration,
}

impl Waiting {
    /// `None` for a request that does not wait.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let what = match request {
            Request::Wait(wait) => format!("waiting for mail{}", described(&wait.filter)),
            Request::Ask(_) => "the question is sent, waiting for answers".to_owned(),
            Request::WatchState(watch) => format!("waiting for a change of {}", shown(&watch.state_key)),
            _ => return None,
        };
        request.wait_ms().map(|ms| Self { what, total: Duration::from_millis(ms) })
    }

    /// The text after some time.
    #[must_use]
    pub fn text(&self, elapsed: Duration) -> String {
        let left = self.total.saturating_sub(Duration::from_secs(elapsed.as_secs()));
        format!("{} ({} so far, at most {} more)", self.what, spoken(elapsed), spoken(left))
    }

    /// Tells the client again and again, if it wants to know. Ends only by being dropped.
    pub async fn report(self, context: &RequestContext<RoleServer>) -> Infallible {
        let Some(token) = context.meta.get_progress_token() else { return std::future::pending().await };
        let start = Instant::now();
        let mut ticks = tokio::time::interval_at(start + INTERVAL, INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let elapsed = start.elapsed();
            let param = ProgressNotificationParam::new(token.clone(), elapsed.as_secs_f64().floor())
                .with_total(self.total.as_secs_f64())
                .with_message(self.text(elapsed));
            if context.peer.notify_progress(param).await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

fn described(filter: &Filter) -> String {
    let parts = [
        filter.from.as_ref().map(|from| format!("from {}", shown(from))),
        filter.tag.as_ref().map(|tag| format!("tagged {}", shown(tag))),
        filter.reply_to.map(|id| format!("in answer to {id}")),
        filter.thread.map(|id| format!("in thread {id}")),
    ];
    parts.into_iter().flatten().map(|part| format!(" {part}")).collect()
}

fn shown(text: &str) -> String {
    let start: String = text.chars().take(SHOWN_MAX_CHARS).collect();
    format!("{start:?}")
}

fn spoken(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;
    use c2c_proto::request::{Filter, Heartbeat, Request, Wait, WatchState};
    use std::time::Duration;

    #[test]
    fn texts() {
        let filter = Filter {
            from: Some("local".to_owned()),
            tag: Some("a\u{1b}b".to_owned()),
            reply_to: Some(7),
            thread: Some(5),
        };
        let mail = Waiting::of(&Request::Wait(Wait { filter, timeout_ms: 3_600_000 })).unwrap();
        let any =
            Waiting::of(&Request::Wait(Wait { filter: Filter::default(), timeout_ms: 50_000 })).unwrap();
        let watch = WatchState { state_key: "lease".to_owned(), newer_than: 0, timeout_ms: 86_400_000 };
        let watch = Waiting::of(&Request::WatchState(watch)).unwrap();
        let texts = [
            mail.text(Duration::from_secs(130)),
            any.text(Duration::from_millis(10_004)),
            any.text(Duration::from_secs(70)),
            watch.text(Duration::from_secs(20)),
        ];
        insta::assert_snapshot!(texts.join("\n"));
        assert_eq!(Waiting::of(&Request::Heartbeat(Heartbeat {})), None);
    }
}
