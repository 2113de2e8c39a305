//! A way to the MariaDB server of the tests that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::server::fact;

/// Where a connection is cut, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// COMMIT does not reach the server.
    BeforeCommit,
    /// COMMIT reaches the server, its answer does not come back.
    AfterCommit,
}

/// Forwards connections on a port of its own.
pub(super) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// The server seems to speak no TLS.
    without_tls: bool,
    cut: Option<Cut>,
    open: Vec<TcpStream>,
}

impl Proxy {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                accept(&shared, client.unwrap());
            }
        });
        Self { port, state }
    }

    /// The same to a server that seems to speak no TLS.
    pub(super) fn without_tls() -> Self {
        let proxy = Self::start();
        lock(&proxy.state).without_tls = true;
        proxy
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the next connection that commits.
    pub(super) fn cut(&self, cut: Cut) {
        lock(&self.state).cut = Some(cut);
    }

    pub(super) fn was_cut(&self) -> bool {
        lock(&self.state).cut.is_none()
    }

    /// Cuts all connections and takes no new ones.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub(super) fn open(&self) {
        lock(&self.state).closed = false;
    }
}

fn accept(state: &Arc<Mutex<State>>, client: TcpStream) {
    let mut shared = lock(state);
    if shared.closed {
        return;
    }
    let port: u16 = fact("PORT").parse().unwrap();
    let server = TcpStream::connect((fact("HOST").as_str(), port)).unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    shared.open.push(client.try_clone().unwrap());
    shared.open.push(server.try_clone().unwrap());
    let mut greets = shared.without_tls;
    drop(shared);
    let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let state = Arc::clone(state);
    thread::spawn(move || {
        forward(from_server, to_client, |octets| {
            if std::mem::take(&mut greets) {
                hide_tls(octets);
            }
            None
        })
    });
    thread::spawn(move || forward(client, server, |octets| meets_cut(&state, octets)));
}

/// Takes the flag CLIENT_SSL out of the lower two octets of the capabilities in a server's first packet: they stand behind the
/// packet's head, the protocol's version, the server's as text, the connection's number, 8 random octets and a NUL.
fn hide_tls(greeting: &mut [u8]) {
    let version = 5 + greeting[5..].iter().position(|octet| *octet == 0).unwrap();
    let upper = version + 1 + 4 + 8 + 1 + 1;
    assert!(greeting[upper] & 0x08 != 0, "it has spoken no TLS");
    greeting[upper] &= !0x08;
}

/// Whether and where the connection is cut at these octets from the client.
fn meets_cut(state: &Mutex<State>, octets: &[u8]) -> Option<Cut> {
    if octets.ends_with(b"COMMIT") {
        lock(state).cut.take()
    } else {
        None
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, mut cut: impl FnMut(&mut [u8]) -> Option<Cut>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut buffer)
        && count > 0
    {
        let cut = cut(&mut buffer[..count]);
        if cut.is_some() {
            // The client is gone first: the server does what it has read, and nobody hears of it.
            let _ = from.shutdown(Shutdown::Both);
        }
        if cut == Some(Cut::BeforeCommit) || to.write_all(&buffer[..count]).is_err() || cut.is_some() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Both);
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
