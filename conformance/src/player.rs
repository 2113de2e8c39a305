//! What a transcript is played over.

use std::fmt;
use std::io;

use lightmail_core::config::AntivirusMode;

use crate::transcript::{FaultRule, Protocol};

/// What a server says on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its CRLF.
    Line(Vec<u8>),
    /// The server has closed, and nothing is left to hear.
    Closed,
    /// Nothing came.
    Silence,
}

/// What a connection comes through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Whatever the player takes where nothing is said.
    #[default]
    Usual,
    /// TLS.
    Tls,
    /// TLS, with a client certificate that names this address.
    Certificate(String),
    /// The open network, from a host that is not the server's own.
    Afar,
}

/// Plays octets to a server and hears its lines. Connections are named by a transcript's numbers.
pub trait Player {
    /// Opens a connection. [`io::ErrorKind::Unsupported`]: there is no server of this protocol, or none that can be reached this way;
    /// the transcript does not apply.
    fn connect(&mut self, connection: u8, protocol: Protocol, way: &Way) -> io::Result<()>;
    /// Sends octets.
    fn send(&mut self, connection: u8, octets: &[u8]) -> io::Result<()>;
    /// The next line. Waits for it where waiting makes sense.
    fn hear(&mut self, connection: u8) -> io::Result<Heard>;
    /// Whether something is there to hear, without waiting: a line that the transcript does not know.
    fn left_over(&mut self, connection: u8) -> io::Result<Heard>;
    /// Shakes hands for TLS, as the client. [`io::ErrorKind::Unsupported`]: nobody said whose certificate to trust, the transcript
    /// does not apply.
    fn start_tls(&mut self, connection: u8) -> io::Result<()>;
    /// Compresses from here on, as the server does behind its answer to COMPRESS (RFC 4978, 3).
    fn start_deflate(&mut self, connection: u8) -> io::Result<()>;
    /// Compresses no more, as the server behind its answer to UNAUTHENTICATE, which is the last line heard (RFC 8437, 4.1).
    fn stop_deflate(&mut self, connection: u8) -> io::Result<()>;
    /// What the connection's TLS gives to bind to: `tls-exporter` (RFC 9266, 2); `None`: it has no TLS, or an old one.
    fn exporter(&mut self, connection: u8) -> Option<[u8; 32]>;
    /// Makes a bearer token good for an account.
    fn issue(&mut self, token: &str, login: &str) -> Result<(), Unsupported>;
    /// Closes our side.
    fn close(&mut self, connection: u8) -> io::Result<()>;
    /// Lets virtual time pass.
    fn pass(&mut self, ms: u64) -> Result<(), Unsupported>;
    /// Makes an effect fail once.
    fn fault(&mut self, rule: &FaultRule) -> Result<(), Unsupported>;
    /// Lets an address of the first account's domain lead to some of the accounts, or, without a local part, all that lead nowhere else
    /// to one of them.
    fn lead(&mut self, local: Option<&str>, accounts: &[String]) -> Result<(), Unsupported>;
    /// Has messages scanned from now on: those with this text in them are infected by what has this name.
    fn scan(&mut self, _name: &str, _mode: AntivirusMode) -> Result<(), Unsupported> {
        Err(Unsupported("a scanner that finds what a transcript says"))
    }
    /// Where `$user`, `$password` and `$other` come from.
    fn logins(&self) -> Logins;
}

/// The accounts that transcripts may use.
#[derive(Clone, Debug)]
pub struct Logins {
    /// The account's login name, which is an address.
    pub user: String,
    /// Its password.
    pub password: String,
    /// A second account's login name with the same password; empty where there is none.
    pub other: String,
}

/// The player cannot do this: the transcript does not apply here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported(pub &'static str);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
