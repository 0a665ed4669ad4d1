//! A NATS server of the test's own, on loopback, that lets each node do what the documented configuration lets it do.

use crate::{PATIENCE, skipped, until};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The server, which ends with this.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    users: String,
    child: Option<Child>,
}

impl NatsServer {
    /// One that knows these nodes. `None`, and a word about it, where no server is installed.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(nodes: &[&str]) -> Option<Self> {
        let given = std::env::var_os("C2C_NATS_SERVER").filter(|path| !path.is_empty());
        let Some(program) = given.map(PathBuf::from) else {
            skipped("C2C_NATS_SERVER is not set; see tests/tests/link/install.sh");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut users = String::new();
        for node in nodes {
            users.push_str(&user(node));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { program, folder, port, users, child: None };
        server.run();
        Some(server)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The file with what proves to the server which node somebody is.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn creds(&self, node: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{node}.password"));
        fs::write(&path, format!("{node}:{}\n", secret(node))).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        path
    }

    /// What the server answers to a line of its own protocol, said as a node.
    ///
    /// # Panics
    /// If it cannot be asked.
    #[must_use]
    pub fn say(&self, node: &str, line: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let who = format!("{{\"user\":\"{node}\",\"pass\":\"{}\",\"verbose\":false}}", secret(node));
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
    /// If it does not listen in time.
    pub fn run(&mut self) {
        let config = self.folder.path().join("nats.conf");
        let data = self.data();
        let text = format!(
            "listen: \"127.0.0.1:{}\"\njetstream {{\n  store_dir: {data:?}\n  sync_interval: always\n}}\n\
             authorization {{\n  users = [\n{}  ]\n}}\n",
            self.port, self.users
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the server starts"));
        until("the server listens", PATIENCE, || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
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

    /// The port on loopback on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        Path::join(self.folder.path(), "data")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("--- log of the server\n{log}");
        }
    }
}

/// A node's user as the documentation has it, with a password of its own: no server of a test allows more.
fn user(node: &str) -> String {
    let page = include_str!("../../../docs/many-machines.md");
    let begin = page.find("  { user: \"laptop\"").expect("the page shows a user");
    let (user, _) = page[begin..].split_once("\n  # the same").expect("and what follows");
    let user = user.replace('\u{2026}', &secret("laptop"));
    format!("{}\n", user.replace("laptop", node))
}

fn secret(node: &str) -> String {
    format!("secret-of-{node}")
}
