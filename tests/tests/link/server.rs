//! A NATS server of the test's own, on loopback.

use c2c_harness::{PATIENCE, until};
use std::fmt::Write as _;
use std::fs;
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
            let _ = write!(users, "{}", user(node));
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
    format!(
        "    {{ user: {node:?}, password: \"secret-of-{node}\", permissions: {{\n\
         \x20     publish: [ \"c2c.v1.to.*.from.{node}\", \"$JS.API.INFO\", \"$JS.API.STREAM.*.C2C\",\n\
         \x20       \"$JS.API.CONSUMER.*.C2C.{node}\", \"$JS.API.CONSUMER.*.C2C.{node}.>\",\n\
         \x20       \"$JS.API.CONSUMER.MSG.NEXT.C2C.{node}\", \"$JS.ACK.C2C.{node}.>\",\n\
         \x20       \"$JS.API.*.*.KV_c2c-nodes\", \"$JS.API.CONSUMER.*.KV_c2c-nodes.>\", \"$JS.API.DIRECT.GET.KV_c2c-nodes.>\",\n\
         \x20       \"$KV.c2c-nodes.{node}\" ]\n\
         \x20     subscribe: \"_INBOX.>\"\n    }} }}\n"
    )
}
