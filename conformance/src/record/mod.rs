//! Records a session: a proxy between a client and a server that writes what passes as a transcript, one for each connection.
//!
//! A record holds no password: what logs in, or may be meant to, is masked with as many `x` as it had octets (`mask`, `imap`,
//! `lmtp`, `pop3`). Each line stands in its file before it is passed on, so that it is there whatever ends the program, and in the order of
//! cause and effect. Neither side is waited for by the other longer than TCP makes it: what one does not read, the other is not
//! asked for.

mod imap;
mod lines;
mod lmtp;
mod mask;
mod pop3;
mod proxy;
mod script;
#[cfg(test)]
mod tests;
mod vary;

use std::fs::{File, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::given::Given;
use crate::transcript::Protocol;

/// What is recorded, and where to.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// The server, `HOST:PORT`.
    pub to: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// The first connection's file; the next ones get a number before its extension. No file is ever overwritten.
    pub output: PathBuf,
    /// Phrases of what the mailboxes hold at the start ([`crate::given`]).
    pub given: Vec<String>,
    /// Whether lines of the server stand as they came, without patterns for what varies.
    pub literal: bool,
    /// How long the server may take to accept a connection, and to close behind a client that has closed.
    pub patience: Duration,
}

/// Connections that are served at the same time; more are closed at once.
const CONNECTIONS_MAX: usize = 64;
/// Files that are tried for a name that is free.
const FILES_MAX: usize = 100_000;

/// Records whoever connects, without end; `tell` is called with a line for the operator. Errors: the listener's.
pub fn serve(listener: &TcpListener, recorder: Recorder, tell: fn(&str)) -> io::Result<()> {
    let recorder = Arc::new(recorder);
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let (client, peer) = listener.accept()?;
        if open.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
            tell(&format!(
                "{peer}: closed, because {CONNECTIONS_MAX} connections are open"
            ));
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (recorder, open) = (Arc::clone(&recorder), Arc::clone(&open));
        thread::spawn(move || {
            match proxy::pass(client, &recorder, tell) {
                Ok(file) => tell(&format!("{peer}: recorded in {}", file.display())),
                Err(error) => tell(&format!("{peer}: {error}")),
            }
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Reads phrases of what the mailboxes hold, one a line, with or without `given` in front. An error names the line.
pub fn read_given(text: &str) -> Result<Vec<String>, String> {
    let mut phrases = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("given ").unwrap_or(line);
        let listed = line
            .split(';')
            .map(str::trim)
            .filter(|phrase| !phrase.is_empty() && !phrase.starts_with('#'));
        for phrase in listed {
            match Given::parse(phrase) {
                Ok(Given::Mailbox { .. }) => phrases.push(phrase.to_owned()),
                Ok(_) => {
                    return Err(format!(
                        "{}: expected a mailbox, as INBOX with 3 messages",
                        at + 1
                    ));
                }
                Err(bad) => return Err(format!("{}: {bad}", at + 1)),
            }
        }
    }
    Ok(phrases)
}

/// Who has logged in, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Account {
    login: Option<String>,
    /// The octets of the mask.
    password_len: Option<usize>,
}

impl Account {
    fn merge(&mut self, login: Option<String>, password_len: Option<usize>) {
        self.login = login.or(self.login.take());
        self.password_len = password_len.or(self.password_len);
    }

    /// The phrase that gives a replay this account; `None` if it cannot be written.
    fn phrase(&self) -> Option<String> {
        let login = self.login.as_deref()?;
        let mask = char::from(mask::MASK).to_string().repeat(self.password_len?);
        let phrase = format!("account \"{login}\" with password \"{mask}\"");
        let is_one = !login.contains([';', '#']) && !login.chars().any(char::is_control);
        (is_one && Given::parse(&phrase).is_ok()).then_some(phrase)
    }
}

/// Follows a session and masks its secrets.
trait Masker: Send {
    /// Takes octets of the client; what may be written of them, in pieces of at most a line.
    fn client(&mut self, octets: &[u8]) -> Vec<Vec<u8>>;
    /// Takes a line of the server without its line end, and masks in it what it repeats; who has been logged in by it.
    fn server(&mut self, line: &mut [u8]) -> Option<Account>;
    /// What is left when the client has closed in the midst of a line.
    fn end(&mut self) -> Vec<u8>;
    /// Whether the session goes on under TLS or compressed, and nothing more can be understood.
    fn is_blind(&self) -> bool;
}

fn masker(protocol: Protocol) -> Box<dyn Masker> {
    match protocol {
        Protocol::Imap => Box::new(imap::Imap::default()),
        Protocol::Lmtp | Protocol::Smtp | Protocol::Submission => Box::new(lmtp::Lmtp::default()),
        Protocol::Pop3 => Box::new(pop3::Pop3::default()),
    }
}

/// Makes the first file of this name, or with `-2`, `-3` … before its extension, that is not there yet.
fn create(output: &Path) -> io::Result<(PathBuf, File)> {
    let stem = output
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let extension = output.extension().map_or(String::new(), |extension| {
        format!(".{}", extension.to_string_lossy())
    });
    for number in 1..FILES_MAX {
        let path = match number {
            1 => output.to_owned(),
            _ => output.with_file_name(format!("{stem}-{number}{extension}")),
        };
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("{}: {error}", path.display()),
                ));
            }
        }
    }
    Err(io::Error::other(format!(
        "{}: there are {FILES_MAX} of them; clear them away",
        output.display()
    )))
}
