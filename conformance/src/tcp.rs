//! A live server over TCP, in the clear or under TLS.

mod upgrade;

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use crate::deflate::Deflate;
use crate::player::{Heard, Logins, Player, Unsupported, Way};
use crate::tls::{self, Tls};
use crate::transcript::{FaultRule, Protocol};

/// A live server.
pub struct Tcp {
    imap: String,
    lmtp: Option<String>,
    pop3: Option<String>,
    smtp: Option<String>,
    submission: Option<String>,
    /// What IMAP is wrapped in.
    tls: Option<Tls>,
    /// What STARTTLS leads to.
    start_tls: Option<Tls>,
    /// Whether each connection that begins in the clear goes through STARTTLS or STLS at once.
    always: bool,
    logins: Logins,
    patience: Duration,
    /// Until when the answers to what was sent last must have come; `None` before the first is waited for.
    until: Option<Instant>,
    connections: HashMap<u8, Connection>,
}

struct Connection {
    /// `HOST:PORT`.
    place: String,
    stream: Stream,
    deflate: Deflate,
    heard: Vec<u8>,
    /// So many octets of `heard` hold no line end.
    searched: usize,
    closed: bool,
}

/// Octets both ways; a read or write that takes too long is one of [`io::ErrorKind::WouldBlock`].
enum Stream {
    Clear(TcpStream),
    Tls(Box<tls::Stream>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Clear(tcp) => tcp,
            Stream::Tls(tls) => &tls.sock,
        }
    }

    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Clear(tcp) => tcp.read(octets),
            Stream::Tls(tls) => tls.read(octets),
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Clear(tcp) => tcp.write(octets),
            Stream::Tls(tls) => tls.write(octets),
        }
    }

    /// Sends what TLS has kept back.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Clear(_) => Ok(()),
            Stream::Tls(tls) => tls.flush(),
        }
    }

    /// Closes our half. What is broken already cannot be closed better.
    fn close(&mut self) {
        if let Stream::Tls(tls) = self {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
        let _ = self.tcp().shutdown(Shutdown::Write);
    }
}

/// A server that sends more than this without a line end floods us.
const LINE_MAX: usize = 8 * 1024 * 1024;

/// How long a server may take to close behind us.
const FAREWELL: Duration = Duration::from_secs(1);
/// How many lines it may say meanwhile.
const LAST_WORDS_MAX: usize = 100;

impl Tcp {
    /// `imap` and `lmtp` are `HOST:PORT`; `patience`: how long the server may take for its answers to one step.
    pub fn new(imap: String, lmtp: Option<String>, logins: Logins, patience: Duration) -> Self {
        Self {
            imap,
            lmtp,
            pop3: None,
            smtp: None,
            submission: None,
            tls: None,
            start_tls: None,
            always: false,
            logins,
            patience,
            until: None,
            connections: HashMap::new(),
        }
    }

    /// The same, whose POP3 listens at this `HOST:PORT`, in the clear.
    pub fn with_pop3(self, pop3: Option<String>) -> Self {
        Self { pop3, ..self }
    }

    /// The same, whose SMTP listens at these `HOST:PORT`, in the clear: for other servers, and for users.
    pub fn with_smtp(self, smtp: Option<String>, submission: Option<String>) -> Self {
        Self {
            smtp,
            submission,
            ..self
        }
    }

    /// The same, which speaks IMAP under TLS from the first octet.
    pub fn with_tls(self, tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// The same, whose clients can follow STARTTLS.
    pub fn with_starttls(self, tls: Tls) -> Self {
        Self {
            start_tls: Some(tls),
            ..self
        }
    }

    /// The same, whose clients follow STARTTLS or STLS behind every greeting, before the transcript hears it.
    pub fn starting_tls(self, tls: Tls) -> Self {
        Self {
            always: true,
            ..self.with_starttls(tls)
        }
    }

    fn connection(&mut self, number: u8) -> io::Result<&mut Connection> {
        self.connections
            .get_mut(&number)
            .ok_or_else(|| io::Error::other(format!("connection {number} was not opened")))
    }
}

/// Whether a server listens there, and shakes hands if it should. Errors name the address and say why not.
pub fn reach(place: &str, tls: Option<&Tls>, patience: Duration) -> io::Result<()> {
    let stream = open(place, patience)?;
    tls.map_or(Ok(()), |tls| tls.connect(place, stream, patience).map(drop))
}

/// Connects to `HOST:PORT`: tries the addresses of the name, one after the other.
pub(crate) fn open(place: &str, patience: Duration) -> io::Result<TcpStream> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{place}: {error}"));
    let mut failure = io::Error::other(format!("{place}: no address"));
    for address in place.to_socket_addrs().map_err(named)? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = io::Error::new(error.kind(), format!("{address}: {error}")),
        }
    }
    Err(failure)
}

impl Player for Tcp {
    fn connect(&mut self, number: u8, protocol: Protocol, way: &Way) -> io::Result<()> {
        let unsupported = |what| Err(io::Error::new(io::ErrorKind::Unsupported, what));
        match way {
            Way::Certificate(_) => return unsupported("a client certificate"),
            Way::Afar => return unsupported("a host of the open network"),
            Way::Usual | Way::Tls => {}
        }
        let (place, unnamed) = match protocol {
            Protocol::Imap => (Some(&self.imap), ""),
            Protocol::Lmtp => (
                self.lmtp.as_ref(),
                "LMTP, of which no server was named: --lmtp HOST:PORT",
            ),
            Protocol::Pop3 => (
                self.pop3.as_ref(),
                "POP3, of which no server was named: --pop3 HOST:PORT",
            ),
            Protocol::Smtp => (
                self.smtp.as_ref(),
                "SMTP, of which no server was named: --smtp HOST:PORT",
            ),
            Protocol::Submission => (
                self.submission.as_ref(),
                "SUBMISSION, of which no server was named: --submission HOST:PORT",
            ),
        };
        let place = place.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, unnamed))?;
        let stream = open(place, self.patience)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(self.patience))?;
        let stream = match (&self.tls, protocol) {
            (Some(tls), Protocol::Imap) => {
                Stream::Tls(Box::new(tls.connect(place, stream, self.patience)?))
            }
            _ => Stream::Clear(stream),
        };
        self.until = None;
        let is_clear = matches!(stream, Stream::Clear(_));
        self.connections.insert(
            number,
            Connection {
                place: place.clone(),
                stream,
                deflate: Deflate::default(),
                heard: Vec::new(),
                searched: 0,
                closed: false,
            },
        );
        if is_clear && (self.always || *way == Way::Tls) {
            self.upgrade(number, protocol)?;
        }
        Ok(())
    }

    fn send(&mut self, number: u8, octets: &[u8]) -> io::Result<()> {
        self.until = None;
        let patience = self.patience;
        let connection = self.connection(number)?;
        let octets = connection.deflate.deflated(octets);
        connection.write(&octets, patience)
    }

    fn start_tls(&mut self, number: u8) -> io::Result<()> {
        const UNSURE: &str = "STARTTLS, for which nobody said whose certificate to trust: --tls";
        let tls = self.start_tls.clone();
        let tls = tls.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, UNSURE))?;
        let missing = || io::Error::other(format!("connection {number} was not opened"));
        let connection = self.connections.remove(&number).ok_or_else(missing)?;
        let Stream::Clear(stream) = connection.stream else {
            let begun = "a connection in the clear: TLS has begun already";
            return Err(io::Error::new(io::ErrorKind::Unsupported, begun));
        };
        if !connection.heard.is_empty() {
            return Err(io::Error::other(
                "the server said something in front of the handshake",
            ));
        }
        let stream = tls.connect(&connection.place, stream, self.patience)?;
        let stream = Stream::Tls(Box::new(stream));
        self.connections
            .insert(number, Connection { stream, ..connection });
        Ok(())
    }

    fn start_deflate(&mut self, number: u8) -> io::Result<()> {
        let connection = self.connection(number)?;
        // What the server has said behind its answer is compressed already.
        let heard = std::mem::take(&mut connection.heard);
        connection.searched = 0;
        connection.deflate = Deflate::begun();
        connection.take(heard)
    }

    fn stop_deflate(&mut self, number: u8) -> io::Result<()> {
        let connection = self.connection(number)?;
        connection.deflate.end();
        connection.take(Vec::new())
    }

    fn exporter(&mut self, number: u8) -> Option<[u8; 32]> {
        match &self.connections.get(&number)?.stream {
            Stream::Clear(_) => None,
            Stream::Tls(tls) => tls::exporter(&tls.conn),
        }
    }

    fn issue(&mut self, _: &str, _: &str) -> Result<(), Unsupported> {
        Err(Unsupported("an authorization server"))
    }

    fn hear(&mut self, number: u8) -> io::Result<Heard> {
        let patience = self.patience;
        let until = *self.until.get_or_insert_with(|| Instant::now() + patience);
        self.connection(number)?.line(until)
    }

    fn left_over(&mut self, number: u8) -> io::Result<Heard> {
        self.connection(number)?.line(Instant::now())
    }

    /// Waits a moment for the server to close, too: the next transcript meets a server that has done with this one.
    fn close(&mut self, number: u8) -> io::Result<()> {
        let Some(mut connection) = self.connections.remove(&number) else {
            return Ok(());
        };
        // A server that has closed already, or never does, is as good as closed.
        connection.stream.close();
        let until = Instant::now() + self.patience.min(FAREWELL);
        let mut last_words = (0..LAST_WORDS_MAX).map(|_| connection.line(until));
        let _ = last_words.find(|heard| !matches!(heard, Ok(Heard::Line(_))));
        Ok(())
    }

    fn pass(&mut self, _: u64) -> Result<(), Unsupported> {
        Err(Unsupported("virtual time"))
    }

    fn lead(&mut self, _: Option<&str>, _: &[String]) -> Result<(), Unsupported> {
        Err(Unsupported("aliases and catch-alls"))
    }

    fn fault(&mut self, _: &FaultRule) -> Result<(), Unsupported> {
        Err(Unsupported("injected faults"))
    }

    fn logins(&self) -> Logins {
        self.logins.clone()
    }
}

impl Connection {
    /// Sends all of it; a server that does not read is not waited for longer than `patience` in all.
    fn write(&mut self, octets: &[u8], patience: Duration) -> io::Result<()> {
        let until = Instant::now() + patience;
        let mut rest = octets;
        let mut flushed = false;
        while !rest.is_empty() || !flushed {
            if Instant::now() >= until {
                return Err(does_not_read(rest));
            }
            let written = match rest.is_empty() {
                true => self.stream.flush().map(|()| 0),
                false => self.stream.write(rest),
            };
            match written {
                Ok(0) if rest.is_empty() => flushed = true,
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => rest = &rest[n..],
                Err(error) if is_late(&error) => return Err(does_not_read(rest)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A server may close in the middle of what it is sent; whether it should have, the next step tells.
                Err(error) if is_hang_up(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn line(&mut self, until: Instant) -> io::Result<Heard> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Heard::Line(line));
            }
            if self.closed {
                let rest = std::mem::take(&mut self.heard);
                self.searched = 0;
                return Ok(if rest.is_empty() {
                    Heard::Closed
                } else {
                    Heard::Line(rest)
                });
            }
            if self.heard.len() > LINE_MAX {
                return Err(io::Error::other(
                    "the server sends without end and without a line end",
                ));
            }
            let late = Instant::now() >= until && !self.heard.is_empty();
            if late || !self.read(until.saturating_duration_since(Instant::now()))? {
                return match self.heard.len() {
                    0 => Ok(Heard::Silence),
                    n => Err(io::Error::other(format!(
                        "a line of the server does not end; {n} octets came"
                    ))),
                };
            }
        }
    }

    /// Takes the first line off what was heard, without its CRLF.
    fn take_line(&mut self) -> Option<Vec<u8>> {
        let unsearched = &self.heard[self.searched..];
        let Some(at) = unsearched.windows(2).position(|pair| pair == b"\r\n") else {
            // A CR at the end may get its LF yet.
            self.searched = self.heard.len().saturating_sub(1);
            return None;
        };
        let end = self.searched + at;
        self.searched = 0;
        Some(self.heard.drain(..end + 2).take(end).collect())
    }

    /// Takes in what came.
    fn take(&mut self, octets: Vec<u8>) -> io::Result<()> {
        self.deflate.inflate(octets, &mut self.heard)
    }

    /// Whether something came.
    fn read(&mut self, patience: Duration) -> io::Result<bool> {
        let mut octets = [0; 16 * 1024];
        self.stream
            .tcp()
            .set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        match self.stream.read(&mut octets) {
            Ok(0) => self.closed = true,
            Ok(n) => self.take(octets[..n].to_vec())?,
            Err(error) if is_late(&error) => return Ok(false),
            Err(error) if is_hang_up(&error) => self.closed = true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        // The last one: TLS was not ended as it should be.
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

fn does_not_read(rest: &[u8]) -> io::Error {
    io::Error::other(format!(
        "the server does not read: {} octets are left",
        rest.len()
    ))
}
