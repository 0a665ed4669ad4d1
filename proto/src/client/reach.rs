//! Getting a connection: look for a broker, start one if there is none, and do not do either too often.

use super::config::{ClientConfig, Start, Timing};
use super::link::{Link, NoLink};
use super::start::{self, Started};
use super::turn::Turn;
use crate::error::{Error, ErrorCode};
use crate::hello::{Hello, Role, Welcome};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// Between two attempts to connect, at first and at most: a look at the socket file costs little.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// At most, when only a person can help and nobody waits for an answer.
const RETRY_HOPELESS_MAX: Duration = Duration::from_secs(30);
/// A connection that held this long was a good one: the next outage begins without a pause.
const GOOD_LINK: Duration = Duration::from_secs(1);
/// After a broker that is starting (or still ending) was seen, before another one is started, at first and at most.
const START_AGAIN_FIRST: Duration = Duration::from_millis(100);
const START_AGAIN_MAX: Duration = Duration::from_millis(400);
/// Between two starts that failed, at first and at most: a start costs a process.
const START_FAILED_FIRST: Duration = Duration::from_millis(200);
const START_FAILED_MAX: Duration = Duration::from_secs(30);

/// How long another client's start is waited for before this one starts a broker too.
const OTHERS_START_MAX: Duration = Duration::from_secs(1);
/// Between two looks meanwhile, at most: it will listen in a moment.
const OTHERS_RETRY_MAX: Duration = Duration::from_millis(40);

/// The state of getting a connection.
pub(super) struct Reach {
    timing: Timing,
    /// Until then only look.
    no_start_before: Instant,
    /// Since when another client has been starting a broker.
    others_start: Option<Instant>,
    again_pause: Duration,
    failed_pause: Duration,
    last_start: Option<(Instant, Error)>,
    retry_pause: Duration,
    short_link_pause: Duration,
}

impl Reach {
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            no_start_before: Instant::now(),
            others_start: None,
            again_pause: START_AGAIN_FIRST,
            failed_pause: START_FAILED_FIRST,
            last_start: None,
            retry_pause: RETRY_FIRST,
            short_link_pause: RETRY_FIRST,
        }
    }

    /// One attempt. The error is fit to be shown.
    pub(super) async fn attempt(
        &mut self,
        config: &ClientConfig,
        hello: Hello,
    ) -> Result<(Link, Welcome), Error> {
        let limit = self.timing.hello_max;
        let absent = match look(config, hello.clone(), limit).await {
            Err(NoLink::Absent) => match &config.start {
                Start::Never => unreachable(config, "nobody listens there"),
                Start::IfAbsent(command) if Instant::now() >= self.no_start_before => {
                    if let Some(turn) = self.turn(config) {
                        return Box::pin(self.start_and_look(turn, command, config, hello)).await;
                    }
                    unreachable(config, "a broker is starting, and does not listen yet")
                }
                Start::IfAbsent(_) => match &self.last_start {
                    Some((_, error)) => error.clone(),
                    None => unreachable(config, "a broker is starting, and does not listen yet"),
                },
            },
            other => return other.map_err(|error| explained(config, error)),
        };
        match look(config, hello, limit).await {
            Err(NoLink::Absent) => Err(absent),
            other => other.map_err(|error| explained(config, error)),
        }
    }

    /// Starts a broker, and looks all the while: another one may come to listen long before the own one says a word.
    async fn start_and_look(
        &mut self,
        turn: Turn,
        command: &super::BrokerCommand,
        config: &ClientConfig,
        hello: Hello,
    ) -> Result<(Link, Welcome), Error> {
        let (limit, said) = (self.timing.hello_max, Notify::new());
        let mut reached = pin!(until_reached(config, &hello, limit, &said));
        let started = tokio::select! {
            biased;
            reached = &mut reached => return reached.map_err(|error| explained(config, error)),
            started = self.start(command, config) => started,
        };
        drop(turn);
        started?;
        said.notify_one();
        reached.await.map_err(|error| match error {
            NoLink::Absent => unreachable(config, "a broker is starting, and does not listen yet"),
            other => explained(config, other),
        })
    }

    /// The right to start a broker, unless another client is about to.
    fn turn(&mut self, config: &ClientConfig) -> Option<Turn> {
        let (now, turn) = (Instant::now(), Turn::take(&config.paths));
        let since = *self.others_start.get_or_insert(now);
        // It may be stopped, or slow.
        let turn = turn.or_else(|| (now - since >= OTHERS_START_MAX).then(Turn::anyway));
        if turn.is_some() {
            self.others_start = None;
        }
        turn
    }

    async fn start(&mut self, command: &super::BrokerCommand, config: &ClientConfig) -> Result<(), Error> {
        match start::start(command, &config.paths, self.timing.start_max).await {
            Ok(started) => {
                match started {
                    Started::Ready { pid } => tracing::info!(pid, "started a broker"),
                    Started::Running => tracing::debug!("another broker holds the lock"),
                }
                self.last_start = None;
                self.no_start_before = Instant::now() + self.again_pause;
                self.again_pause = (self.again_pause * 2).min(START_AGAIN_MAX);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(code = %error.code, "starting a broker failed");
                let error = no_broker(error);
                let now = Instant::now();
                self.no_start_before = now + self.failed_pause;
                self.failed_pause = (self.failed_pause * 2).min(START_FAILED_MAX);
                self.last_start = Some((now, error.clone()));
                Err(error)
            }
        }
    }

    /// How long to pause after a failed attempt; longer each time.
    pub(super) fn pause(&mut self, after: &Error, calls_wait: bool) -> Duration {
        let pause = self.retry_pause;
        let most = match self.others_start {
            Some(_) => OTHERS_RETRY_MAX,
            None if is_final(after) && !calls_wait => RETRY_HOPELESS_MAX,
            None => RETRY_MAX,
        };
        self.retry_pause = (pause * 2).min(most);
        pause.min(most)
    }

    /// Someone waits now: try at once.
    pub(super) fn hurry(&mut self) {
        self.retry_pause = RETRY_FIRST;
        if let Some((at, _)) = self.last_start {
            self.failed_pause = START_FAILED_FIRST;
            self.no_start_before = self.no_start_before.min(at + START_FAILED_FIRST);
        }
    }

    /// A connection ended that had held this long. Unless it was a good one: how long to pause before the first attempt,
    /// longer each time, so that a broker that cuts every connection is not run against.
    pub(super) fn ended(&mut self, held: Duration) -> Option<Duration> {
        if held >= GOOD_LINK {
            *self = Self::new(self.timing);
            return None;
        }
        let pause = self.short_link_pause;
        self.short_link_pause = (pause * 2).min(RETRY_MAX);
        (self.retry_pause, self.others_start) = (RETRY_FIRST, None);
        Some(pause)
    }

    /// A service takes over: leave it the time to.
    pub(super) fn leave_to_service(&mut self) {
        self.no_start_before = Instant::now() + self.timing.hand_over_max;
    }
}

async fn look(config: &ClientConfig, hello: Hello, limit: Duration) -> Result<(Link, Welcome), NoLink> {
    timeout(limit, Link::open(&config.paths.address, hello))
        .await
        .unwrap_or_else(|_| Err(NoLink::Failed(format!("it did not answer within {limit:?}"))))
}

/// Looks again and again until a broker says yes or no, and once more when there is a word: then one listens, or is
/// gone again and another one has to be started.
async fn until_reached(
    config: &ClientConfig,
    hello: &Hello,
    limit: Duration,
    said: &Notify,
) -> Result<(Link, Welcome), NoLink> {
    loop {
        let last = timeout(OTHERS_RETRY_MAX, said.notified()).await.is_ok();
        match look(config, hello.clone(), limit).await {
            // One that is starting, or one that is ending.
            Err(NoLink::Absent | NoLink::Failed(_)) if !last => {}
            other => return other,
        }
    }
}

/// Whether the error stays until a person does something. The last two are said to a person only, see [`explained`].
pub(super) const fn is_final(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::StoreRefused
            | ErrorCode::VersionMismatch
            | ErrorCode::Conflict
            | ErrorCode::InvalidArgument
    )
}

fn explained(config: &ClientConfig, error: NoLink) -> Error {
    match error {
        NoLink::Absent => unreachable(config, "nobody listens there"),
        // A broker runs, and refuses the name that the person wants: trying again changes nothing.
        NoLink::Refused(error) if is_about_the_name(config, &error) => error,
        NoLink::Refused(error) => no_broker(error),
        NoLink::Failed(reason) => unreachable(config, &reason),
    }
}

fn is_about_the_name(config: &ClientConfig, error: &Error) -> bool {
    matches!(config.role, Role::Person(_))
        && matches!(error.code, ErrorCode::Conflict | ErrorCode::InvalidArgument)
}

/// What keeps a broker from serving, as an error of a call that has nothing to do with it: the codes that say so
/// already, and `broker_unreachable` in the broker's own words for all others.
fn no_broker(error: Error) -> Error {
    match error.code {
        ErrorCode::StoreRefused
        | ErrorCode::VersionMismatch
        | ErrorCode::StorageFull
        | ErrorCode::BrokerBusy
        | ErrorCode::BrokerUnreachable => error,
        code => Error::new(
            ErrorCode::BrokerUnreachable,
            format!("no broker runs ({code}): {}", error.message),
            error.hint,
        ),
    }
}

/// `broker_unreachable`, with the address and the last reason.
pub(super) fn unreachable(config: &ClientConfig, reason: &str) -> Error {
    let log = config.paths.log.display();
    let hint = match config.start {
        Start::IfAbsent(_) => format!("run `c2c status` to see how the broker does; its log is {log}"),
        Start::Never => format!("start a broker with `c2c-broker`, or any session; a broker's log is {log}"),
    };
    Error::new(
        ErrorCode::BrokerUnreachable,
        format!("no broker answers at {}: {reason}", config.paths.address),
        hint,
    )
}
