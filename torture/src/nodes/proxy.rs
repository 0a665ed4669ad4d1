//! What stands between a link and the server: passes on what comes, until it is told to cut, refuse or hold.

use c2c_harness::pause;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// See the module's first lines. Ends its threads when it goes.
#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    refuses: AtomicBool,
    holds: AtomicBool,
    over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// One that leads to a port on loopback.
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let state = Arc::new(State::default());
        let own = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if own.over.load(Ordering::SeqCst) {
                    return;
                }
                own.join(client, server);
            }
        });
        Self { port, state }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Every connection is gone, and no new one is made until [`Self::mend`].
    pub(super) fn cut(&self) {
        self.state.refuses.store(true, Ordering::SeqCst);
        self.state.close_all();
    }

    /// Nothing passes until [`Self::mend`], and nobody is told.
    pub(super) fn hold(&self) {
        self.state.holds.store(true, Ordering::SeqCst);
    }

    pub(super) fn mend(&self) {
        self.state.refuses.store(false, Ordering::SeqCst);
        self.state.holds.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mend();
        self.state.over.store(true, Ordering::SeqCst);
        self.state.close_all();
        // Whoever accepts sees that it is over.
        let _last = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn close_all(&self) {
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream, port: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
        let copies = || Some([client.try_clone().ok()?, server.try_clone().ok()?]);
        let Some(copies) = copies() else { return };
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            // Under the lock: a cut closes what it finds, and refuses what comes later.
            if self.refuses.load(Ordering::SeqCst) {
                return;
            }
            open.extend(copies);
        }
        for (from, to) in [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))] {
            let (Ok(from), Ok(to)) = (from, to) else { return };
            let own = Arc::clone(self);
            std::thread::spawn(move || own.pass(from, to));
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            while self.holds.load(Ordering::SeqCst) {
                // The hold itself.
                pause(Duration::from_millis(5));
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        for stream in [from, to] {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}
