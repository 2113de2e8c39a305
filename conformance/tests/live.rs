//! Servers that misbehave: the runner says what they did, and never hangs.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lightmail_conformance::player::{Logins, Way};
use lightmail_conformance::run::{Strictness, Verdict, run};
use lightmail_conformance::tcp::Tcp;
use lightmail_conformance::transcript::Protocol;
use lightmail_conformance::{Player as _, Transcript};

/// For servers that say too little.
const PATIENCE: Duration = Duration::from_millis(100);
/// For servers that say too much: it is not what stops them.
const MUCH_PATIENCE: Duration = Duration::from_secs(60);

/// A server that treats every connection alike; where it listens.
fn server(manners: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(manners));
    place
}

fn player(imap: String, patience: Duration) -> Tcp {
    let logins = Logins {
        user: "user@example.com".into(),
        password: "secret".into(),
        other: String::new(),
    };
    Tcp::new(imap, None, logins, patience)
}

fn played(imap: String, patience: Duration, text: &str) -> Verdict {
    let transcript = Transcript::parse("t", &format!("proves   RFC 3501, 6: x\n{text}")).unwrap();
    run(&transcript, &mut player(imap, patience), Strictness::WhatIsNamed)
}

fn failure(imap: String) -> String {
    failure_within(imap, PATIENCE)
}

fn failure_within(imap: String, patience: Duration) -> String {
    match played(imap, patience, "C: a NOOP\nS: a OK ...\n") {
        Verdict::Fail(failure) => failure.what,
        other => panic!("{other:?}"),
    }
}

/// Reads until the client closes.
fn listen(stream: &mut TcpStream) {
    let mut octets = [0; 1024];
    while stream.read(&mut octets).is_ok_and(|n| n > 0) {}
}

/// Says the same until the client closes.
fn repeat(stream: &mut TcpStream, octets: &[u8]) {
    while stream.write_all(octets).is_ok() {}
}

#[test]
fn a_server_that_says_nothing() {
    let what = failure(server(|mut stream| listen(&mut stream)));
    assert_eq!(what, "setting up: greeting: nothing came");
}

#[test]
fn a_server_that_closes() {
    assert_eq!(failure(server(drop)), "setting up: greeting: the server closed");
}

#[test]
fn a_server_that_greets_with_bye() {
    let what = failure(server(|mut stream| {
        stream.write_all(b"* BYE full\r\n").unwrap();
        listen(&mut stream);
    }));
    assert_eq!(what, "setting up: greeting: came * BYE full");
}

#[test]
fn a_server_that_hangs_in_the_midst() {
    let what = failure(server(|mut stream| {
        stream.write_all(b"* OK\r\n* CAPABILITY").unwrap();
        listen(&mut stream);
    }));
    assert_eq!(
        what,
        "the connection broke: a line of the server does not end; 12 octets came"
    );
}

#[test]
fn a_server_that_floods_with_lines() {
    let place = server(|mut stream| {
        stream.write_all(b"* OK\r\n").unwrap();
        repeat(&mut stream, &b"* 1 EXISTS\r\n".repeat(1000));
    });
    assert_eq!(
        failure_within(place, MUCH_PATIENCE),
        "the server sends without end"
    );
}

#[test]
fn a_server_that_floods_without_a_line_end() {
    let place = server(|mut stream| repeat(&mut stream, &[b'x'; 64 * 1024]));
    assert_eq!(
        failure_within(place, MUCH_PATIENCE),
        "the connection broke: the server sends without end and without a line end"
    );
}

#[test]
fn a_server_that_always_has_something_to_say_but_no_answer() {
    let what = failure(server(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE / 5)).unwrap();
        let mut octets = [0; 1024];
        let mut open = true;
        // The wait between two lines is one for a command that never comes.
        while open && stream.write_all(b"* OK Still here\r\n").is_ok() {
            open = !matches!(stream.read(&mut octets), Ok(0));
        }
    }));
    assert!(what.starts_with("setting up: CAPABILITY"), "{what}");
    assert!(what.ends_with("nothing came"), "{what}");
}

#[test]
fn a_server_that_does_not_read() {
    let place = server(|stream| while stream.peek(&mut [0]).is_ok() {});
    let mut player = player(place, PATIENCE);
    player.connect(1, Protocol::Imap, &Way::Usual).unwrap();
    let error = player.send(1, &vec![b'x'; 32 * 1024 * 1024]).unwrap_err();
    assert!(
        error.to_string().starts_with("the server does not read: "),
        "{error}"
    );
}

#[test]
fn no_server_at_all() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    drop(listener);
    let what = failure(place.clone());
    assert!(
        what.starts_with(&format!("the connection broke: {place}: ")),
        "{what}"
    );
}

#[test]
fn without_an_lmtp_server_its_transcripts_do_not_apply() {
    let nobody = "127.0.0.1:1".to_owned();
    for text in [
        "over   LMTP\nS: 220 ...\n",
        "over   LMTP\ngiven    1 has said LHLO\nneeds   SIZE\nC: NOOP\n",
    ] {
        let Verdict::NotOffered(what) = played(nobody.clone(), PATIENCE, text) else {
            panic!("{text}")
        };
        assert!(what.starts_with("LMTP"), "{what}");
    }
}

#[test]
fn without_a_second_account_its_transcripts_do_not_apply() {
    let nobody = "127.0.0.1:1".to_owned();
    for text in [
        "C: a LOGIN $other x\n",
        "given    1 speaks IMAP as $other and has logged in\nC: a NOOP\n",
    ] {
        assert_eq!(
            played(nobody.clone(), PATIENCE, text),
            Verdict::NotOffered("a second account".into())
        );
    }
}
