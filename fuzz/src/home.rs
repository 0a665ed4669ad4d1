//! A broker without its socket, on a store of its own in memory where there is such a place; and sessions on it.

use c2c_broker::Broker;
use c2c_broker::clock::Clock;
use c2c_broker::config::{Config, Durability};
use c2c_broker::handle;
use c2c_broker::hub::Hub;
use c2c_broker::outbox::Outbox;
use c2c_broker::session::ConnId;
use c2c_broker::shutdown::Shutdown;
use c2c_broker::stats::Stats;
use c2c_broker::store::Store;
use c2c_proto::Error;
use c2c_proto::frame::MailCount;
use c2c_proto::hello::{Hello, Identity, MAGIC, PROTOCOL, PROTOCOL_MIN, Role, Welcome};
use c2c_proto::paths::{StorePaths, ensure_private_dir};
use c2c_proto::request::Request;
use c2c_proto::response::Response;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Where files are kept in memory on Linux.
const IN_MEMORY: &str = "/dev/shm";
/// A store is made anew after so many uses: a large one is slow, and what went wrong should be near.
const USES: u32 = 1_000;

/// A broker that is made anew now and then.
#[derive(Debug)]
pub struct Home {
    runtime: Runtime,
    used: u32,
    furnished: Option<(Arc<Broker>, TempDir)>,
}

impl Default for Home {
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { runtime: runtime.expect("a runtime can be made"), used: 0, furnished: None }
    }
}

impl Home {
    /// Begins one use; true if the broker is a new one, with nobody in it.
    pub fn begin(&mut self) -> bool {
        self.used += 1;
        if self.furnished.is_some() && self.used < USES {
            return false;
        }
        if let Some((broker, folder)) = self.furnished.take() {
            self.runtime.block_on(broker.store.close());
            drop((broker, folder));
        }
        self.used = 0;
        self.furnished = Some(self.runtime.block_on(open()).expect("a store can be made"));
        true
    }

    fn broker(&self) -> &Arc<Broker> {
        &self.furnished.as_ref().expect("a use was begun").0
    }

    /// A hello on a new connection.
    pub fn hello(&self, conn: ConnId, hello: Hello) -> Result<Welcome, Error> {
        self.runtime.block_on(handle::hello(self.broker(), conn, Outbox::new(), hello))
    }

    /// The connection is gone.
    pub fn closed(&self, conn: ConnId) {
        // Whoever loses its presence tells the writer, a task of the runtime.
        let _inside = self.runtime.enter();
        handle::closed(self.broker(), conn);
    }

    /// The name of the connection's session, unless it lost it.
    #[must_use]
    pub fn name(&self, conn: ConnId) -> Option<String> {
        let caller = handle::caller(self.broker(), conn);
        caller.session.filter(|_| !caller.superseded).map(|owner| owner.name)
    }

    /// One call.
    pub fn call(&self, conn: ConnId, request: Request) -> (Option<MailCount>, Result<Response, Error>) {
        let caller = handle::caller(self.broker(), conn);
        self.runtime.block_on(handle::call(self.broker(), conn, caller, request))
    }
}

/// The hello of a session that is to have this name.
#[must_use]
pub fn hello_of(name: &str) -> Hello {
    let identity = Identity {
        key: c2c_proto::id::new_call_key(),
        automatic: true,
        wanted_name: Some(name.to_owned()),
        client_session: Some(format!("session of {name}")),
        parent: format!("1:{name}"),
        project_dir: format!("/home/a/{name}"),
        cwd: format!("/home/a/{name}"),
        client: "claude-code 2.1.330".to_owned(),
        ..Identity::default()
    };
    Hello {
        magic: MAGIC,
        protocol_min: PROTOCOL_MIN,
        protocol_max: PROTOCOL,
        build: "0.2.0".to_owned(),
        role: Role::Session(Box::new(identity)),
        extra: Vec::new(),
    }
}

async fn open() -> Result<(Arc<Broker>, TempDir), Error> {
    let folder =
        if Path::new(IN_MEMORY).is_dir() { tempfile::tempdir_in(IN_MEMORY) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder can be made");
    let paths = StorePaths::of_store(&folder.path().join("c2c.db"))?;
    ensure_private_dir(&paths.run_dir)?;
    let config = Config { durability: Durability::Normal, ..Config::default() };
    let (clock, stats, shutdown) = (Clock::system(), Arc::new(Stats::default()), Shutdown::new());
    let hub = Arc::new(Hub::default());
    let follower = Arc::clone(&hub);
    let store = Store::open(&paths, &config, &clock, &stats, &shutdown, follower).await?;
    let broker =
        Broker { config, paths, store, hub, clock, stats, shutdown, service: false, on_demand: false };
    Ok((Arc::new(broker), folder))
}
