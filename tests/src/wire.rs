//! What a shim wrote to its stdout, line by line, checked as it comes: every line must be one JSON-RPC message.

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How the fault begins that a process leaves behind which is killed while it writes.
pub(crate) const CUT_LINE: &str = "a line without its end";

/// The messages that came so far. Shared between the reader and those who wait.
#[derive(Debug, Default)]
pub struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

/// See [`Wire`].
#[derive(Debug, Default)]
struct State {
    responses: HashMap<String, (Instant, Value)>,
    without_id: Vec<Value>,
    notifications: Vec<Value>,
    faults: Vec<String>,
    ended: bool,
}

impl Wire {
    /// Reads to the end in a thread of its own.
    pub(crate) fn read_from(output: impl Read + Send + 'static) -> Arc<Self> {
        let wire = Arc::new(Self::default());
        let reader = Arc::clone(&wire);
        std::thread::spawn(move || reader.read(output));
        wire
    }

    fn read(&self, output: impl Read) {
        let mut lines = BufReader::with_capacity(64 * 1024, output);
        let mut line = Vec::new();
        loop {
            line.clear();
            let more = lines.read_until(b'\n', &mut line).unwrap_or(0);
            let mut state = self.lock();
            if more == 0 {
                state.ended = true;
            } else {
                state.take(&line);
            }
            drop(state);
            self.changed.notify_all();
            if more == 0 {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no reader panics")
    }

    /// Waits until `found` gives something, or the shim's output ended, or the time is over.
    fn wait<T>(&self, within: Duration, mut found: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let end = Instant::now() + within;
        let mut state = self.lock();
        loop {
            if let Some(value) = found(&mut state) {
                return Some(value);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                return None;
            }
            state = self.changed.wait_timeout(state, left).expect("no reader panics").0;
        }
    }

    /// The response to a request, once.
    pub fn response(&self, id: &Value, within: Duration) -> Option<Value> {
        self.response_at(id, within).map(|(_, response)| response)
    }

    /// The response to a request, once, and when it came.
    pub fn response_at(&self, id: &Value, within: Duration) -> Option<(Instant, Value)> {
        let id = id.to_string();
        self.wait(within, |state| state.responses.remove(&id))
    }

    /// Whether the response to a request is there already.
    pub fn has_response(&self, id: &Value) -> bool {
        self.lock().responses.contains_key(&id.to_string())
    }

    /// The next error response whose id could not be told (`id` is null).
    pub fn response_without_id(&self, within: Duration) -> Option<Value> {
        self.wait(within, |state| (!state.without_id.is_empty()).then(|| state.without_id.remove(0)))
    }

    /// The next notification of a method, in order of arrival.
    pub fn notification(&self, method: &str, within: Duration) -> Option<Value> {
        self.wait(within, |state| {
            let at = state.notifications.iter().position(|message| message["method"] == method)?;
            Some(state.notifications.remove(at))
        })
    }

    /// Waits until the output ended.
    pub fn ended(&self, within: Duration) -> bool {
        self.wait(within, |state| state.ended.then_some(())).is_some() || self.lock().ended
    }

    /// Takes what was no JSON-RPC message, or came twice.
    pub(crate) fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().faults)
    }

    /// What was no JSON-RPC message, or came twice.
    pub fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }
}

impl State {
    fn take(&mut self, line: &[u8]) {
        let shown = || String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned();
        if line.last() != Some(&b'\n') {
            return self.faults.push(format!("{CUT_LINE}: {:?}", shown()));
        }
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            return self.faults.push(format!("a line that is no JSON: {:?}", shown()));
        };
        if message["jsonrpc"] != "2.0" {
            return self.faults.push(format!("a line that is no JSON-RPC 2.0: {:?}", shown()));
        }
        let answers = message.get("result").is_some() != message.get("error").is_some();
        match (message.get("method"), message.get("id")) {
            (Some(Value::String(_)), _) => self.notifications.push(message),
            (None, None | Some(Value::Null)) if message.get("error").is_some() => {
                self.without_id.push(message);
            }
            (None, Some(Value::Number(_) | Value::String(_))) if answers => {
                let id = message["id"].to_string();
                if self.responses.insert(id, (Instant::now(), message)).is_some() {
                    self.faults.push(format!("a second response: {:?}", shown()));
                }
            }
            _ => self.faults.push(format!("neither a request nor a response: {:?}", shown())),
        }
    }
}
