//! A broker on the disk that is to be cut off. It is ended when dropped, so that nothing holds the disk.

use c2c_harness::{PATIENCE, Raw, Sandbox, Signal, binary, look, signal};
use c2c_proto::paths::StorePaths;
use std::process::{Child, Command, ExitStatus, Stdio};

/// See the module's first lines.
#[derive(Debug)]
pub(super) struct Running(Child);

impl Running {
    /// Starts this program on the store, and does not wait for it.
    pub(super) fn start(program: &str, sandbox: &Sandbox, paths: &StorePaths) -> Result<Self, String> {
        let mut command = Command::new(binary(program));
        command.arg("--store").arg(&paths.store).env_clear().envs(sandbox.env()).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self).map_err(|error| error.to_string())
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        signal(self.0.id(), Signal::TERM);
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.terminate();
        let ended = look(PATIENCE, || self.exited());
        ended.map(|_| ()).ok_or_else(|| "the broker did not end".to_owned())
    }

    /// Waits until it listens.
    pub(super) fn until_listening(&mut self, paths: &StorePaths) -> Result<(), String> {
        let listens = look(PATIENCE, || {
            let ended = self.exited();
            (ended.is_some() || Raw::connect(paths).is_some()).then_some(ended)
        });
        match listens {
            Some(None) => Ok(()),
            Some(Some(status)) => {
                let log = std::fs::read_to_string(&paths.log).unwrap_or_default();
                Err(format!("the broker ended with {status}: {}", log.lines().last().unwrap_or_default()))
            }
            None => Err("the broker did not begin".to_owned()),
        }
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}
