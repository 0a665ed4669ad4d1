//! A broker's whole life: the start in its order, the one loop, the end in its order.
//!
//! Owns that order and nothing else. Each step is another file's; every end passes through [`Server::stop`].

use crate::Broker;
use crate::args::{Args, Mode};
use crate::clock::Clock;
use crate::config::Config;
use crate::connection::{CHANGES_FINISH_WITHIN, LAST_BYTES_WITHIN};
use crate::handle;
use crate::hub::Hub;
use crate::instance::{self, Claim, Holder, Instance};
use crate::listen::Door;
use crate::log::{self, Log};
use crate::platform::{self, StopSignals};
use crate::readiness::Readiness;
use crate::shutdown::Shutdown;
use crate::stats::Stats;
use crate::store::Store;
use crate::sweep::{Due, Sweep};
use crate::takeover;
use crate::watchdog::Watchdog;
use c2c_proto::error::Error;
use c2c_proto::event::Closing;
use c2c_proto::limits::BROKER_START_TIMEOUT_S;
use c2c_proto::paths::StorePaths;
use futures_util::FutureExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The exit status that asks for another start (`EX_TEMPFAIL`).
const STORE_FAILED: u8 = 75;
/// All connections together: their changes, their last bytes, and a little for the scheduling of thousands.
const CONNECTIONS_END_WITHIN: Duration =
    CHANGES_FINISH_WITHIN.saturating_add(LAST_BYTES_WITHIN).saturating_add(Duration::from_millis(100));
/// As long as a client waits for the broker that it started.
const FIRST_CLIENT_WITHIN: Duration = Duration::from_secs(BROKER_START_TIMEOUT_S);
/// What is committed is safe; closing the store only tidies its files up.
const STORE_CLOSES_WITHIN: Duration = Duration::from_millis(350);

/// Runs a broker from its start to its end.
pub async fn run(args: Args, paths: Result<StorePaths, Error>, clock: Clock) -> ExitCode {
    let readiness = Readiness::new(&args);
    match start(args.mode(), paths, clock).await {
        Ok(Start::Begun(server)) => {
            readiness.ready(&server.broker.paths);
            server.serve().await
        }
        Ok(Start::Running(holder)) => {
            readiness.running(holder.as_ref());
            ExitCode::SUCCESS
        }
        Ok(Start::Stopped) => ExitCode::SUCCESS,
        Err(error) => {
            readiness.failed(&error);
            ExitCode::FAILURE
        }
    }
}

/// What came of starting.
enum Start {
    Begun(Box<Server>),
    Running(Option<Holder>),
    /// Asked to stop before it was ready.
    Stopped,
}

/// A broker that accepts connections.
struct Server {
    broker: Arc<Broker>,
    mode: Mode,
    instance: Instance,
    door: Door,
    sweep: Sweep,
    signals: StopSignals,
    log: Option<Log>,
    watchdog: Watchdog,
}

async fn start(mode: Mode, paths: Result<StorePaths, Error>, clock: Clock) -> Result<Start, Error> {
    let paths = paths?;
    let mut signals = StopSignals::listen(mode.standing())
        .map_err(|error| Error::internal(format!("signals cannot be handled: {error}")))?;
    let begun = tokio::select! {
        begun = begin(mode, paths, clock) => begun?,
        // A start may take long: a service waits for another broker, an old store is migrated.
        _ = signals.asked_to_stop() => return Ok(Start::Stopped),
    };
    Ok(match begun {
        Ok((broker, instance, door, log)) => {
            // Before anybody hears that the broker is ready, so that nothing is lost unseen after it.
            let sweep = Sweep::new(Arc::clone(&broker), mode, &instance, &door);
            let watchdog = Watchdog::of_manager();
            Start::Begun(Box::new(Server { broker, mode, instance, door, sweep, signals, log, watchdog }))
        }
        Err(holder) => Start::Running(holder),
    })
}

/// The parts of a broker that accepts connections.
type Parts = (Arc<Broker>, Instance, Door, Option<Log>);

/// The lock, then the log, the settings, the store, and the socket last: whoever connects is served. The inner error
/// is who holds the lock.
async fn begin(mode: Mode, paths: StorePaths, clock: Clock) -> Result<Result<Parts, Option<Holder>>, Error> {
    let instance = match claim(&paths, mode).await? {
        Claim::Held(instance) => instance,
        Claim::Taken(holder) => return Ok(Err(holder)),
    };
    // Without a log a broker is still of use, on a full disk for example.
    let log = log::start(&paths.log).ok();
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, mode = mode.as_str(), store = %paths.store.display(), "starting");
    match open_all(mode, paths, clock).await {
        Ok((broker, door)) => Ok(Ok((broker, instance, door, log))),
        Err(error) => {
            // While there still is a log: that is where people look.
            tracing::error!(%error, "the broker cannot run");
            Err(error)
        }
    }
}

/// The settings, the store, and the socket last.
async fn open_all(mode: Mode, paths: StorePaths, clock: Clock) -> Result<(Arc<Broker>, Door), Error> {
    let config = Config::load(&paths.config)?;
    let broker = open(config, paths, mode, clock).await?;
    let door = Door::open(Arc::clone(&broker))?;
    tracing::info!(address = %broker.paths.address, pid = std::process::id(), "ready");
    Ok((broker, door))
}

async fn open(config: Config, paths: StorePaths, mode: Mode, clock: Clock) -> Result<Arc<Broker>, Error> {
    let (stats, shutdown) = (Arc::new(Stats::default()), Shutdown::new());
    let hub = Arc::new(Hub::default());
    let follower = Arc::clone(&hub);
    let store = Store::open(&paths, &config, &clock, &stats, &shutdown, follower).await?;
    let (service, on_demand) = (mode == Mode::Service, mode == Mode::OnDemand);
    let broker = Arc::new(Broker { config, paths, store, hub, clock, stats, shutdown, service, on_demand });
    handle::keep_names_for_their_holders(&broker).await;
    Ok(broker)
}

async fn claim(paths: &StorePaths, mode: Mode) -> Result<Claim, Error> {
    match instance::claim(paths, mode)? {
        Claim::Taken(holder) if mode == Mode::Service => takeover::take(paths, holder, mode).await,
        claim => Ok(claim),
    }
}

impl Server {
    async fn serve(mut self) -> ExitCode {
        let shutdown = self.broker.shutdown.clone();
        // Whoever started it has yet to connect, however short the patience with idleness is.
        let mut idle_since = Instant::now() + FIRST_CLIENT_WITHIN;
        let reason = loop {
            let idle_at = self.idle_exit_at(idle_since);
            tokio::select! {
                biased;
                reason = shutdown.begun() => break reason,
                signal = self.signals.asked_to_stop() => {
                    tracing::info!(signal, "asked to stop");
                    shutdown.begin(Closing::ShuttingDown);
                }
                due = self.sweep.due() => match due {
                    Due::Look => self.sweep.look(&mut self.instance, &mut self.door, self.log.as_ref()),
                    Due::Prune => self.sweep.prune(),
                },
                () = self.watchdog.due() => self.watchdog.say_alive(),
                next = self.door.next() => self.door.enter(next),
                () = self.door.left() => idle_since = Instant::now(),
                () = sleep_until(idle_at), if idle_at.is_some() => self.exit_if_idle(),
            }
        };
        self.stop(reason).await
    }

    /// When to exit unless somebody connects; never for a broker that stays.
    fn idle_exit_at(&self, idle_since: Instant) -> Option<Instant> {
        let after = self.broker.config.idle_exit;
        let exits = self.mode == Mode::OnDemand && !after.is_zero() && self.door.is_empty();
        exits.then(|| idle_since + after)
    }

    /// Nobody is connected; someone may be about to be, and is served then.
    fn exit_if_idle(&mut self) {
        match self.door.next().now_or_never() {
            Some(next) => self.door.enter(next),
            None => self.broker.shutdown.begin(Closing::Idle),
        }
    }

    /// No new connections, the last answers, the store, and the lock only with the process itself.
    async fn stop(mut self, reason: Closing) -> ExitCode {
        if self.mode == Mode::Service {
            platform::tell_manager_stopping("stopping");
        }
        self.door.close();
        if timeout(CONNECTIONS_END_WITHIN, self.door.all_left()).await.is_err() {
            tracing::warn!("connections were still open when the time was over");
        }
        if timeout(STORE_CLOSES_WITHIN, self.broker.store.close()).await.is_err() {
            tracing::warn!("the store was not closed in time; the next broker tidies it up");
        }
        tracing::info!(?reason, "stopped");
        // Nobody else may begin while a straggling task of this process could still write: the lock goes with it.
        std::mem::forget(self.instance);
        match reason {
            Closing::StorageFailed => ExitCode::from(STORE_FAILED),
            _ => ExitCode::SUCCESS,
        }
    }
}

/// Sleeps until then, or for ever.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
