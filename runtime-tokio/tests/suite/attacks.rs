//! Peers that mean harm, beside a neighbour who does not and is answered within a tenth of a second. docs/attacks.md lists them all.

mod senders;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::common::{Client, Server, eventually};

/// How long a neighbour waits for an answer at most.
const NEIGHBOUR: Duration = Duration::from_millis(100);
/// How many peers attack at once.
const PEERS: usize = 100;

fn raw(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Twenty answers to a neighbour: all but one in time, since the machine of a test has other work too.
fn assert_well(neighbour: &mut Client) {
    let took = neighbour.pulse(20);
    assert!(took[18] < NEIGHBOUR, "{took:?}");
}

/// Whether the server has ended a connection. What it still said is read.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut octets = [0; 4096];
    loop {
        match stream.read(&mut octets) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// Octets one by one from each peer until all of them are put out; the neighbour is well all the time.
fn drip(peers: &mut Vec<TcpStream>, octets: &[u8], neighbour: &mut Client) {
    let mut next = octets.iter().cycle();
    eventually("the end of all slow peers", || {
        let octet = [*next.next().unwrap()];
        for peer in peers.iter_mut() {
            // One that was put out refuses it.
            let _ = peer.write_all(&octet);
        }
        peers.retain_mut(|peer| !is_over(peer));
        assert_well(neighbour);
        peers.is_empty()
    });
}

/// Threats B14: a deadline counts from the greeting, not from the last octet, before log-in and in the TLS handshake.
#[test]
fn slow_peers_before_log_in_are_put_out() {
    let limits = "[limits]\nlogin_seconds = 2\ntls_seconds = 1\naddress_connections = 1000\n";
    let server = Server::start_with("slow-logins", limits);
    let mut neighbour = server.logged_in();
    for (port, octets) in [
        (server.imap, b"a LOGIN aaaaaaaaaaaaaaaaaaaaaaaaa".as_slice()),
        (server.pop3, b"USER aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        // A record that says it has 512 octets, a hello in pieces of one.
        (server.imaps, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ] {
        let mut peers: Vec<_> = (0..PEERS).map(|_| raw(port)).collect();
        drip(&mut peers, octets, &mut neighbour);
    }
    assert_well(&mut server.logged_in());
}

/// Threats B14: a message that comes too slowly is ended, and not stored.
#[test]
fn slow_messages_are_put_out() {
    let limits = "[limits]\ndata_rate = 5000\ndata_rate_after_seconds = 1\naddress_connections = 1000\n";
    let server = Server::start_with("slow-data", limits);
    let mut neighbour = server.logged_in();
    let begin = |_| {
        let mut peer = Client::connect(server.lmtp);
        peer.say("LHLO slow.example");
        peer.until("250 ");
        peer.say("MAIL FROM:<>");
        peer.until("250 ");
        peer.say(&format!("RCPT TO:<{}>", crate::common::USER));
        peer.until("250 ");
        peer.say("DATA");
        peer.until("354 ");
        peer.stream.into_inner()
    };
    let mut peers: Vec<_> = (0..PEERS).map(begin).collect();
    drip(&mut peers, b"Subject: slow\r\n", &mut neighbour);
    assert!(neighbour.ok("SELECT INBOX").contains(&"* 0 EXISTS".to_owned()));
}

/// Threats B14: a user's own APPEND may be slow; it costs a session of that account, and nobody else anything.
#[test]
fn slow_appends_harm_nobody() {
    let server = Server::start_with("slow-appends", "[limits]\naccount_connections = 1000\n");
    let mut neighbour = server.logged_in();
    let begin = |_| {
        let mut client = server.logged_in();
        client.say("a APPEND INBOX {50000000}");
        client.until("+ ");
        client
    };
    let mut peers: Vec<_> = (0..PEERS).map(begin).collect();
    let before = server.rss_kib();
    for _ in 0..20 {
        peers.iter_mut().for_each(|peer| peer.send(b"x"));
        assert_well(&mut neighbour);
    }
    let grown = server.rss_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB for octets that have not come");
    drop(peers);
    assert!(neighbour.ok("SELECT INBOX").contains(&"* 0 EXISTS".to_owned()));
}

/// Threats B15: one delivery wakes all who wait for it, each once, and holds nobody up.
#[test]
fn many_that_idle_are_woken_by_one_delivery() {
    let server = Server::start_with(
        "idlers",
        "[limits]\naccount_connections = 1000\naddress_connections = 1000\n",
    );
    let mut neighbour = server.logged_in();
    let idle = |_| {
        let mut client = server.logged_in();
        client.ok("SELECT INBOX");
        client.say("i IDLE");
        client.until("+ ");
        client
    };
    let mut idlers: Vec<_> = (0..PEERS).map(idle).collect();
    assert!(server.deliver(b"Subject: wake\r\n\r\n").starts_with("250 "));
    assert_well(&mut neighbour);
    for client in &mut idlers {
        assert!(client.until("* 1 EXISTS").len() <= 2);
        client.say("DONE");
        let rest = client.until("i OK");
        assert!(!rest.iter().any(|line| line.ends_with("EXISTS")), "{rest:?}");
    }
}

/// TLS 1.2, and suites of ECDHE with AES-GCM.
const TODAY: (&[u8], &[u8]) = (b"\x03\x03", b"\xc0\x2b\xc0\x2f");

/// A TLS hello for a server name, good enough to be looked at and then refused or answered: its version and suites; records hold
/// `step` octets.
fn hello(name: &str, (version, suites): (&[u8], &[u8]), step: usize) -> Vec<u8> {
    let name = name.as_bytes();
    let long = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let mut server_name = vec![0, 0];
    server_name.extend(long(name.len() + 5));
    server_name.extend(long(name.len() + 3));
    server_name.push(0);
    server_name.extend(long(name.len()));
    server_name.extend(name);
    // Curves x25519 and P-256; ECDSA and RSA-PSS with SHA-256.
    server_name.extend(b"\x00\x0a\x00\x06\x00\x04\x00\x1d\x00\x17\x00\x0b\x00\x02\x01\x00\x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04");
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(long(suites.len()));
    body.extend(suites);
    body.extend(b"\x01\x00");
    body.extend(long(server_name.len()));
    body.extend(server_name);
    let mut message = vec![1, 0];
    message.extend(long(body.len()));
    message.extend(body);
    let record = |piece: &[u8]| [b"\x16\x03\x01".as_slice(), &long(piece.len()), piece].concat();
    message.chunks(step).flat_map(record).collect()
}

/// The kinds of TLS records that answer a hello (RFC 8446, 5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// What kind of record answers a hello.
fn greet(port: u16, hello: &[u8]) -> u8 {
    let mut stream = raw(port);
    stream.write_all(hello).unwrap();
    let mut kind = [0];
    stream.read_exact(&mut kind).unwrap();
    kind[0]
}

/// Threats C14: no version before 1.2, no RC4, no CBC, no key exchange without forward secrecy, at any door.
#[test]
fn old_versions_and_ciphers_of_tls_are_refused() {
    let server = Server::start("old-tls");
    for port in [server.imaps, server.pop3s, server.submissions] {
        assert_eq!(greet(port, &hello("localhost", TODAY, 512)), HANDSHAKE);
        for (version, suites) in [
            (b"\x03\x02", b"\xc0\x09\xc0\x13"),
            (b"\x03\x01", b"\xc0\x09\xc0\x13"),
            (b"\x03\x00", b"\x00\x2f\x00\x35"),
            (b"\x03\x03", b"\x00\x05\xc0\x11"),
            (b"\x03\x03", b"\xc0\x09\xc0\x13"),
            (b"\x03\x03", b"\x00\x9c\x00\x2f"),
        ] {
            let old = hello("localhost", (version, suites), 512);
            assert_eq!(greet(port, &old), ALERT, "{version:?} {suites:?}");
        }
    }
}

/// Threats B16: names nobody has leave nothing behind, and a hello in records of one octet is one like any other.
#[test]
fn strange_hellos_leave_nothing_behind() {
    let server = Server::start_with("hellos", "[limits]\naddress_connections = 1000\n");
    let mut neighbour = server.logged_in();
    let greet = |name: &str, step| greet(server.imaps, &hello(name, TODAY, step));
    assert_eq!(greet("localhost", 1), HANDSHAKE, "records of one octet");
    let names = |from: u32| {
        (from..from + 500).for_each(|number| {
            assert_eq!(greet(&format!("n{number}.example"), 64), HANDSHAKE);
        })
    };
    names(0);
    let before = server.rss_kib();
    names(500);
    assert_well(&mut neighbour);
    let grown = server.rss_kib().saturating_sub(before);
    assert!(grown < 2048, "{grown} KiB for 500 names");
}

/// Threats B17: bcrypt has its own few threads; who has logged in waits for none of them.
#[test]
fn wrong_passwords_in_parallel_harm_nobody() {
    let limits = "[limits]\naddress_connections = 1000\nbcrypt_threads = 1\nbcrypt_queue = 8\n";
    let server = Server::start_with("wrong", limits);
    let mut neighbour = server.logged_in();
    let ask = |number| {
        let mut client = server.imap_client();
        client.say(&format!("a LOGIN user{number}@example.com wrong"));
        client
    };
    let mut clients: Vec<_> = (0..PEERS).map(ask).collect();
    for _ in 0..5 {
        assert_well(&mut neighbour);
    }
    for client in &mut clients {
        let said = client.until("a ").pop().unwrap();
        let refused = said.starts_with("a NO [AUTHENTICATIONFAILED]");
        assert!(refused || said.starts_with("a NO [UNAVAILABLE]"), "{said}");
    }
}
