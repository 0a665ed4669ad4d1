//! A NATS server of the test's own, on loopback.

use c2c_harness::{PATIENCE, until};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The server, which ends with this.
pub(crate) struct Server {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    users: String,
    child: Option<Child>,
}

impl Server {
    /// `None`, and a word about it, where no server is installed.
    pub(crate) fn start(nodes: &[&str]) -> Option<Self> {
        let given = std::env::var_os("C2C_NATS_SERVER").filter(|path| !path.is_empty());
        let Some(program) = given.map(PathBuf::from) else {
            c2c_harness::skipped("C2C_NATS_SERVER is not set; see tests/tests/link/install.sh");
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

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The file with what proves to the server which node somebody is.
    pub(crate) fn creds(&self, node: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{node}.password"));
        fs::write(&path, format!("{node}:secret-of-{node}\n")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        path
    }

    /// What the server answers to a line of its own protocol, said as a node.
    pub(crate) fn say(&self, node: &str, line: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let who = format!("{{\"user\":\"{node}\",\"pass\":\"secret-of-{node}\",\"verbose\":false}}");
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
    pub(crate) fn run(&mut self) {
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
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Everything that it had is gone.
    pub(crate) fn forget(&self) {
        assert!(self.child.is_none());
        let _gone = fs::remove_dir_all(self.data());
    }

    fn data(&self) -> PathBuf {
        Path::join(self.folder.path(), "data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("--- log of the server\n{log}");
        }
    }
}

/// A node's user, with what the documented configuration lets it do and no more.
fn user(node: &str) -> String {
    let mut publish = vec![format!("c2c.v1.to.*.from.{node}")];
    publish.push("$JS.API.INFO".to_owned());
    for stream in ["C2C", "KV_c2c-nodes", "KV_c2c-presence", "KV_c2c-global"] {
        publish.extend(["INFO", "CREATE"].map(|call| format!("$JS.API.STREAM.{call}.{stream}")));
    }
    for bucket in ["KV_c2c-nodes", "KV_c2c-presence", "KV_c2c-global"] {
        publish.push(format!("$JS.API.CONSUMER.CREATE.{bucket}"));
        publish.push(format!("$JS.API.CONSUMER.CREATE.{bucket}.>"));
        publish.push(format!("$JS.API.DIRECT.GET.{bucket}.>"));
    }
    publish.push(format!("$JS.API.CONSUMER.INFO.C2C.{node}"));
    publish.push(format!("$JS.API.CONSUMER.CREATE.C2C.{node}.c2c.v1.to.{node}.from.*"));
    publish.push(format!("$JS.API.CONSUMER.MSG.NEXT.C2C.{node}"));
    publish.push(format!("$JS.ACK.C2C.{node}.>"));
    publish.extend(["c2c-nodes", "c2c-presence"].map(|bucket| format!("$KV.{bucket}.{node}")));
    publish.push("$KV.c2c-global.>".to_owned());
    format!(
        "    {{ user: {node:?}, password: \"secret-of-{node}\", permissions: {{\n\
         \x20     publish: {publish:?}\n      subscribe: \"_INBOX_{node}.>\"\n    }} }}\n"
    )
}
