//! A proxy between the SDK and the server that breaks requests as networks and services do, and remembers what was asked.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The connection is closed before the server hears of it.
    Reset,
    /// The server does it, the connection is closed before the answer.
    LostAnswer,
    /// Nobody answers for as long as the client waits.
    Silence,
    /// The head of the answer comes, and so many octets of its body; then the connection stays silent.
    Stall(usize),
    /// The head of the answer comes, and so many octets of its body; then the connection is closed.
    Truncate(usize),
    /// One bit of the answer's body is another.
    Corrupt,
    /// This status, code and message; the server hears nothing.
    Answer(u16, &'static str, &'static str),
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    /// All header fields, in lower case.
    pub(super) head: String,
}

impl Asked {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines();
        let mut fields = lines.filter_map(|line| line.split_once(": "));
        fields.find_map(|(field, value)| (field == name).then_some(value))
    }
}

/// Which faults, of which requests.
#[derive(Default)]
struct State {
    /// The next requests of a method meet these.
    next: VecDeque<(&'static str, Fault)>,
    /// All others of the method meet this.
    always: Option<(&'static str, Fault)>,
    asked: Vec<Asked>,
    closed: bool,
}

pub(super) struct Proxy {
    address: String,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    pub(super) fn start(server: &str) -> Self {
        Self::start_as(server, Some)
    }

    /// The same, through TLS to the client.
    pub(super) fn start_tls(server: &str, config: Arc<ServerConfig>) -> Self {
        // An error: the client does not trust us, and goes.
        Self::start_as(server, move |mut client| {
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut client).ok()?;
            }
            Some(StreamOwned::new(tls, client))
        })
    }

    fn start_as<C: Client>(
        server: &str,
        meet: impl Fn(TcpStream) -> Option<C> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::<(Mutex<State>, Condvar)>::default();
        let (server, state, meet) = (server.to_owned(), Arc::clone(&shared), Arc::new(meet));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if state.0.lock().unwrap().closed {
                    break;
                }
                let (server, state, meet) = (server.clone(), Arc::clone(&state), Arc::clone(&meet));
                // An error: one of the two has closed.
                thread::spawn(move || meet(client).map(|client| serve(client, &server, &state)));
            }
        });
        Self { address, shared }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The next request of this method meets a fault; each call is for one more.
    pub(super) fn next(&self, method: &'static str, fault: Fault) {
        self.shared.0.lock().unwrap().next.push_back((method, fault));
    }

    /// All requests of this method meet a fault, or none any more.
    pub(super) fn always(&self, fault: Option<(&'static str, Fault)>) {
        self.shared.0.lock().unwrap().always = fault;
    }

    /// What was asked since this was called last, of one method.
    pub(super) fn asked(&self, method: &str) -> Vec<Asked> {
        let asked = std::mem::take(&mut self.shared.0.lock().unwrap().asked);
        asked.into_iter().filter(|asked| asked.method == method).collect()
    }

    /// Waits until so many of these were asked.
    pub(super) fn wait_for(&self, count: usize, is_it: impl Fn(&Asked) -> bool) {
        let (state, changed) = &*self.shared;
        let state = state.lock().unwrap();
        let waiting = |state: &mut State| state.asked.iter().filter(|asked| is_it(asked)).count() < count;
        let (_state, waited) = changed
            .wait_timeout_while(state, Duration::from_secs(10), waiting)
            .unwrap();
        assert!(!waited.timed_out(), "nobody asked");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.0.lock().unwrap().closed = true;
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(&self.address);
    }
}

impl State {
    fn fault(&mut self, method: &str) -> Option<Fault> {
        match self.next.front() {
            Some((of, _)) if *of == method => self.next.pop_front().map(|(_, fault)| fault),
            _ => self
                .always
                .filter(|(of, _)| *of == method)
                .map(|(_, fault)| fault),
        }
    }
}

/// A connection from who asks.
trait Client: io::Read + io::Write {
    fn end(&mut self) -> io::Result<()>;
}

impl Client for TcpStream {
    fn end(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Both)
    }
}

impl Client for StreamOwned<ServerConnection, TcpStream> {
    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.shutdown(Shutdown::Both)
    }
}

/// One request a connection: it is closed behind the answer.
fn serve(client: impl Client, server: &str, shared: &(Mutex<State>, Condvar)) -> io::Result<()> {
    let mut from = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let asked = parse(&head);
    if asked.field("expect").is_some() {
        from.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = asked
        .field("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let fault = {
        let mut state = shared.0.lock().unwrap();
        let fault = state.fault(&asked.method);
        state.asked.push(asked);
        shared.1.notify_all();
        fault
    };
    let mut client = from.into_inner();
    let answer = || ask(server, &head, &body);
    match fault {
        None => client.write_all(&answer()?)?,
        Some(Fault::Reset) => {}
        Some(Fault::LostAnswer) => drop(answer()?),
        Some(Fault::Silence) => wait_for_end(&mut client),
        Some(Fault::Answer(status, code, message)) => client.write_all(&error(status, code, message))?,
        Some(Fault::Stall(octets)) => {
            client.write_all(&cut(answer()?, octets))?;
            wait_for_end(&mut client);
        }
        Some(Fault::Truncate(octets)) => client.write_all(&cut(answer()?, octets))?,
        Some(Fault::Corrupt) => {
            let mut octets = answer()?;
            let body = body_of(&octets);
            octets[body] ^= 1;
            client.write_all(&octets)?;
        }
    }
    client.end()
}

fn parse(head: &str) -> Asked {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| format!("{}: {}\n", name.to_lowercase(), value.trim()));
    Asked {
        method: method.to_owned(),
        target: target.to_owned(),
        head: fields.collect(),
    }
}

/// What the server answers, whole.
fn ask(server: &str, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let dropped = ["connection:", "expect:"];
    let kept = head.lines().filter(|line| {
        let line = line.to_lowercase();
        !line.is_empty() && !dropped.iter().any(|name| line.starts_with(name))
    });
    let head: String = kept.map(|line| format!("{line}\r\n")).collect();
    let mut server = TcpStream::connect(server)?;
    server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    server.write_all(body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

fn error(status: u16, code: &str, message: &str) -> Vec<u8> {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Told\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

fn body_of(answer: &[u8]) -> usize {
    answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4
}

fn cut(mut answer: Vec<u8>, octets: usize) -> Vec<u8> {
    answer.truncate(body_of(&answer) + octets);
    answer
}

fn wait_for_end(client: &mut impl Client) {
    let _ = client.read(&mut [0]);
}
