//! Starts a shell (`crate::BINARY`) on private ports and folders, and runs real clients against it.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod backing;
pub mod clamd;
pub mod load;
pub mod postfix;
pub mod relay;

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use lightmail_core::machine::Secret;
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, load, make_account};

/// A running server, killed when dropped.
pub struct Server {
    pub child: Child,
    pub folder: PathBuf,
    pub imap: u16,
    pub imaps: u16,
    pub lmtp: u16,
    pub pop3: u16,
    pub pop3s: u16,
    pub smtp: u16,
    pub submission: u16,
    pub submissions: u16,
    pub password: String,
}

pub const USER: &str = "user@example.com";

/// What servers call themselves.
const HOSTNAME: &str = "mail.test";

impl Server {
    /// A server on a fresh data folder, with its first account.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, "")
    }

    /// The same, with more configuration.
    pub fn start_with(name: &str, more: &str) -> Self {
        let (mut server, said) = Self::launch(name, HOSTNAME, more);
        let password = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("password: "))
            .and_then(|rest| rest.split_whitespace().next());
        match password {
            Some(password) => server.password = password.to_owned(),
            // In a database of a server no account is made by itself.
            None => {
                server.password = "a-password-of-tests".to_owned();
                server.add_account(USER);
            }
        }
        server
    }

    /// One more node for the accounts of this one, whose database and bucket the configuration names.
    pub fn join(&self, name: &str, more: &str) -> Self {
        let mut server = Self::start_on(name, HOSTNAME, more);
        server.password.clone_from(&self.password);
        server
    }

    /// A server on a fresh data folder for the accounts of a database and the bodies of a bucket that the configuration names.
    pub fn start_on(name: &str, hostname: &str, sections: &str) -> Self {
        let (server, said) = Self::launch(name, hostname, sections);
        assert!(!said.contains("password: "), "{said}");
        server
    }

    /// A server on a fresh data folder, and what it says at its start.
    fn launch(name: &str, hostname: &str, more: &str) -> (Self, String) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Not below the target folder: a UNIX socket's path is at most 107 octets long.
        let folder = std::env::temp_dir().join(format!("lm-{}-{count}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let (imap, imaps, lmtp) = (free_port(), free_port(), free_port());
        let (pop3, pop3s) = (free_port(), free_port());
        let (smtp, submission, submissions) = (free_port(), free_port(), free_port());
        let config = format!(
            "[server]\nhostname = {hostname}\ndata_dir = {0}/data\n[imap]\nport = {imap}\ntls_port = {imaps}\n[pop3]\nport = {pop3}\ntls_port = {pop3s}\n[smtp_server]\nport = {smtp}\nsubmission_port = {submission}\nsubmissions_port = {submissions}\n[lmtp]\nport = {lmtp}\nsocket = {0}/lmtp.sock\n[auth]\nbcrypt_cost = 4\n{more}\n",
            folder.display()
        );
        fs::write(folder.join("config.ini"), config).unwrap();
        let (child, said) = spawn(&folder);
        let server = Self {
            child,
            folder,
            imap,
            imaps,
            lmtp,
            pop3,
            pop3s,
            smtp,
            submission,
            submissions,
            password: String::new(),
        };
        (server, said)
    }

    /// Kills without warning and starts again on the same folder.
    pub fn kill_and_start_again(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Lets it end in good order.
    pub fn end(mut self) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Kills without warning.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again on the same folder, after [`Server::stop`].
    pub fn start_again(&mut self) {
        self.child = spawn(&self.folder).0;
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The certificate that the server made for itself.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("data/tls.crt")
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("lmtp.sock")
    }

    /// Resident memory in KiB.
    pub fn rss_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub fn signal(&self, name: &str) {
        run(Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string()));
    }

    pub fn lightmail(&self) -> Command {
        let mut command = Command::new(crate::BINARY);
        command.arg("--config").arg(self.folder.join("config.ini"));
        command
    }

    /// One more account, with the same password; made beside the running server.
    pub fn add_account(&self, login: &str) {
        let file = self.folder.join("config.ini");
        let password = Secret(self.password.clone());
        let made = block_on(async {
            let config = load(Some(&file), None)?.config;
            let storage = Storage::open(&config).await.map_err(CliError::failed)?;
            let made = make_account(&storage, login, password).await;
            storage.close().await;
            made
        });
        made.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The server's storage, beside the server.
    pub fn storage(&self) -> Storage {
        let loaded = load(Some(&self.folder.join("config.ini")), None);
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
        block_on(Storage::open(&loaded.config)).unwrap()
    }

    pub fn imap_client(&self) -> Client {
        Client::connect(self.imap)
    }

    pub fn logged_in(&self) -> Client {
        let mut client = self.imap_client();
        client.ok(&format!("LOGIN {USER} {}", self.password));
        client
    }

    /// Delivers so many messages, with their numbers from 1 on as subjects.
    pub fn deliver_numbered(&self, count: u32) {
        for n in 1..=count {
            let reply = self.deliver(format!("Subject: {n}\r\n\r\n").as_bytes());
            assert!(reply.starts_with("250 "), "{reply}");
        }
    }

    /// Delivers over LMTP and returns the reply to the final dot.
    pub fn deliver(&self, message: &[u8]) -> String {
        self.deliver_to(USER, message)
    }

    /// The same, to some address.
    pub fn deliver_to(&self, recipient: &str, message: &[u8]) -> String {
        bring(self.lmtp, "LHLO", recipient, message)
    }

    /// The same over SMTP, as another server does.
    pub fn deliver_by_smtp(&self, recipient: &str, message: &[u8]) -> String {
        bring(self.smtp, "EHLO", recipient, message)
    }
}

/// Brings a message to a door; the reply to the final dot.
fn bring(port: u16, hello: &str, recipient: &str, message: &[u8]) -> String {
    let mut client = Client::connect(port);
    client.say(&format!("{hello} test"));
    client.until("250 ");
    for line in [
        "MAIL FROM:<sender@example.org>",
        &format!("RCPT TO:<{recipient}>"),
    ] {
        client.say(line);
        let reply = client.line();
        assert!(reply.starts_with("250 "), "{line}: {reply}");
    }
    client.say("DATA");
    client.until("354 ");
    client.send(message);
    client.send(b"\r\n.\r\n");
    client.line()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The process and what it says before it serves.
fn spawn(folder: &Path) -> (Child, String) {
    let log = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join("log"))
        .unwrap();
    let mut child = Command::new(crate::BINARY)
        .arg("--config")
        .arg(folder.join("config.ini"))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ready.") {
        if out.read_line(&mut said).unwrap() == 0 {
            panic!(
                "the server ended: {said}{}",
                fs::read_to_string(folder.join("log")).unwrap()
            );
        }
    }
    // What it says later goes nowhere, and never blocks it.
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    (child, said)
}

/// A port that nobody has: below those that the system gives to clients, and never the same twice in this process.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let nth = std::process::id()
            .wrapping_mul(131)
            .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(nth % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Runs a command that must succeed; what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/test installs what is needed"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// Runs a command with octets on its standard input; what it printed, and whether it succeeded.
pub fn run_with(command: &mut Command, input: &[u8]) -> (bool, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), text)
}

/// Waits for something that comes soon, however slow the machine.
pub fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !look() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A session in which something breaks: a body is gone from the disk.
pub fn break_session(server: &mut Server) {
    assert!(server.deliver(b"Subject: x\r\n\r\nbody\r\n").starts_with("250 "));
    // What is in memory is forgotten.
    server.kill_and_start_again();
    for body in fs::read_dir(server.folder.join("data/emails")).unwrap() {
        fs::remove_file(body.unwrap().path()).unwrap();
    }
    let mut client = server.logged_in();
    client.ok("SELECT INBOX");
    let answer = client.command("FETCH 1 BODY[]").pop().unwrap();
    assert!(answer.contains(" NO ["), "{answer}");
    client.command("LOGOUT");
}

/// The same, and the file of its record.
pub fn broken_session(server: &mut Server) -> PathBuf {
    break_session(server);
    let folder = server.folder.join("data/records");
    let files = || {
        fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().path())
    };
    eventually("a record that is written", || {
        files().any(|file| fs::read_to_string(file).unwrap().ends_with("end Whole\n"))
    });
    files().next().unwrap()
}

/// A client that speaks lines.
pub struct Client {
    pub stream: BufReader<TcpStream>,
    tag: u32,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut client = Self {
            stream: BufReader::new(stream),
            tag: 0,
        };
        client.line();
        client
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).unwrap();
    }

    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// The next line without its line end; empty at the end of the connection too.
    pub fn line(&mut self) -> String {
        self.next_line().unwrap_or_default()
    }

    /// The next line without its line end; `None` at the end of the connection.
    fn next_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).unwrap();
        (read > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Lines up to and with the one that begins so.
    pub fn until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.next_line() else {
                panic!("the server closed before {start:?}: {lines:?}")
            };
            let found = line.starts_with(start);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    pub fn octets(&mut self, n: usize) -> Vec<u8> {
        let mut octets = vec![0; n];
        self.stream.read_exact(&mut octets).unwrap();
        octets
    }

    /// A command; its lines, the tagged one last.
    pub fn command(&mut self, command: &str) -> Vec<String> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.say(&format!("{tag} {command}"));
        self.until(&tag)
    }

    /// A command that must be answered with OK.
    pub fn ok(&mut self, command: &str) -> Vec<String> {
        let lines = self.command(command);
        assert!(
            lines.last().unwrap().split(' ').nth(1) == Some("OK"),
            "{command}: {lines:?}"
        );
        lines
    }

    /// How long so many NOOPs take, one after the other; the shortest first.
    pub fn pulse(&mut self, many: usize) -> Vec<Duration> {
        let mut took: Vec<_> = (0..many)
            .map(|_| {
                let begun = Instant::now();
                self.ok("NOOP");
                begun.elapsed()
            })
            .collect();
        took.sort();
        took
    }
}
