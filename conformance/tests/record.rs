//! The recording proxy between real sockets: what ends a session, and who misbehaves in it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lightmail_conformance::Transcript;
use lightmail_conformance::record::{Recorder, serve};
use lightmail_conformance::transcript::Protocol;

/// A folder of a test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lm-record-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server with these manners, and a recorder before it; where the recorder listens.
fn recorder(folder: &Folder, manners: fn(TcpStream)) -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap().to_string();
    thread::spawn(move || server.incoming().flatten().for_each(manners));
    recorder_to(folder, to)
}

fn recorder_to(folder: &Folder, to: String) -> String {
    let recorder = Recorder {
        to,
        protocol: Protocol::Imap,
        output: folder.0.join("session.txt"),
        given: vec!["INBOX with 1 message".into()],
        literal: false,
        patience: Duration::from_millis(100),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || serve(&listener, recorder, |_| {}));
    place
}

/// The file, as soon as the session in it has ended so.
fn recorded(file: &Path, end: &str) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.ends_with(end) {
            let name = file.display().to_string();
            Transcript::parse(&name, &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            return text.split_once("\n\n").unwrap().1.to_owned();
        }
        assert!(Instant::now() < until, "{text}");
        thread::yield_now();
    }
}

/// Reads all that comes.
fn read(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text
}

/// Greets, and answers every line with OK; `BYE` is followed by the end.
fn polite(mut stream: TcpStream) {
    stream.write_all(b"* OK hello\r\n").unwrap();
    let mut line = Vec::new();
    let mut octet = [0];
    while stream.read(&mut octet).is_ok_and(|n| n > 0) {
        line.push(octet[0]);
        if octet == *b"\n" {
            let _ = stream.write_all(b"a OK done\r\n");
            if line == b"BYE\r\n" {
                return;
            }
            line.clear();
        }
    }
}

#[test]
fn a_client_that_closes() {
    let folder = Folder::new();
    let mut client = TcpStream::connect(recorder(&folder, polite)).unwrap();
    client.read_exact(&mut [0; 12]).unwrap();
    client.write_all(b"a LOGIN bob secret\r\n").unwrap();
    client.read_exact(&mut [0; 11]).unwrap();
    drop(client);
    assert_eq!(
        recorded(&folder.0.join("session.txt"), "closes\n"),
        "S: * OK ...  # hello\nC: a LOGIN bob xxxxxx\nS: a OK ...  # done\ngiven    account \"bob\" with password \"xxxxxx\"\nC closes\n"
    );
}

#[test]
fn a_server_that_closes() {
    let folder = Folder::new();
    let mut client = TcpStream::connect(recorder(&folder, polite)).unwrap();
    client.write_all(b"BYE\r\n").unwrap();
    assert_eq!(read(&mut client), "* OK hello\r\na OK done\r\n");
    let record = recorded(&folder.0.join("session.txt"), "closes\n");
    assert!(record.ends_with("S: a OK ...  # done\nS closes\n"), "{record}");
}

#[test]
fn a_server_that_answers_a_client_which_has_closed_its_half() {
    let folder = Folder::new();
    let mut client = TcpStream::connect(recorder(&folder, |mut stream| {
        read(&mut stream);
        stream.write_all(b"* BYE late\r\n").unwrap();
    }))
    .unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&mut client), "* BYE late\r\n");
    assert_eq!(
        recorded(&folder.0.join("session.txt"), "closes\n"),
        "S: * BYE ...  # late\nS closes\n"
    );
}

#[test]
fn a_server_that_does_not_close_behind_its_client() {
    let folder = Folder::new();
    let place = recorder(&folder, |mut stream| {
        stream.write_all(b"* OK hello\r\n").unwrap();
        // Holds the connection until the recorder lets go of it.
        while stream.write_all(b"* OK\r\n").is_ok() {
            thread::yield_now();
        }
    });
    drop(TcpStream::connect(place).unwrap());
    recorded(&folder.0.join("session.txt"), "closes\n");
}

#[test]
fn no_server_at_all_closes_the_client() {
    let folder = Folder::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = recorder_to(&folder, nobody.to_string());
    let mut client = TcpStream::connect(place).unwrap();
    assert_eq!(read(&mut client), "");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn a_server_that_floods_without_a_line_end() {
    let folder = Folder::new();
    let place = recorder(
        &folder,
        |mut stream| while stream.write_all(&[b'x'; 64 * 1024]).is_ok() {},
    );
    let mut client = TcpStream::connect(place).unwrap();
    let mut octets = [0; 64 * 1024];
    for _ in 0..64 {
        client.read_exact(&mut octets).unwrap();
    }
    drop(client);
    let end = "# The record ends here: a line of the server is longer than a mebioctet.\n";
    let until = Instant::now() + Duration::from_secs(20);
    let file = folder.0.join("session.txt");
    while !fs::read_to_string(&file).unwrap().ends_with(end) {
        assert!(Instant::now() < until);
        thread::yield_now();
    }
    assert!(fs::metadata(&file).unwrap().len() < 2048);
}

#[test]
fn every_connection_has_a_file_of_its_own_and_none_is_overwritten() {
    let folder = Folder::new();
    fs::write(folder.0.join("session.txt"), "mine").unwrap();
    let place = recorder(&folder, polite);
    for name in ["session-2.txt", "session-3.txt"] {
        let mut client = TcpStream::connect(&place).unwrap();
        client.write_all(b"BYE\r\n").unwrap();
        read(&mut client);
        recorded(&folder.0.join(name), "S closes\n");
    }
    assert_eq!(fs::read_to_string(folder.0.join("session.txt")).unwrap(), "mine");
}

#[test]
fn an_interrupted_recording_is_whole_up_to_its_last_line() {
    let folder = Folder::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap().to_string();
    thread::spawn(move || server.incoming().flatten().for_each(polite));
    let mut recorder = std::process::Command::new(env!("CARGO_BIN_EXE_lightmail-conformance"))
        .args([
            "record",
            "--listen",
            "127.0.0.1:0",
            "--protocol",
            "imap",
            "--to",
            &to,
            "--output",
        ])
        .arg(folder.0.join("session.txt"))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(recorder.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    let place = line
        .strip_prefix("Connect the client to ")
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    let mut client = TcpStream::connect(place).unwrap();
    client.read_exact(&mut [0; 12]).unwrap();
    client.write_all(b"a LOGIN bob secret\r\nb NO").unwrap();
    client.read_exact(&mut [0; 11]).unwrap();
    // As Ctrl-C, which a shell may have its background jobs ignore.
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &recorder.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    recorder.wait().unwrap();
    let record = recorded(&folder.0.join("session.txt"), "\"xxxxxx\"\n");
    assert!(
        record.contains("C: a LOGIN bob xxxxxx\nS: a OK ...  # done\n"),
        "{record}"
    );
}
