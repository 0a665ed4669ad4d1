//! A scripted model: as much of the Messages API as a client needs, on loopback, and a record of all that it was asked.
//!
//! A test says what the model does when it sees what ([`Rule`]), points a client at [`Model::url`], and looks at the
//! requests. It knows nothing of c2c. What no rule fits gets the answer "done", which ends the turn.

mod http;
mod reply;
mod request;
mod script;

pub use request::ModelRequest;
pub use script::{Rule, when};

use crate::eventually;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many requests a failed test prints.
const PRINTED: usize = 12;
/// A conversation that goes on longer than this goes in a circle: from then on the model says that it is done.
const REQUESTS_MAX: usize = 400;

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    requests: Vec<ModelRequest>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    over: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running model. See the module's first lines.
#[derive(Debug)]
pub struct Model {
    shared: Arc<Shared>,
    port: u16,
    listener: Option<JoinHandle<()>>,
}

impl Model {
    /// Starts a model with this script.
    ///
    /// # Panics
    /// If loopback has no port.
    #[must_use]
    pub fn start(rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
        let port = listener.local_addr().expect("a bound port").port();
        let shared =
            Arc::new(Shared { state: Mutex::new(State { rules, ..State::default() }), ..Shared::default() });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&listener, &serving));
        Self { shared, port, listener: Some(thread) }
    }

    /// Where a client finds it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the model does from now on, before what it was told earlier.
    pub fn learn(&self, rules: Vec<Rule>) {
        self.shared.state().rules.splice(0..0, rules);
    }

    /// What was asked so far, of the conversation itself: without titles, probes and the like.
    #[must_use]
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.shared.state().requests.iter().filter(|request| request.of_conversation()).cloned().collect()
    }

    /// Waits for a request of the conversation that is as wanted; the first such.
    ///
    /// # Panics
    /// If none comes in time. What came instead is printed when the model goes.
    #[track_caller]
    pub fn request(
        &self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&ModelRequest) -> bool,
    ) -> ModelRequest {
        let end = Instant::now() + within;
        let mut state = self.shared.state();
        loop {
            if let Some(found) =
                state.requests.iter().find(|request| request.of_conversation() && wanted(request))
            {
                return found.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                panic!("{what}: no such request within {within:?}");
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a request whose news hold this text.
    #[track_caller]
    pub fn sees(&self, text: &str, within: Duration) -> ModelRequest {
        self.request(&format!("the model sees {text:?}"), within, |request| request.news.contains(text))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // The listener looks at the flag when somebody comes.
        let _knocked = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.listener.take() {
            let _ended = eventually::look(Duration::from_secs(2), || thread.is_finished().then_some(()));
        }
        if std::thread::panicking() {
            let requests = &self.shared.state().requests;
            let first = requests.len().saturating_sub(PRINTED);
            let lines: Vec<String> = requests[first..].iter().map(ModelRequest::to_string).collect();
            eprintln!("--- requests to the model on port {}\n{}", self.port, lines.join("\n"));
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.over.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A client that goes away in the middle of an answer is none of the model's business.
            if let Err(error) = answer(stream, &shared)
                && !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
            {
                eprintln!("the model could not answer: {error}");
            }
        });
    }
}

fn answer(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let Some(asked) = http::read(&mut stream)? else { return Ok(()) };
    let body = serde_json::from_slice::<Value>(&asked.body).unwrap_or_default();
    match asked.path.as_str() {
        "/v1/messages" if asked.method == "POST" => {}
        "/v1/messages/count_tokens" => {
            return http::json(
                &mut stream,
                "200 OK",
                &serde_json::json!({"input_tokens": asked.body.len() / 4}),
            );
        }
        _ => return http::json(&mut stream, "404 Not Found", &reply::no_such_endpoint()),
    }
    let request = ModelRequest::new(body);
    let content = {
        let mut state = shared.state();
        if state.requests.len() == REQUESTS_MAX {
            eprintln!("the script goes in a circle: {request}");
            state.rules.clear();
        }
        let content = script::content(&mut state.rules, &request);
        state.requests.push(request.clone());
        content
    };
    shared.changed.notify_all();
    let streams = request.body["stream"] == true;
    let model = request.body["model"].as_str().unwrap_or("model");
    if streams {
        reply::stream(&mut stream, model, &content)
    } else {
        reply::whole(&mut stream, model, &content)
    }
}
