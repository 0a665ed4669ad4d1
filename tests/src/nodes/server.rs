//! A NATS server of the test's own, that lets each node do what the documented configuration lets it do.

use super::documented::{Filled, secret};
use super::{Authority, private};
use crate::{PATIENCE, look, skipped, until};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// So often servers are started as a cluster until they are one.
const CLUSTERS_MAX: usize = 10;

/// The server, which ends with this.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    folder: tempfile::TempDir,
    host: String,
    port: u16,
    nodes: Vec<String>,
    authority: Option<Authority>,
    /// More of its configuration.
    more: String,
    /// How many bytes it may keep, if that is limited.
    room: Option<u64>,
    /// Where one of a cluster says how it does.
    health: Option<u16>,
    /// Words that go before the program's own.
    before: Vec<String>,
    child: Option<Child>,
}

impl NatsServer {
    /// One that knows these nodes, on loopback, and runs. `None`, and a word about it, where no server is installed.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(nodes: &[&str]) -> Option<Self> {
        let mut server = Self::of(nodes)?;
        server.run();
        Some(server)
    }

    /// As [`Self::start`], but it does not run yet.
    ///
    /// # Panics
    /// If there is no folder of the test's own.
    #[must_use]
    pub fn of(nodes: &[&str]) -> Option<Self> {
        let given = std::env::var_os("C2C_NATS_SERVER").filter(|path| !path.is_empty());
        let Some(program) = given.map(PathBuf::from) else {
            skipped("C2C_NATS_SERVER is not set; see tests/tests/link/install.sh");
            return None;
        };
        Some(Self {
            program,
            folder: tempfile::tempdir().expect("a folder"),
            host: "127.0.0.1".to_owned(),
            port: free_port(),
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
            authority: None,
            more: String::new(),
            room: None,
            health: None,
            before: Vec::new(),
            child: None,
        })
    }

    /// So many that are one cluster, and run.
    ///
    /// # Panics
    /// If they do not start.
    #[must_use]
    pub fn cluster(nodes: &[&str], count: usize) -> Option<Vec<Self>> {
        let routes: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let others: Vec<String> = routes.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let mut servers = Vec::new();
        for (number, port) in routes.iter().enumerate() {
            let mut server = Self::of(nodes)?;
            let health = free_port();
            server.health = Some(health);
            server.more = format!(
                "server_name: \"server-{number}\"\nhttp: \"127.0.0.1:{health}\"\n\
                 cluster {{ name: \"c2c\", listen: \"127.0.0.1:{port}\", routes: {others:?} }}\n"
            );
            servers.push(server);
        }
        for _ in 0..CLUSTERS_MAX {
            // They wait for each other before they say that they are ready.
            servers.iter_mut().for_each(Self::begin);
            let ready = || servers.iter().all(|server| server.is_ready() && server.is_well("")).then_some(());
            if look(PATIENCE, ready).is_some()
                && servers.iter().all(|server| server.cluster_size() == Some(count))
            {
                return Some(servers);
            }
            // Servers that begin at the same moment may choose a leader before all know each other, and the others never get in.
            servers.iter_mut().for_each(Self::kill);
            servers.iter().for_each(Self::forget);
        }
        panic!("{count} servers did not become one cluster {CLUSTERS_MAX} times");
    }

    /// With a certificate of an authority: what passes is encrypted, as the page says.
    #[must_use]
    pub fn certified_by(mut self, authority: Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// With room for so many bytes.
    #[must_use]
    pub fn with_room(mut self, bytes: u64) -> Self {
        self.room = Some(bytes);
        self
    }

    /// On another address of this machine, run by another program behind these words.
    #[must_use]
    pub fn at(mut self, host: &str, before: &[&str]) -> Self {
        host.clone_into(&mut self.host);
        self.before = before.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "tls" } else { "nats" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// A link's settings, as a node.
    #[must_use]
    pub fn settings(&self, node: &str) -> String {
        let mut text = format!("url = {:?}\nnode = {node:?}\ncreds = {:?}\n", self.url(), self.creds(node));
        if let Some(authority) = &self.authority {
            text.push_str(&format!("ca = {:?}\n", authority.certificate()));
        }
        text
    }

    /// The file with what proves to the server which node somebody is.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn creds(&self, node: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{node}.password"));
        private(&path, &format!("{node}:{}\n", secret(node)));
        path
    }

    /// What the server answers to a line of its own protocol, said as a node.
    ///
    /// # Panics
    /// If it cannot be asked.
    #[must_use]
    pub fn say(&self, node: &str, line: &str) -> String {
        let mut stream = TcpStream::connect((&*self.host, self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let who = format!(
            "{{\"user\":\"{node}\",\"pass\":\"{}\",\"verbose\":false,\"headers\":true}}",
            secret(node)
        );
        write!(stream, "CONNECT {who}\r\n{line}\r\nPING\r\n").unwrap();
        let mut answers = String::new();
        for answer in BufReader::new(stream).lines() {
            let answer = answer.unwrap();
            if answer == "PONG" {
                break;
            }
            if !answer.starts_with("INFO") {
                answers.push_str(&answer);
            }
        }
        answers
    }

    /// Starts it, on the data that it has.
    ///
    /// # Panics
    /// If it is not ready in time.
    pub fn run(&mut self) {
        self.begin();
        self.until_ready();
    }

    fn begin(&mut self) {
        let config = self.folder.path().join("nats.conf");
        let certificate = self.authority.as_ref().map(|authority| authority.server(&self.host));
        let text = Filled {
            listen: &format!("{}:{}", self.host, self.port),
            store_dir: &self.data(),
            tls: certificate.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path())),
            nodes: &self.nodes,
        };
        let mut text = text.text();
        if let Some(bytes) = self.room {
            text =
                text.replace("sync_interval: always", &format!("sync_interval: always, max_file: {bytes}"));
            assert!(text.contains("max_file"), "the page shows another configuration");
        }
        fs::write(&config, text + &self.more).unwrap();
        let log = fs::File::create(self.log()).unwrap();
        let mut words = self.before.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).arg("-c").arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the server starts"));
    }

    fn until_ready(&self) {
        until("the server is ready", PATIENCE, || self.is_ready());
    }

    fn is_ready(&self) -> bool {
        fs::read_to_string(self.log()).is_ok_and(|log| log.contains("Server is ready"))
    }

    /// Whether this one of a cluster has all of a stream that the others have. (Those who only look, and come and go, it may find
    /// late.)
    #[must_use]
    pub fn follows(&self, stream: &str) -> bool {
        self.is_well(&format!("?account=%24G&stream={stream}"))
    }

    fn is_well(&self, of: &str) -> bool {
        let page = self.page(&format!("/healthz{of}")).unwrap_or_default();
        page.lines().next().is_some_and(|line| line.contains(" 200 "))
    }

    /// Of how many servers its cluster is.
    fn cluster_size(&self) -> Option<usize> {
        let page = self.page("/jsz")?;
        let told: serde_json::Value = serde_json::from_str(page.split_once("\r\n\r\n")?.1).ok()?;
        usize::try_from(told["meta_cluster"]["cluster_size"].as_u64()?).ok()
    }

    /// What it says of itself, with the head.
    fn page(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.health?)).ok()?;
        write!(&stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        Some(page)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Everything that it had is gone.
    ///
    /// # Panics
    /// If it runs.
    pub fn forget(&self) {
        assert!(self.child.is_none());
        let _gone = fs::remove_dir_all(self.data());
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The port on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Adds to its configuration, before it runs.
    #[must_use]
    pub fn with(mut self, more: &str) -> Self {
        self.more.push_str(more);
        self
    }

    /// What a stream of its only account is like, as its file says.
    ///
    /// # Panics
    /// If there is no such stream.
    #[must_use]
    pub fn stream(&self, name: &str) -> serde_json::Value {
        let file = self.data().join("jetstream/$G/streams").join(name).join("meta.inf");
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            eprintln!("--- log of the server at {}\n{log}", self.url());
        }
    }
}

/// A port that nobody listens on, and that was not given out before: the system may name one again as soon as it is free.
fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if given.insert(port) {
            return port;
        }
    }
}
