//! The same script, whole, octet by octet and in random cuts: a shell answers with the octets of the pure core.
//!
//! Each shell is compared with the core, and so with the other one. Passwords, accounts and the host name are the same on both
//! sides; what each store draws for itself (UIDVALIDITY, times) is masked.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use lightmail_core::config;
use lightmail_core::doors::{Door, Place, Transport, doors};
use lightmail_core::machine::{Peer, Seed, TlsInfo};
use lightmail_core::pair::World;
use lightmail_core::wire::base64;

use crate::common::Server;
use crate::common::relay::Relay;

/// Commands of many kinds, right and wrong ones, with literals of both kinds; `{user}` and `{password}` are filled in.
const IMAP: &str = r#"c1 CAPABILITY
c2 FETCH 1 FLAGS
nonsense
c4 LOGIN {user} "{password}"
c5 NAMESPACE
c6 LIST "" *
c7 CREATE "Some/Where"
c8 STATUS INBOX (MESSAGES UIDNEXT UNSEEN)
c9 APPEND INBOX (\Seen keyword) "17-Jul-1996 02:44:25 -0700" {39+}
Subject: one

body of one
1234567890
c10 APPEND INBOX {21}
Subject: two

body!
c11 APPEND INBOX {0+}

c12 SELECT INBOX
c13 FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)
c14 FETCH 1 (INTERNALDATE BODY.PEEK[])
c15 FETCH 2 BODY[TEXT]<1.3>
c16 FETCH 9 FLAGS
c17 FETCH (((
c18 UID STORE 1:2 +FLAGS (\Flagged)
c19 SEARCH OR FLAGGED TEXT {4+}
body SUBJECT "two"
c20 COPY 1:2 Some/Where
c21 UID MOVE 2 Some/Where
c22 STORE 1 +FLAGS.SILENT (\Deleted)
c23 IDLE
DONE
c24 EXPUNGE
c25 STATUS Some/Where (MESSAGES)
c26 SELECT Some/Where
c27 FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])
c28 CLOSE
c29 SELECT Nowhere
c30 DELETE Some/Where
c31 LOGOUT
"#;

const LMTP: &str = r#"HELO wrong
LHLO client.test
MAIL FROM:<sender@example.org> SIZE=1000
RCPT TO:<{user}>
RCPT TO:<nobody@example.com>
RCPT TO:<broken
DATA
Subject: dots

..one
...
.
NOOP
MAIL FROM:<>
RCPT TO:<{user}>
BDAT 16
Subject: two

BDAT 3 LAST
x
NOOP
RSET
VRFY {user}
DATA
nonsense
QUIT
"#;

const SMTP: &str = r#"LHLO wrong
EHLO mx.test
AUTH PLAIN {plain}
MAIL FROM:<sender@example.org> SIZE=1000
RCPT TO:<{user}>
RCPT TO:<nobody@example.com>
RCPT TO:<somebody@elsewhere.example>
DATA
Subject: dots

..one
.
MAIL FROM:<>
RCPT TO:<{user}>
BDAT 16
Subject: two

BDAT 3 LAST
x
ETRN x
QUIT
"#;

const SUBMISSION: &str = r#"EHLO client.test
MAIL FROM:<{user}>
AUTH LOGIN
*
AUTH PLAIN
{plain}
MAIL FROM:<somebody@elsewhere.example>
MAIL FROM:<{user}> AUTH=<>
RCPT TO:<{user}>
DATA
From: {user}
Subject: mine

.
MAIL FROM:<>
RCPT TO:<{user}>
DATA
From: somebody@elsewhere.example

.
QUIT
"#;

const POP3: &str = r#"CAPA
LANG
LANG *
STAT
UTF8
USER {user}
PASS {password}
STAT
LIST
LIST 1
UIDL
RETR 1
TOP 1 0
DELE 1
RSET
NOOP
XYZZY
QUIT
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Whole,
    Octets,
    /// Pieces of 1 to 64 octets, by a seed.
    Random(u64),
}

impl Cut {
    fn pieces(self, script: &[u8]) -> Vec<&[u8]> {
        let mut state = match self {
            Cut::Whole => return vec![script],
            Cut::Octets => return script.chunks(1).collect(),
            Cut::Random(seed) => seed,
        };
        let mut rest = script;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            // Knuth's linear congruential generator; the high bits are the random ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (piece, left) = rest.split_at(rest.len().min(1 + (state >> 58) as usize));
            pieces.push(piece);
            rest = left;
        }
        pieces
    }
}

/// All that a shell answers until it closes.
fn over_tcp(port: u16, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    for piece in pieces {
        stream.write_all(piece).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// What a conversation comes to: what the peer hears, and the names of the effects, in order. `ConfirmDelivery` is about time,
/// `TakePlace` about the connections that a shell has, of which the core knows none.
type Course = (String, Vec<String>);

/// The effects of the one session that has been logged from `begin` on.
fn effects_logged(server: &Server, begin: usize) -> Vec<String> {
    let log = loop {
        let log = server.log().split_off(begin);
        // The peer hears the last word a moment before the session is over.
        if log.contains("session.closed") {
            break log;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    // The server's workers have effects of their own.
    let of_session = log.lines().filter(|line| line.contains("\"name\":\"session\""));
    let begun = of_session.filter(|line| line.contains("effect.begun"));
    let name = |line: &str| Some(line.split_once("\"name\":\"")?.1.split_once('"')?.0.to_owned());
    let names = begun.map(|line| name(line).unwrap_or_else(|| panic!("no name of an effect: {line}")));
    names.filter(|name| is_compared(name)).collect()
}

fn is_compared(effect: &str) -> bool {
    !matches!(effect, "ConfirmDelivery" | "TakePlace")
}

/// All that the core answers and does.
fn in_the_core(server: &Server, user: &str, door: (&str, Transport), pieces: &[&[u8]]) -> Course {
    let text = std::fs::read_to_string(server.folder.join("config.ini")).unwrap();
    let config = config::parse("config.ini", &text).unwrap();
    let doors = doors(&config);
    let wanted = |it: &&Door| matches!(it.place, Place::Tcp(..)) && (it.proto, it.transport) == door;
    let door = doors.iter().find(wanted).unwrap();
    let mut world = World::new();
    world.create_account(user, &server.password);
    let peer = Peer {
        address: Some([127, 0, 0, 1].into()),
        tls: (door.transport == Transport::Tls).then(TlsInfo::default),
    };
    let talk = world.join(door.greet.machine(peer, Seed::new([1; 32])));
    pieces.iter().for_each(|piece| world.feed(talk, piece));
    let answer = world.take(talk);
    let said = String::from_utf8_lossy(&answer);
    assert!(
        world.is_over(talk),
        "the script does not end the conversation: {said}"
    );
    let effects = world.log().iter().map(|one| one.effect.name().to_owned());
    let effects = effects.filter(|name| is_compared(name)).collect();
    (masked(&answer), effects)
}

/// The answer with what differs between any two stores masked: the number after `UIDVALIDITY`, `APPENDUID` and `COPYUID`, and
/// what stands in parentheses after `MAILBOXID`.
fn masked(answer: &[u8]) -> String {
    let mut text = String::from_utf8(answer.to_vec()).unwrap();
    for (before, end) in [
        ("UIDVALIDITY ", "0123456789"),
        ("APPENDUID ", "0123456789"),
        ("COPYUID ", "0123456789"),
        (
            "MAILBOXID (",
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
        ),
    ] {
        let mut parts = text.split(before);
        let first = parts.next().unwrap().to_owned();
        text = parts.fold(first, |text, part| {
            format!("{text}{before}…{}", part.trim_start_matches(|c| end.contains(c)))
        });
    }
    text
}

fn compare(proto: &str, transport: Transport, script: &str) {
    let server = Server::start_with("parity", "[log]\nlevel = debug\nformat = json");
    let relay = (transport == Transport::Tls).then(|| Relay::start(&server));
    let direct = match proto {
        "imap" => server.imap,
        "pop3" => server.pop3,
        "smtp" => server.smtp,
        "submission" => server.submission,
        _ => server.lmtp,
    };
    let port = relay.as_ref().map_or(direct, |relay| relay.port);
    let cuts = [Cut::Whole, Cut::Octets]
        .into_iter()
        .chain((1..=6).map(Cut::Random));
    for (number, cut) in cuts.enumerate() {
        // A mailbox that nobody has touched for each run, with a name of one length.
        let user = format!("cut{number}@example.com");
        server.add_account(&user);
        let script = script
            .replace('\n', "\r\n")
            .replace("{user}", &user)
            .replace("{password}", &server.password)
            .replace("{plain}", &plain(&user, &server.password));
        let pieces = cut.pieces(script.as_bytes());
        let begin = server.log().len();
        let (core, core_effects) = in_the_core(&server, &user, (proto, transport), &pieces);
        let shell = masked(&over_tcp(port, &pieces));
        let effects = effects_logged(&server, begin);
        assert!(!effects.is_empty(), "{proto}, {cut:?}");
        assert_eq!(
            effects, core_effects,
            "{proto}, {cut:?}: the effects of the shell and of the core"
        );
        if let Some((core, shell)) = core
            .lines()
            .zip(shell.lines())
            .find(|(core, shell)| core != shell)
        {
            panic!("{proto}, {cut:?}: the core says\n{core}\nand the shell\n{shell}");
        }
        assert_eq!(
            core.len(),
            shell.len(),
            "{proto}, {cut:?}: one says more\n{core}\n---\n{shell}"
        );
    }
}

#[test]
fn imap_in_any_cut_answers_as_the_core() {
    compare("imap", Transport::Plain, IMAP);
}

#[test]
fn imap_in_any_cut_answers_as_the_core_through_tls() {
    compare("imap", Transport::Tls, IMAP);
}

#[test]
fn pop3_in_any_cut_answers_as_the_core() {
    compare("pop3", Transport::Plain, POP3);
}

/// The response of SASL PLAIN.
fn plain(user: &str, password: &str) -> String {
    base64::encode(format!("\0{user}\0{password}").as_bytes())
}

#[test]
fn smtp_in_any_cut_answers_as_the_core() {
    compare("smtp", Transport::Plain, SMTP);
}

#[test]
fn submission_in_any_cut_answers_as_the_core() {
    compare("submission", Transport::Plain, SUBMISSION);
}

#[test]
fn lmtp_in_any_cut_answers_as_the_core() {
    compare("lmtp", Transport::Plain, LMTP);
}
