//! Uploads past a clamd of the test's own making: one that answers early, or wrongly, or never.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, zip};
use lightmail_core::antivirus::Virus;
use lightmail_core::config::{Antivirus, OnFailure, Port};
use lightmail_core::machine::{ObjectKind, Stored};
use lightmail_core::store::Failure;

use super::town::{Kind, Town, upload, upload_as};
use crate::antivirus::Times;

/// Long enough for whoever answers at all, and not waited for by a test that passes.
const AMPLE: Times = Times {
    connect: Duration::from_secs(60),
    progress: Duration::from_secs(60),
    answer: Duration::from_secs(60),
};

/// No time at all, for what hangs.
const NONE: Duration = Duration::from_millis(1);

const FOUND: &[u8] = b"stream: Test.Virus FOUND\0";

/// A clamd that takes one connection.
struct Fake {
    port: u16,
    served: JoinHandle<Vec<u8>>,
}

impl Fake {
    /// What `serve` makes of the connection is what the test may look at.
    fn start(serve: impl FnOnce(TcpStream) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || serve(listener.accept().unwrap().0));
        Self { port, served }
    }

    /// One that hears the whole stream, gives this answer, and keeps the stream.
    fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut socket| {
            let stream = whole_stream(&mut socket);
            socket.write_all(answer).unwrap();
            stream
        })
    }

    /// One that answers after so many octets, and closes; what was in the kernel's hands is lost.
    fn closing_after(octets: usize, answer: &'static [u8]) -> Self {
        Self::start(move |mut socket| {
            let mut heard = vec![0; octets];
            socket.read_exact(&mut heard).unwrap();
            socket.write_all(answer).unwrap();
            heard
        })
    }

    fn settings(&self, on_failure: OnFailure) -> Antivirus {
        Antivirus {
            enabled: true,
            port: Port(Some(self.port)),
            on_failure,
            ..Antivirus::default()
        }
    }
}

/// The octets of a stream, once its end has come; every chunk is of a size that clamd takes.
fn whole_stream(socket: &mut TcpStream) -> Vec<u8> {
    let mut command = [0; 10];
    socket.read_exact(&mut command).unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    let mut stream = Vec::new();
    loop {
        let mut head = [0; 4];
        socket.read_exact(&mut head).unwrap();
        let octets = u32::from_be_bytes(head) as usize;
        if octets == 0 {
            return stream;
        }
        assert!(octets <= 256 * 1024, "a chunk of {octets}");
        let begun = stream.len();
        stream.resize(begun + octets, 0);
        socket.read_exact(&mut stream[begun..]).unwrap();
    }
}

/// A message of so many octets, no two places alike.
fn message(octets: u32) -> Vec<u8> {
    let text = (0..octets / 8).flat_map(|n| format!("{n:06}\r\n").into_bytes());
    text.collect()
}

/// What an upload becomes in a new storage that asks this clamd.
async fn past(settings: &Antivirus, times: Times, octets: &[u8]) -> (Town, Result<Stored, Failure>) {
    let town = Town::new(Kind::Sqlite).await;
    town.storage.scan_uploads(settings, times);
    let stored = upload(&mut town.storage.desk(), octets).await;
    (town, stored)
}

#[test]
fn clamd_sees_every_octet_of_small_and_large_messages() {
    for size in [0, 8, 200_000, 1_000_000, 3_000_000] {
        let fake = Fake::answering(b"stream: OK\0");
        let octets = message(size);
        let (_town, stored) = block_on(past(&fake.settings(OnFailure::Tempfail), AMPLE, &octets));
        assert_eq!(stored.unwrap().virus, Virus::Clean);
        assert_eq!(fake.served.join().unwrap(), octets, "{size}");
    }
}

#[test]
fn what_clamd_finds_is_told_with_the_object() {
    let fake = Fake::answering(b"stream: bad\r\nname FOUND\0");
    let (_town, stored) = block_on(past(&fake.settings(OnFailure::Tempfail), AMPLE, b"x"));
    // A line that ends too early is none of clamd's.
    assert!(matches!(stored, Err(Failure::Unavailable { .. })), "{stored:?}");
    let fake = Fake::answering(FOUND);
    let (_town, stored) = block_on(past(&fake.settings(OnFailure::Tempfail), AMPLE, b"x"));
    assert_eq!(stored.unwrap().virus, Virus::Infected("Test.Virus".into()));
}

/// It has closed, so writing fails; its word counts, and the rest of the message is kept all the same.
#[test]
fn a_clamd_that_has_seen_enough_lets_the_upload_go_on() {
    let fake = Fake::closing_after(300_000, FOUND);
    let octets = message(3_000_000);
    block_on(async {
        let (town, stored) = past(&fake.settings(OnFailure::Tempfail), AMPLE, &octets).await;
        let stored = stored.unwrap();
        assert_eq!(stored.virus, Virus::Infected("Test.Virus".into()));
        assert_eq!(stored.size, octets.len() as u64);
        let kept = town
            .storage
            .objects()
            .list(ObjectKind::Email, None, 2)
            .await
            .unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].object, kept[0].size), (stored.object, stored.size));
    });
}

#[test]
fn what_was_not_scanned_is_refused_for_now_or_taken_as_configured() {
    let early_ok: &[u8] = b"stream: OK\0";
    let too_long: &[u8] = b"INSTREAM size limit exceeded. ERROR\0";
    for (octets, answer) in [
        (3_000_000, early_ok),
        (3_000_000, too_long),
        (3_000_000, b""),
        (8, b"stream: Can't allocate memory ERROR\0"),
        (8, b"SSH-2.0-OpenSSH\r\n"),
        (8, b"stream: O"),
    ] {
        for on_failure in [OnFailure::Tempfail, OnFailure::Accept] {
            let heard = if octets > 8 { 300_000 } else { 10 + 4 + 8 + 4 };
            let fake = Fake::closing_after(heard, answer);
            let (_town, stored) = block_on(past(&fake.settings(on_failure), AMPLE, &message(octets)));
            match (on_failure, stored) {
                (OnFailure::Tempfail, Err(Failure::Unavailable { .. })) => {}
                (OnFailure::Accept, Ok(stored)) => {
                    assert_eq!((stored.virus, stored.size), (Virus::NotScanned, octets.into()));
                }
                (_, other) => panic!("{answer:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn nobody_at_the_port_or_the_socket_is_a_failure() {
    let nobody = Antivirus {
        enabled: true,
        port: Port(Some(1)),
        ..Antivirus::default()
    };
    let no_socket = Antivirus {
        socket: Some("/nowhere/clamd.sock".into()),
        ..nobody.clone()
    };
    for settings in [nobody, no_socket] {
        let (_town, stored) = block_on(past(&settings, AMPLE, b"x"));
        assert!(matches!(stored, Err(Failure::Unavailable { .. })), "{stored:?}");
    }
}

/// One that takes connections and reads nothing, and one that reads all and says nothing: each ends by its own deadline.
#[test]
fn a_clamd_that_hangs_is_given_up() {
    let begun = Instant::now();
    // The socket stays open as long as the process lives.
    let deaf = Fake::start(|socket| {
        std::mem::forget(socket);
        Vec::new()
    });
    let dumb = Fake::start(|mut socket| {
        let stream = whole_stream(&mut socket);
        std::mem::forget(socket);
        stream
    });
    let (deaf, dumb) = (
        (
            deaf.settings(OnFailure::Tempfail),
            Times {
                progress: NONE,
                ..AMPLE
            },
            message(40_000_000),
        ),
        (
            dumb.settings(OnFailure::Tempfail),
            Times {
                answer: NONE,
                ..AMPLE
            },
            message(80),
        ),
    );
    for (settings, times, octets) in [deaf, dumb] {
        let (_town, stored) = block_on(past(&settings, times, &octets));
        assert!(matches!(stored, Err(Failure::Unavailable { .. })), "{stored:?}");
    }
    assert!(begun.elapsed() < AMPLE.progress, "nothing was waited for");
}

/// How long a stream's first chunk is: it stands behind `zINSTREAM` and a NUL. Nothing is read.
fn first_chunk(stream: &TcpStream) -> [u8; 4] {
    let mut begin = [0; 14];
    while stream.peek(&mut begin).unwrap() < begin.len() {
        thread::yield_now();
    }
    *begin.last_chunk().unwrap()
}

/// A clamd that is slow with one peer's message is not in the way of another one's.
#[test]
fn a_slow_clamd_holds_back_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        // Either may have come first.
        let mut both = [(); 2].map(|()| listener.accept().unwrap().0);
        both.sort_by_key(first_chunk);
        let [mut quick, mut slow] = both;
        whole_stream(&mut quick);
        quick.write_all(b"stream: OK\0").unwrap();
        whole_stream(&mut slow);
        slow.write_all(FOUND).unwrap();
    });
    let settings = Antivirus {
        enabled: true,
        port: Port(Some(port)),
        ..Antivirus::default()
    };
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        town.storage.scan_uploads(&settings, AMPLE);
        let (mut one, mut other) = (town.storage.desk(), town.storage.desk());
        let octets = message(30_000_000);
        let (slow, quick) = zip(upload(&mut one, &octets), upload(&mut other, b"x")).await;
        assert_eq!(slow.unwrap().virus, Virus::Infected("Test.Virus".into()));
        assert_eq!(quick.unwrap().virus, Virus::Clean);
    });
    served.join().unwrap();
}

#[test]
fn nothing_but_mail_is_scanned_and_nothing_where_it_is_off() {
    let fake = Fake::start(|socket| {
        socket.shutdown(Shutdown::Both).unwrap();
        Vec::new()
    });
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        let mut settings = fake.settings(OnFailure::Tempfail);
        settings.enabled = false;
        town.storage.scan_uploads(&settings, AMPLE);
        let mail = upload(&mut town.storage.desk(), b"x").await.unwrap();
        assert_eq!(mail.virus, Virus::NotScanned);
        settings.enabled = true;
        town.storage.scan_uploads(&settings, AMPLE);
        let event = upload_as(&mut town.storage.desk(), ObjectKind::Calendar, b"x").await;
        assert_eq!(event.unwrap().virus, Virus::NotScanned);
        let mail = upload(&mut town.storage.desk(), b"x").await;
        assert!(matches!(mail, Err(Failure::Unavailable { .. })), "{mail:?}");
    });
    fake.served.join().unwrap();
}
