//! One connection: two threads that pass octets on, and the record between them.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::script::{RECORD_MAX, Script};
use super::{Masker, Recorder, create, masker};
use crate::tcp;

/// The most octets of a server's line in a record.
const SERVER_LINE_MAX: usize = 1024 * 1024;
/// How long a peer may take to read what is passed on to it.
const READ_WITHIN: Duration = Duration::from_secs(300);

/// Serves one client until either side has closed; the file that holds the record.
pub(super) fn pass(client: TcpStream, recorder: &Recorder, tell: fn(&str)) -> io::Result<PathBuf> {
    let server = tcp::open(&recorder.to, recorder.patience)
        .map_err(|error| io::Error::new(error.kind(), format!("the server cannot be reached: {error}")))?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(READ_WITHIN))?;
    }
    let (path, file) = create(&recorder.output)?;
    let script = Script::begin(
        file,
        recorder.protocol,
        &recorder.to,
        &recorder.given,
        recorder.literal,
    )?;
    let record = Mutex::new(Record::new(masker(recorder.protocol), script));
    let (server_is_done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (client, server, record) = (&client, &server, &record);
        scope.spawn(move || {
            copy(client, server, |octets| {
                keep(record, |record| record.client(octets))
            });
            keep(record, Record::client_closes);
            let _ = server.shutdown(Shutdown::Write);
            // A server that does not close behind its client is left.
            let _ = wait.recv_timeout(recorder.patience);
            let _ = server.shutdown(Shutdown::Both);
        });
        copy(server, client, |octets| {
            keep(record, |record| record.server(octets))
        });
        keep(record, Record::server_closes);
        let _ = client.shutdown(Shutdown::Both);
        drop(server_is_done);
    });
    if let Some(why) = keep(&record, Record::end) {
        tell(&format!("{}: {why}", path.display()));
    }
    Ok(path)
}

fn keep<T>(record: &Mutex<Record>, then: impl FnOnce(&mut Record) -> T) -> T {
    then(&mut record.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Passes octets on until either side is gone; `see` sees them first.
fn copy(mut from: &TcpStream, mut to: &TcpStream, see: impl Fn(&[u8])) {
    let mut octets = [0; 16 * 1024];
    loop {
        match from.read(&mut octets) {
            Ok(0) => return,
            Ok(n) => {
                see(&octets[..n]);
                if to.write_all(&octets[..n]).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// What has passed.
struct Record {
    masker: Box<dyn Masker>,
    script: Script<File>,
    /// The server's line that has not ended.
    held: Vec<u8>,
    /// Who has closed, as far as the other had nothing more to say.
    closes: Option<&'static str>,
    /// Why nothing more is written.
    over: Option<String>,
}

impl Record {
    fn new(masker: Box<dyn Masker>, script: Script<File>) -> Self {
        Self {
            masker,
            script,
            held: Vec::new(),
            closes: None,
            over: None,
        }
    }

    fn client(&mut self, octets: &[u8]) {
        for piece in self.masker.client(octets) {
            self.write(|script| script.client(&piece));
        }
    }

    fn server(&mut self, octets: &[u8]) {
        // Only a CR at the end of what was held may be the beginning of a line end.
        let mut searched = self.held.len().saturating_sub(1);
        self.held.extend_from_slice(octets);
        let mut from = 0;
        while let Some(at) = self.held[searched..].windows(2).position(|pair| pair == b"\r\n") {
            let line = self.held[from..searched + at].to_vec();
            from = searched + at + 2;
            searched = from;
            self.line(line);
        }
        self.held.drain(..from);
        if self.held.len() > SERVER_LINE_MAX {
            self.held.clear();
            self.stop("a line of the server is longer than a mebioctet");
        }
    }

    fn client_closes(&mut self) {
        let rest = self.masker.end();
        if !rest.is_empty() {
            self.write(|script| script.client(&rest));
        }
        self.closes.get_or_insert("C closes");
    }

    /// Also where the client has closed its half only, and the server had more to say.
    fn server_closes(&mut self) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.line(held);
        }
        self.closes.get_or_insert("S closes");
    }

    fn line(&mut self, mut line: Vec<u8>) {
        self.closes = None;
        let account = self.masker.server(&mut line);
        self.write(|script| script.server(&line));
        if let Some(phrase) = account.and_then(|account| account.phrase()) {
            self.write(|script| script.note(&format!("given    {phrase}")));
        }
        if self.masker.is_blind() {
            self.stop("the session goes on under TLS or compressed");
        }
    }

    fn write(&mut self, put: impl FnOnce(&mut Script<File>) -> io::Result<()>) {
        if self.over.is_some() {
            return;
        }
        if let Err(error) = put(&mut self.script) {
            self.over = Some(format!("the record is not whole: {error}"));
        } else if self.script.is_full() {
            self.stop(&format!("it has {} MiB", RECORD_MAX / 1024 / 1024));
        }
    }

    /// Writes nothing from here on; a failure to say so is one of the file, which cannot be told there.
    fn stop(&mut self, why: &str) {
        if self.over.is_none() {
            let _ = self.script.note(&format!("# The record ends here: {why}."));
            self.over = Some(format!("the record is not whole: {why}"));
        }
    }

    /// Both sides are gone; says what a reader of the file must know.
    fn end(&mut self) -> Option<String> {
        if let Some(closes) = self.closes {
            self.write(|script| script.note(closes));
        }
        self.over.take()
    }
}
