//! Sessions are recorded in a world, then fed to a fresh machine; and no cut shows a password.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;

use super::*;
use crate::greet::{Greet, again};
use crate::pair::World;
use crate::store::{Flag, Flags, MailboxName};
use crate::wire::deflate::Deflater;
use crate::{imap, smtp};

const LOGIN: &str = "user@example.com";
const PASSWORD: &str = "Hunter2!";

/// A recorded machine that can be asked while a world drives it.
struct Shared<M>(Rc<RefCell<Recorded<M>>>);

impl<M: Machine> Machine for Shared<M> {
    fn handle(&mut self, now: Time, input: Input) {
        self.0.borrow_mut().handle(now, input);
    }

    fn poll(&mut self) -> Step {
        self.0.borrow_mut().poll()
    }
}

fn peer() -> Peer {
    Peer {
        address: Some([127, 0, 0, 1].into()),
        tls: None,
    }
}

fn recorded(proto: &'static str, budget: usize) -> Recorded<Box<dyn Machine + Send>> {
    let greet = match proto {
        "imap" => Greet::imap(imap::Settings::default()),
        "pop3" => Greet::pop3(crate::pop3::Settings::default()),
        "smtp" => Greet::mx(smtp::Settings::default()),
        "submission" => Greet::submission(smtp::Settings::default()),
        _ => Greet::lmtp(smtp::Settings::default()),
    };
    greet.recorded(peer(), Seed::new([9; 32]), budget)
}

fn world() -> World {
    let mut world = World::new();
    let account = world.create_account(LOGIN, PASSWORD);
    for (text, flags) in [
        ("From: a@x.org\r\nSubject: one\r\n\r\nbody\r\n", Flags::NONE),
        ("", Flag::Seen.into()),
    ] {
        world
            .append(account, &MailboxName::inbox(), flags, text.as_bytes())
            .unwrap();
    }
    world
}

/// What a session leaves that is given these pieces.
fn record_of<'a>(proto: &'static str, budget: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    records_of(proto, budget, pieces).pop().unwrap()
}

/// The same, and before it what it would leave if it broke behind each piece.
fn records_of<'a>(
    proto: &'static str,
    budget: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<String> {
    let mut world = world();
    let machine = Rc::new(RefCell::new(recorded(proto, budget)));
    let talk = world.join(Shared(Rc::clone(&machine)));
    let mut records = Vec::new();
    for piece in pieces {
        world.feed(talk, piece);
        world.advance(3);
        records.push(machine.borrow_mut().record(false));
    }
    world.advance(25_000);
    records.push(machine.borrow_mut().record(false));
    records
}

/// Feeds a record to a fresh machine; the steps in which it does otherwise.
fn differences(record: &Record) -> Vec<String> {
    let mut machine = again(&record.origin).unwrap();
    let played = record.steps.iter().map(|step| (step, play(&mut machine, step)));
    played
        .filter(|(_, played)| played.agrees == Some(false))
        .map(|(step, played)| format!("{step:?}\n{played:?}"))
        .collect()
}

/// The lines of the record that hold octets of the peer.
fn octets(text: &str) -> String {
    text.lines().filter(|line| line.contains(" Bytes ")).collect()
}

/// Whole, and line by line, so that there are steps in which nothing is masked.
fn assert_replays(proto: &'static str, script: &[u8]) -> String {
    let lines = script.split_inclusive(|&octet| octet == b'\n');
    let text = assert_same(record_of(proto, usize::MAX, lines));
    assert!(text.contains(" exact "), "{text}");
    assert_same(record_of(proto, usize::MAX, [script]))
}

fn assert_same(text: String) -> String {
    let record = Record::parse(&text).unwrap_or_else(|bad| panic!("{bad}\n{text}"));
    assert_eq!(record.end, End::Whole);
    assert_eq!(differences(&record), [""; 0], "{text}");
    assert!(record.steps.iter().all(|step| step.said.is_some()));
    text
}

const COMMANDS: &str = "a CAPABILITY\r\nnonsense\r\nb LOGIN user@example.com {8+}\r\nHunter2!\r\nc LIST \"\" *\r\n\
    d CREATE Work\r\ne SELECT INBOX\r\nf FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE BODY[])\r\n\
    g STORE 1 +FLAGS (\\Flagged word)\r\nh COPY 1:2 Work\r\ni APPEND INBOX (\\Seen) {26+}\r\nSubject: Geheim\r\n\r\nSecret1\r\n\r\n\
    j NOOP\r\nk SEARCH TEXT body\r\nl STATUS Work (MESSAGES)\r\nm UID MOVE 1 Work\r\nn IDLE\r\nDONE\r\no FETCH 9 FLAGS\r\n\
    p SUBSCRIBE Work\r\nq LSUB \"\" %\r\nr EXPUNGE\r\ns SELECT Work\r\nt CLOSE\r\nu DELETE Work\r\nv SELECT None\r\nw LOGOUT\r\n";

#[test]
fn an_imap_session_is_replayed_from_its_record() {
    let text = assert_replays("imap", COMMANDS.as_bytes());
    assert!(
        text.matches(" exact ").count() < 5,
        "one read, in which something is masked: {text}"
    );
    let octets = octets(&text);
    assert!(
        !text.contains(PASSWORD) && !octets.contains("Secret1") && !octets.contains("Geheim"),
        "{text}"
    );
    assert!(
        text.contains("e SELECT INBOX") && text.contains("b LOGIN xxxxxxxxxxxxxxxx {8+}"),
        "{text}"
    );
}

/// The record holds what was inflated, so that it reads and replays like any other.
#[test]
fn a_compressed_session_is_replayed_from_its_record() {
    let (mut deflater, mut said) = (Deflater::new(), BytesMut::new());
    let commands = b"c SELECT INBOX\r\nd APPEND INBOX {9+}\r\nSecret1\r\n\r\ne UNAUTHENTICATE\r\n";
    deflater.push(commands, &mut said);
    deflater.flush(&mut said);
    let log_in = b"b LOGIN user@example.com Hunter2!\r\n";
    for broken in [&b""[..], b"\x07"] {
        let pieces = [
            &log_in[..],
            b"x COMPRESS DEFLATE\r\n",
            broken,
            &said,
            log_in,
            b"f LOGOUT\r\n",
        ];
        let text = assert_same(record_of("imap", usize::MAX, pieces));
        assert!(
            !text.contains(PASSWORD) && !octets(&text).contains("Secret1"),
            "{text}"
        );
        assert_eq!(text.contains("e UNAUTHENTICATE"), broken.is_empty(), "{text}");
        assert_eq!(text.contains(" Inflate Broken"), !broken.is_empty(), "{text}");
    }
}

#[test]
fn an_lmtp_session_is_replayed_from_its_record() {
    let text = assert_replays(
        "lmtp",
        b"LHLO x\r\nAUTH PLAIN AFVzZXIASHVudGVyMiE=\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<user@example.com>\r\n\
          RCPT TO:<nobody@example.com>\r\nDATA\r\nSubject: Geheim\r\n\r\n..Secret1\r\n.\r\nMAIL FROM:<>\r\n\
          RCPT TO:<user@example.com>\r\nBDAT 9 LAST\r\nSecret1\r\nQUIT\r\n",
    );
    let octets = octets(&text);
    assert!(
        !octets.contains("AFVz") && !octets.contains("Secret1") && !octets.contains("Geheim"),
        "{text}"
    );
    assert!(text.contains("RCPT TO:<nobody@example.com>"), "{text}");
}

#[test]
fn smtp_sessions_are_replayed_from_their_records() {
    let text = assert_replays(
        "smtp",
        b"EHLO x\r\nAUTH PLAIN AHVzZXIASHVudGVyMiE=\r\nAUTH Hunter2!\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<user@example.com>\r\n\
          DATA\r\nSubject: Geheim\r\n\r\n..Secret1\r\n.\r\nHunter2!\r\nQUIT\r\n",
    );
    assert!(
        text.contains("AUTH PLAIN ") && text.contains("RCPT TO:<user@example.com>"),
        "{text}"
    );
    let submitted = assert_replays(
        "submission",
        b"EHLO x\r\nAUTH PLAIN\r\n*\r\nAUTH LOGIN\r\ndXNlckBleGFtcGxlLmNvbQ==\r\nSHVudGVyMiE=\r\n\
          MAIL FROM:<user@example.com>\r\nRCPT TO:<user@example.com>\r\nBDAT 38 LAST\r\n\
          From: user@example.com\r\n\r\nSecret1  \r\n\r\nQUIT\r\n",
    );
    for text in [text, submitted] {
        let octets = octets(&text);
        let secrets = ["Hunter", "SHVudGVyMiE", "AHVz", "Secret1", "Geheim"];
        assert!(secrets.iter().all(|secret| !octets.contains(secret)), "{text}");
    }
}

#[test]
fn a_pop3_session_is_replayed_from_its_record() {
    let text = assert_replays(
        "pop3",
        b"CAPA\r\nLANG en\r\nPASS Hunter2!\r\nUSER user@example.com\r\nPASS wrong Secret1\r\nAUTH PLAIN\r\n*\r\n\
          AUTH PLAIN AHVzZXIASHVudGVyMiE=\r\nUSER user@example.com\r\nPASS Hunter2!\r\nSTAT\r\nLIST\r\nUIDL 1\r\n\
          RETR 1\r\nTOP 2 0\r\nDELE 1\r\nPASS Secret1\r\nSecret1\r\nQUIT\r\n",
    );
    let octets = octets(&text);
    assert!(
        !octets.contains("Hunter") && !octets.contains("Secret1"),
        "{text}"
    );
    assert!(text.contains("AUTH PLAIN") && text.contains("RETR 1"), "{text}");
}

#[test]
fn another_machine_is_found_out() {
    let text = record_of("imap", usize::MAX, [&b"a NOOP\r\nb CAPABILITY\r\n"[..]]);
    let other = text.replace("settings \"localhost\"", "settings \"elsewhere\"");
    assert_ne!(text, other);
    assert_eq!(differences(&Record::parse(&other).unwrap()).len(), 1);
}

/// Lines around a password, right and wrong ones.
const PASSWORDS: &[(&str, &str)] = &[
    (
        "submission",
        "EHLO x\r\nAUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20ASHVudGVyMiE=\r\nNOOP\r\n",
    ),
    (
        "submission",
        "EHLO x\r\nAUTH PLAIN\r\nAHVzZXJAZXhhbXBsZS5jb20ASHVudGVyMiE=\r\nNOOP\r\n",
    ),
    (
        "submission",
        "EHLO x\r\nAUTH LOGIN\r\ndXNlckBleGFtcGxlLmNvbQ==\r\nSHVudGVyMiE=\r\nNOOP\r\n",
    ),
    (
        "submission",
        "EHLO x\r\nAUTH LOGIN dXNlckBleGFtcGxlLmNvbQ==\r\nSHVudGVyMiE=\r\nNOOP\r\n",
    ),
    (
        "submission",
        "EHLO x\r\nAUTH Hunter2!\r\nAUTH PLAIN Hunter2!\r\nHunter2!\r\n",
    ),
    ("submission", "AUTH PLAIN Hunter2! Hunter2!\r\nPASS Hunter2!\r\n"),
    (
        "smtp",
        "EHLO x\r\nAUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20ASHVudGVyMiE=\r\nSHVudGVyMiE=\r\n",
    ),
    ("smtp", "USER user\r\nPASS Hunter2!\r\n"),
    ("imap", "a LOGIN user@example.com Hunter2!\r\n"),
    ("imap", "a LOGIN user@example.com \"Hunter2!\"\r\nb NOOP\r\n"),
    (
        "imap",
        "a login \"user@example.com\" {8}\r\nHunter2!\r\nb NOOP\r\n",
    ),
    (
        "imap",
        "a LOGIN {16+}\r\nuser@example.com {8+}\r\nHunter2!\r\nb NOOP\r\n",
    ),
    ("imap", "a LOGIN {99999}\r\nHunter2!\r\n"),
    ("imap", "a LOGIN {99999+}\r\nHunter2! user {8+}\r\nHunter2!\r\n"),
    (
        "imap",
        "a AUTHENTICATE PLAIN AHVzZXJAZXhhbXBsZS5jb20ASHVudGVyMiE=\r\nb NOOP\r\n",
    ),
    (
        "imap",
        "a AUTHENTICATE PLAIN\r\nAHVzZXJAZXhhbXBsZS5jb20ASHVudGVyMiE=\r\nb NOOP\r\n",
    ),
    (
        "imap",
        "a AUTHENTICATE LOGIN\r\ndXNlckBleGFtcGxlLmNvbQ==\r\nSHVudGVyMiE=\r\nb NOOP\r\n",
    ),
    ("imap", "a AUTHENTICATE Hunter2!\r\n"),
    (
        "imap",
        "a AUTHENTICATE NONE AHVzZXJAZXhhbXBsZS5jb20ASHVudGVyMiE=\r\n",
    ),
    (
        "imap",
        "a AUTHENTICATE PLAIN Hunter2!\r\nHunter2!\r\nSHVudGVyMiE=\r\n",
    ),
    ("imap", "a LOGIN user Hunter2! extra\r\n"),
    ("imap", "LOGIN user Hunter2!\r\n"),
    ("imap", "a LOGINN user Hunter2!\r\n"),
    ("imap", "Hunter2!\r\n"),
    ("imap", "a NOOP user Hunter2!\r\n"),
    ("imap", "a SELECT Hunter2!\r\nb NOOP\r\n"),
    ("imap", "a CREATE {8+}\r\nHunter2!\r\nb NOOP\r\n"),
    ("imap", "a Hunter2!\r\n"),
    ("imap", "Hunter2! x\r\n"),
    ("imap", "a LOGIN user \"Hunter2!\r\n"),
    ("imap", "a LOGIN\tuser Hunter2!\r\n"),
    ("imap", "a LOGIN user \"{5417}Hunter2!\"\r\n"),
    (
        "imap",
        "a LOGIN user@example.com {16+}\r\nHunter2! {5417} x\r\nb NOOP\r\n",
    ),
    ("imap", "a LOGIN user Hunter2!\nb NOOP\r\n"),
    (
        "imap",
        "a LOGIN user@example.com Hunter2!\r\nb LOGIN user@example.com Hunter2!\r\nc NOOP\r\n",
    ),
    (
        "imap",
        "a LOGIN user@example.com Hunter2!\r\nb IDLE\r\nLOGIN user Hunter2!\r\nc NOOP\r\n",
    ),
    ("imap", "a UID LOGIN user Hunter2!\r\nb NOOP\r\n"),
    ("imap", "a AUTHENTICATE PLAIN {8}\r\nHunter2!\r\nb NOOP\r\n"),
    ("imap", "a AUTHENTICATE {8+}\r\nHunter2!\r\nb NOOP\r\n"),
    ("imap", "a AUTHENTICATE PLAIN =\r\nHunter2!\r\nb NOOP\r\n"),
    ("imap", "a AUTHENTICATE  PLAIN SHVudGVyMiE=\r\nb NOOP\r\n"),
    ("imap", "a AUTHENTICATE PLAIN SHVudGVyMiE\r\nb NOOP\r\n"),
    (
        "imap",
        "a AUTHENTICATE LOGIN SHVudGVyMiE=\r\nSHVudGVyMiE=\r\nSHVudGVyMiE=\r\nb NOOP\r\n",
    ),
    ("imap", "a STARTTLS Hunter2!\r\nb LOGIN user Hunter2!\r\n"),
    ("imap", "a LOGIN user Hunter2!\rb LOGIN user Hunter2!\r\n"),
    ("imap", "a LOGIN user Hunter2!\0\r\nb NOOP\r\n"),
    (
        "imap",
        "a LOGIN user@example.com {8+}\r\nHunter2! Hunter2!\r\nb NOOP {8+}\r\nHunter2!\r\nc NOOP\r\n",
    ),
    ("imap", "a APPEND INBOX {8+}\r\nHunter2!\r\nb NOOP\r\n"),
    (
        "imap",
        "a LOGIN user@example.com Hunter2!\r\nb AUTHENTICATE PLAIN SHVudGVyMiE=\r\nHunter2!\r\n\
         c LOGINX user Hunter2!\r\nd APPEND INBOX {999999999}\r\nHunter2!\r\ne LOGIN user {8+}\r\nHunter2!\r\nf NOOP\r\n",
    ),
    (
        "imap",
        "* LOGIN user Hunter2!\r\n a LOGIN user Hunter2!\r\na  LOGIN user Hunter2!\r\n",
    ),
    (
        "imap",
        "a IDLE\r\nHunter2!\r\n+ Hunter2!\r\n\"a LOGIN user Hunter2!\r\n",
    ),
    (
        "lmtp",
        "auth login SHVudGVyMiE=\r\nBDAT 10 LAST\r\nHunter2!\r\nDATA\r\nHunter2!\r\n.\r\nAUTH\tPLAIN Hunter2!\r\n",
    ),
    (
        "lmtp",
        "AUTH PLAIN Hunter2!\r\nLHLO x\r\nAUTH LOGIN\r\nSHVudGVyMiE=\r\nNOOP\r\n",
    ),
    (
        "pop3",
        "USER user@example.com\r\nPASS Hunter2!\r\nPASS  Hunter2!\r\npass Hunter2!\nUSER Hunter2!\r\nPASSHunter2!\r\nQUIT\r\n",
    ),
    (
        "pop3",
        "AUTH LOGIN\r\nSHVudGVyMiE=\r\nHunter2!\r\nAUTH PLAIN Hunter2!\r\nauth  plain SHVudGVyMiE=\r\nLANG Hunter2!\r\n\
         RETR Hunter2!\r\nHunter2!\r\n",
    ),
    (
        "lmtp",
        "LHLO x\r\nUSER user\r\nPASS Hunter2!\r\nHunter2!\nQUIT\r\n",
    ),
];

fn shows_a_password(text: &str) -> bool {
    [PASSWORD, "Hunter", "SHVudGVyMiE", "ASHVudGVyMiE", "5417"]
        .iter()
        .any(|word| text.contains(word))
}

#[test]
fn no_cut_shows_a_password() {
    for (proto, script) in PASSWORDS {
        let script = script.as_bytes();
        let cuts = (0..script.len()).map(|at| script.split_at(at));
        let mut records: Vec<_> = cuts
            .flat_map(|(front, back)| records_of(proto, usize::MAX, [front, back]))
            .collect();
        records.extend(records_of(proto, usize::MAX, script.chunks(1)));
        // A record that is full ends in the midst of a line too.
        records.extend(
            (200..800)
                .step_by(53)
                .map(|budget| record_of(proto, budget, script.chunks(7))),
        );
        for text in records {
            assert!(!shows_a_password(&text), "{}\n{text}", script.escape_ascii());
            Record::parse(&text).unwrap();
        }
    }
}

#[test]
fn a_masked_session_does_the_same() {
    for (proto, script) in PASSWORDS {
        assert_replays(proto, script.as_bytes());
    }
}

#[test]
fn beyond_the_budget_the_beginning_stays() {
    let script = "a NOOP\r\n".repeat(100);
    for budget in [0, 1, 100, 500, 2_000] {
        let mut machine = recorded("imap", budget);
        let now = Time::default();
        for _ in 0..10 {
            while let Step::Act(_) = machine.poll() {}
            let octets = script.clone().into();
            machine.handle(now, Input::Bytes { octets, waited: true });
            while let Step::Act(_) = machine.poll() {}
        }
        assert!(
            machine.tape.stream.len() + machine.tape.steps.text().len() <= budget.max(1),
            "{budget}"
        );
        assert!(
            machine.tape.stream.capacity() + machine.tape.steps.text().len() <= 2 * budget,
            "{budget}"
        );
        let record = Record::parse(&machine.record(false)).unwrap();
        let kept = record.steps.len() - 1;
        assert_eq!(record.end, End::LeftOut(10 - kept as u64));
        assert_eq!(differences(&record), [""; 0]);
    }
}

#[test]
fn a_panic_leaves_the_input_that_caused_it() {
    struct Doomed(imap::Session);
    impl Machine for Doomed {
        fn handle(&mut self, now: Time, input: Input) {
            self.0.handle(now, input);
        }
        fn poll(&mut self) -> Step {
            match self.0.poll() {
                Step::Act(Action::Send(octets)) if octets.starts_with(b"c OK") => panic!("on purpose"),
                step => step,
            }
        }
        fn disclosed(&mut self) -> Disclosures {
            self.0.disclosed()
        }
    }
    use crate::machine::Action;
    let session = imap::Session::new(peer(), Arc::new(imap::Settings::default()), Seed::new([9; 32]));
    let origin = recorded("imap", 0).tape.origin;
    let mut machine = Recorded::new(Doomed(session), origin, 1 << 16);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        while let Step::Act(_) = machine.poll() {}
        let octets = bytes::Bytes::from_static(b"b NOOP\r\nc CAPABILITY\r\nd LOGIN user Hunter2!\r\n");
        machine.handle(Time::default(), Input::Bytes { octets, waited: true });
        while let Step::Act(_) = machine.poll() {}
    }));
    assert!(panicked.is_err());
    let text = machine.record(true);
    assert!(
        text.contains("b NOOP\\r\\nc CAPABILITY\\r\\nx xxxxx xxxx xxxxxxxx")
            && text.ends_with("end Panicked\n"),
        "{text}"
    );
    let record = Record::parse(&text).unwrap();
    assert_eq!(record.steps.last().unwrap().said, None);
}

#[test]
fn what_is_no_record_is_told_by_line() {
    let text = record_of("lmtp", usize::MAX, [&b"LHLO x\r\n"[..]]);
    for (from, to, line, expected) in [
        (
            "lightmail-record 1",
            "lightmail-record 2",
            1,
            "lightmail-record 1",
        ),
        ("proto", "protocol", 2, "proto …"),
        ("peer 127.0.0.1", "peer nobody", 4, "an address"),
        ("seed 0909", "seed 09", 5, "a key in hexadecimal"),
        ("< 1 exact", "< 1 about", 7, "exact or names"),
        ("Bytes", "Octets", 8, "a Input"),
        (
            "Bytes yes \"LHLO",
            "Bytes yes LHLO",
            8,
            "octets in quotation marks",
        ),
        ("end Whole\n", "", 10, "a line that begins with <, > or end"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let bad = Record::parse(&wrong).unwrap_err();
        assert_eq!((bad.line, bad.expected), (line, expected), "{wrong}");
    }
}
