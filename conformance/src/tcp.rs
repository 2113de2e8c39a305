//! A live server over TCP.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::player::{Heard, Logins, Player, Unsupported};
use crate::transcript::{FaultRule, Protocol};

/// A live server.
pub struct Tcp {
    imap: String,
    lmtp: Option<String>,
    logins: Logins,
    patience: Duration,
    connections: HashMap<u8, Connection>,
}

struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
    closed: bool,
}

/// A server that sends more than this without a line end floods us.
const LINE_MAX: usize = 64 * 1024 * 1024;

impl Tcp {
    /// `imap` and `lmtp` are `HOST:PORT`; `patience`: how long a line may take.
    pub fn new(imap: String, lmtp: Option<String>, logins: Logins, patience: Duration) -> Self {
        Self {
            imap,
            lmtp,
            logins,
            patience,
            connections: HashMap::new(),
        }
    }

    fn connection(&mut self, number: u8) -> io::Result<&mut Connection> {
        self.connections
            .get_mut(&number)
            .ok_or_else(|| io::Error::other(format!("connection {number} was not opened")))
    }
}

impl Player for Tcp {
    fn connect(&mut self, number: u8, protocol: Protocol) -> io::Result<()> {
        let place = match protocol {
            Protocol::Imap => Some(&self.imap),
            Protocol::Lmtp => self.lmtp.as_ref(),
        };
        let place =
            place.ok_or_else(|| io::Error::other("no LMTP server was named; use --lmtp HOST:PORT"))?;
        let stream = TcpStream::connect(place)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(self.patience))?;
        self.connections.insert(
            number,
            Connection {
                stream,
                heard: Vec::new(),
                closed: false,
            },
        );
        Ok(())
    }

    fn send(&mut self, number: u8, octets: &[u8]) -> io::Result<()> {
        self.connection(number)?.stream.write_all(octets)
    }

    fn hear(&mut self, number: u8) -> io::Result<Heard> {
        let patience = self.patience;
        self.connection(number)?.line(patience)
    }

    fn left_over(&mut self, number: u8) -> io::Result<Heard> {
        self.connection(number)?.line(Duration::ZERO)
    }

    fn close(&mut self, number: u8) -> io::Result<()> {
        self.connections.remove(&number);
        Ok(())
    }

    fn pass(&mut self, _: u64) -> Result<(), Unsupported> {
        Err(Unsupported("virtual time"))
    }

    fn fault(&mut self, _: &FaultRule) -> Result<(), Unsupported> {
        Err(Unsupported("injected faults"))
    }

    fn logins(&self) -> Logins {
        self.logins.clone()
    }
}

impl Connection {
    fn line(&mut self, patience: Duration) -> io::Result<Heard> {
        let end = Instant::now() + patience;
        loop {
            if let Some(at) = self.heard.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.heard.drain(..at + 2).take(at).collect();
                return Ok(Heard::Line(line));
            }
            if self.closed {
                let rest = std::mem::take(&mut self.heard);
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
            if !self.read(end.saturating_duration_since(Instant::now()))? {
                return Ok(Heard::Silence);
            }
        }
    }

    /// Whether something came.
    fn read(&mut self, patience: Duration) -> io::Result<bool> {
        let mut octets = [0; 16 * 1024];
        self.stream
            .set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        match self.stream.read(&mut octets) {
            Ok(0) => self.closed = true,
            Ok(n) => self.heard.extend_from_slice(&octets[..n]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.closed = true,
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
