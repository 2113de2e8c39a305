//! A house with one door, behind which a small machine does what it is told: for tests of a shell's own side.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use lightmail_core::config::Config;
use lightmail_core::doors::{Door, Place, Transport};
use lightmail_core::greet::{Greet, again};
use lightmail_core::imap;
use lightmail_core::machine::record::{End, Record, play};
use lightmail_core::machine::{Action, Disclosures, Due, Input, Machine, Step, Time};
use lightmail_storage::Storage;
use lightmail_storage::shell::{Bound, House, Spawn, Tls, Worker};

/// Says every octet again; panics at `!`. After `?` it wants nothing but the end.
#[derive(Default)]
struct Echo {
    say: Option<Bytes>,
    is_deaf: bool,
    is_over: bool,
}

impl Machine for Echo {
    fn handle(&mut self, _: Time, input: Input) {
        match input {
            Input::Bytes { octets, .. } => {
                assert!(!octets.contains(&b'!'), "on purpose");
                self.is_deaf = octets.contains(&b'?');
                self.say = Some(octets);
            }
            Input::Eof => self.is_over = true,
            Input::Shutdown => self.is_over = !self.is_deaf,
            _ => {}
        }
    }

    fn poll(&mut self) -> Step {
        match self.say.take() {
            Some(octets) => Step::Act(Action::Send(octets)),
            None if self.is_over => Step::Over,
            None => Step::Wait {
                bytes: !self.is_deaf,
                until: None,
            },
        }
    }
}

/// Who answers at a door: an [`Echo`].
pub fn echoes() -> Greet {
    Greet::new("echo", |_, _| Box::new(Echo::default()))
}

/// An IMAP session that panics when it is to answer a command with the tag `boom`.
struct Doomed(Box<dyn Machine + Send>);

impl Machine for Doomed {
    fn handle(&mut self, now: Time, input: Input) {
        self.0.handle(now, input);
    }

    fn poll(&mut self) -> Step {
        let step = self.0.poll();
        assert!(
            !matches!(&step, Step::Act(Action::Send(octets)) if octets.starts_with(b"boom ")),
            "on purpose"
        );
        step
    }

    fn disclosed(&mut self) -> Disclosures {
        self.0.disclosed()
    }
}

/// Who answers at a door: a [`Doomed`].
pub fn doomed() -> Greet {
    Greet::imap(imap::Settings::default()).within(Doomed)
}

/// A worker's machine that panics at its first tick, or does nothing until the server drains.
struct Clumsy {
    panics: bool,
    is_over: bool,
}

impl Machine for Clumsy {
    fn handle(&mut self, _: Time, input: Input) {
        assert!(!self.panics, "on purpose");
        self.is_over = input == Input::Shutdown;
    }

    fn poll(&mut self) -> Step {
        match self.is_over {
            true => Step::Over,
            false => Step::Wait {
                bytes: true,
                until: self.panics.then_some(Due::Idle(0)),
            },
        }
    }
}

/// A worker that panics twice, and what tells whenever it begins.
pub fn clumsy(house: &House) -> (Worker, Receiver<()>) {
    let (begun, begins) = channel();
    let left = std::sync::atomic::AtomicUsize::new(3);
    let worker = Worker::new(house, "clumsy", move |_| {
        begun.send(()).unwrap();
        Box::new(Clumsy {
            panics: left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) > 1,
            is_over: false,
        })
    });
    (worker.resting(Duration::from_millis(1)), begins)
}

/// Waits until it has begun for the third time.
pub fn third(begins: &Receiver<()>) {
    for _ in 0..3 {
        begins.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}

/// A house with one door, behind which these are.
pub async fn house(name: &str, transport: Transport, greet: Greet, spawn: Spawn) -> (House, Door, Bound) {
    let folder = folder(name);
    let _ = std::fs::remove_dir_all(&folder);
    let storage = Storage::open_at(&folder, 4).await.unwrap();
    let door = Door {
        proto: "imap",
        transport,
        place: Place::Tcp("127.0.0.1".into(), 0),
        greet,
        full: "full\r\n",
    };
    let bound = Bound::at(&door).unwrap_or_else(|error| panic!("{error}"));
    let mut config = Config::default();
    config.server.data_dir = folder.display().to_string();
    let tls = Tls::open(&config).unwrap_or_else(|error| panic!("{error}"));
    (House::new(&config, storage, tls, spawn), door, bound)
}

/// Where the house keeps its things.
pub fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("lm-{}-{name}", std::process::id()))
}

/// Ends the house: every session has to end by itself. `sleep` is the runtime's. What was recorded of those that broke.
pub async fn close<F: Future<Output = ()>>(
    house: House,
    name: &str,
    sleep: impl FnOnce(Duration) -> F,
) -> Vec<String> {
    let overdue = async |_| {
        sleep(Duration::from_secs(30)).await;
        panic!("a session is still there");
    };
    house.close(overdue).await;
    let files = std::fs::read_dir(folder(name).join("records"))
        .into_iter()
        .flatten();
    let records = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let records = records.collect();
    std::fs::remove_dir_all(folder(name)).unwrap();
    records
}

/// Says a password where none belongs, then what makes the session panic.
pub fn dooms(place: &str) {
    let mut doomed = TcpStream::connect(place).unwrap();
    doomed.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    doomed.write_all(b"a NOOP\r\n").unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"a OK NOOP completed\r\n") {
        let mut octet = [0];
        doomed.read_exact(&mut octet).unwrap();
        heard.extend(octet);
    }
    doomed
        .write_all(b"b LOGINN user Hunter2!\r\nboom NOOP\r\nc LOGIN user Hunter2!\r\n")
        .unwrap();
    let _ = doomed.read_to_end(&mut heard);
}

/// The record of the session that [`dooms`] had: fed to a session without doom, it does the same up to the last step.
pub fn assert_replays(records: &[String]) {
    let [text] = records else { panic!("{records:?}") };
    assert!(!text.contains("Hunter"), "{text}");
    assert!(text.contains("\\r\\nboom NOOP\\r\\n"), "{text}");
    let record = Record::parse(text).unwrap();
    assert_eq!(record.end, End::Panicked);
    let mut machine = again(&record.origin).unwrap();
    let agrees: Vec<_> = record
        .steps
        .iter()
        .map(|step| play(&mut machine, step).agrees)
        .collect();
    let (last, before) = agrees.split_last().unwrap();
    assert_eq!(*last, None);
    assert!(
        before.len() >= 2 && before.iter().all(|agrees| *agrees == Some(true)),
        "{text}"
    );
}

/// Lets more sessions panic than there are threads, while another one lives.
pub fn panics(place: &str) {
    let mut other = TcpStream::connect(place).unwrap();
    echo(&mut other, b"hello");
    for _ in 0..8 {
        let mut doomed = TcpStream::connect(place).unwrap();
        echo(&mut doomed, b"hello");
        doomed.write_all(b"!").unwrap();
        // The end, or a reset.
        assert_eq!(doomed.read(&mut [0]).unwrap_or(0), 0);
        echo(&mut other, b"hello");
    }
}

/// Goes away while no octets are wanted: in good order, and by a reset, which is what closing with unread octets is.
pub fn leaves(place: &str) {
    let mut orderly = TcpStream::connect(place).unwrap();
    echo(&mut orderly, b"?");
    let mut rude = TcpStream::connect(place).unwrap();
    rude.write_all(b"?").unwrap();
    rude.peek(&mut [0]).unwrap();
}

/// The same through TLS: by its own word, while the connection stays; and by a connection that just ends.
pub fn leaves_tls(place: &str) {
    const SCRIPT: &str = r#"
import socket, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def deaf():
    stream = context.wrap_socket(socket.create_connection((host, int(port)), 30))
    stream.sendall(b"?")
    assert stream.recv(1) == b"?"
    return stream
deaf().unwrap()  # waits for the other side's word
deaf().shutdown(socket.SHUT_WR)
"#;
    let status = Command::new("python3")
        .args(["-c", SCRIPT, place])
        .status()
        .unwrap();
    assert!(status.success());
}

fn echo(stream: &mut TcpStream, octets: &[u8]) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut heard = vec![0; octets.len()];
    stream.write_all(octets).unwrap();
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, octets);
}
