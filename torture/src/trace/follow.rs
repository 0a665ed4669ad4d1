//! The tracer's loop: one stop after the other, until the process is gone.
//!
//! It runs in the thread that started the process, since only that one may give it orders, and it waits for its own
//! process group alone, so that other children of the harness are left to those who started them.

use super::calls::{self, About, Call};
use super::{Shared, State, Strike};
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc::Sender;

/// What the tracer knows of each thread that is inside a call: the error that it is to be given at the end.
type Inside = HashMap<Pid, Option<i32>>;

/// Starts the command, says its id, and follows it to its end.
pub(super) fn follow(mut command: Command, shared: &Shared, began: &Sender<Result<u32, String>>) {
    command.process_group(0);
    let id = match command.spawn() {
        Ok(child) => child.id(),
        Err(error) => return drop(began.send(Err(error.to_string()))),
    };
    let process = Pid::from_raw(i32::try_from(id).expect("a process id"));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    if let Err(error) = ptrace::seize(process, options) {
        c2c_harness::stop(id);
        let _reaped = waitpid(process, None);
        return drop(began.send(Err(format!("processes may not be traced here: {error}"))));
    }
    let _told = began.send(Ok(id));
    let ended = run(process, shared);
    shared.lock().over = Some(ended);
    shared.changed.notify_all();
}

/// Its exit status, or `None` after a signal.
fn run(process: Pid, shared: &Shared) -> Option<i32> {
    let group = Pid::from_raw(-process.as_raw());
    let mut inside = Inside::new();
    let mut program_runs = false;
    loop {
        let stop = match waitpid(group, Some(WaitPidFlag::__WALL)) {
            Ok(stop) => stop,
            Err(Errno::EINTR) => continue,
            Err(_) => return None,
        };
        match stop {
            WaitStatus::Exited(one, status) if one == process => return Some(status),
            WaitStatus::Signaled(one, ..) if one == process => return None,
            WaitStatus::PtraceSyscall(thread) => {
                if program_runs {
                    at_call(process, thread, &mut inside, shared);
                }
                let _gone = ptrace::syscall(thread, None);
            }
            WaitStatus::PtraceEvent(thread, _, event) => {
                if event == nix::libc::PTRACE_EVENT_EXEC {
                    program_runs = true;
                    // The stop at the end of the call that became the program follows.
                    inside.insert(thread, None);
                }
                let _gone = ptrace::syscall(thread, None);
            }
            WaitStatus::Stopped(thread, signal) => {
                let _gone = ptrace::syscall(thread, signal);
            }
            WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..) => {
                inside.remove(&thread);
            }
            WaitStatus::Continued(_) | WaitStatus::StillAlive => {}
        }
    }
}

/// A call begins or ends; which of the two, the one before tells.
fn at_call(process: Pid, task: Pid, inside: &mut Inside, shared: &Shared) {
    if let Some(error) = inside.remove(&task) {
        if let Some(errno) = error {
            registers::give_error(task, errno);
        }
        return;
    }
    inside.insert(task, None);
    let Some((number, arguments)) = registers::call(task) else { return };
    let Some((name, about)) = calls::named(number, arguments[2]) else { return };
    let id = u32::try_from(process.as_raw()).expect("a process id");
    let target = match about {
        About::Descriptor => calls::descriptor(id, arguments[0]),
        About::Path(index) => calls::path(id, arguments[index]),
    };
    let mut state = shared.lock();
    if let Some(errno) = state.fault(name, &target.to_string_lossy())
        && registers::skip(task)
    {
        inside.insert(task, Some(errno));
    }
    if !state.counting || !calls::counts(name, &target, state.opens) {
        return;
    }
    let thread = calls::thread_name(id, task.as_raw());
    let call = Call { name, target: calls::short(&target), whole: target, thread };
    match state.count(&call) {
        // The call is not done: a process that is to be killed does nothing more.
        Some(Strike::Kill) => c2c_harness::stop(id),
        Some(Strike::Error(errno)) if registers::skip(task) => drop(inside.insert(task, Some(errno))),
        Some(Strike::Error(_)) | None => {}
    }
}

impl State {
    /// The error that a call is to be given, if any.
    fn fault(&mut self, name: &str, target: &str) -> Option<i32> {
        let matches = |fault: &&mut super::Fault| {
            fault.times > 0 && fault.calls.contains(&name) && target.ends_with(&fault.file)
        };
        let fault = self.faults.iter_mut().find(matches)?;
        fault.times -= 1;
        self.given += 1;
        Some(fault.errno)
    }

    /// What is to be done to this call.
    fn count(&mut self, call: &Call) -> Option<Strike> {
        self.seen += 1;
        if let Some(log) = &mut self.log {
            log.push(call.clone());
        }
        let nth = self.counts.entry((call.name, call.target.clone())).or_default();
        *nth += 1;
        let (point, strike) = self.strike.as_ref()?;
        if point.nth != *nth || point.name != call.name || point.target != call.target {
            return None;
        }
        self.struck = true;
        Some(*strike)
    }
}

/// The registers of a thread that stands at the beginning or end of a call.
#[cfg(target_arch = "x86_64")]
mod registers {
    use nix::sys::ptrace;
    use nix::unistd::Pid;

    /// The call's number and its first arguments.
    pub(super) fn call(thread: Pid) -> Option<(i64, [u64; 3])> {
        let registers = ptrace::getregs(thread).ok()?;
        Some((registers.orig_rax.cast_signed(), [registers.rdi, registers.rsi, registers.rdx]))
    }

    /// Makes it a call that does not exist.
    pub(super) fn skip(thread: Pid) -> bool {
        let Ok(mut registers) = ptrace::getregs(thread) else { return false };
        registers.orig_rax = u64::MAX;
        ptrace::setregs(thread, registers).is_ok()
    }

    pub(super) fn give_error(thread: Pid, errno: i32) {
        if let Ok(mut registers) = ptrace::getregs(thread) {
            registers.rax = i64::from(-errno).cast_unsigned();
            let _gone = ptrace::setregs(thread, registers);
        }
    }
}

/// The same on other machines, without errors in place of calls.
#[cfg(target_arch = "aarch64")]
mod registers {
    use nix::sys::ptrace;
    use nix::unistd::Pid;

    pub(super) fn call(thread: Pid) -> Option<(i64, [u64; 3])> {
        let registers = ptrace::getregs(thread).ok()?;
        let at = |index: usize| registers.regs[index];
        Some((at(8).cast_signed(), [at(0), at(1), at(2)]))
    }

    pub(super) fn skip(_: Pid) -> bool {
        false
    }

    pub(super) fn give_error(_: Pid, _: i32) {}
}
