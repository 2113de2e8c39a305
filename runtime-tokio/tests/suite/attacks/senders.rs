//! Peers that bring mail, or say so: at the doors for other servers and for users who send.

use std::process::Command;

use super::*;
use crate::common::{USER, run};

/// A peer that may send the content of a message, by these words.
fn transaction(port: u16, begin: &str) -> Client {
    let mut peer = Client::connect(port);
    peer.say("EHLO peer.example");
    peer.until("250 ");
    peer.say("MAIL FROM:<>");
    peer.until("250 ");
    peer.say(&format!("RCPT TO:<{USER}>"));
    peer.until("250 ");
    peer.say(begin);
    peer
}

fn assert_empty(neighbour: &mut Client) {
    assert!(neighbour.ok("SELECT INBOX").contains(&"* 0 EXISTS".to_owned()));
}

/// Threats A05 and B14: a chunk that is announced takes no room before it comes, and has to come along.
#[test]
fn announced_chunks_take_no_room_and_are_put_out() {
    let limits = "[limits]\ndata_rate = 5000\ndata_rate_after_seconds = 1\naddress_connections = 1000\n";
    let server = Server::start_with("slow-chunks", limits);
    let mut neighbour = server.logged_in();
    let before = server.rss_kib();
    let begin = |_| transaction(server.smtp, "BDAT 52428000").stream.into_inner();
    let mut peers: Vec<_> = (0..PEERS).map(begin).collect();
    drip(&mut peers, b"Subject: slow\r\n", &mut neighbour);
    let grown = server.rss_kib().saturating_sub(before);
    assert!(grown < 8192, "{grown} KiB for {PEERS} chunks that have not come");
    assert_empty(&mut neighbour);
}

/// Threats A05: a count that is none leaves nothing to count with; the connection ends, and what is behind is not run.
#[test]
fn a_count_beyond_all_numbers_ends_the_session() {
    let server = Server::start("counts");
    for count in ["18446744073709551616", "-1"] {
        let mut peer = transaction(server.smtp, &format!("BDAT {count}\r\nMAIL FROM:<a@b.example>"));
        assert!(peer.line().starts_with("501 "), "{count}");
        let stream = peer.stream.get_mut();
        eventually("its end", || is_over(stream));
    }
    assert_empty(&mut server.logged_in());
}

/// Threats A05: who ends TLS in a chunk has ended the session. What comes behind in the clear is neither the chunk's nor a command.
#[test]
fn the_end_of_tls_in_a_chunk_is_the_end() {
    let server = Server::start("tls-chunks");
    let script = r#"
import socket, ssl, sys
port, user = int(sys.argv[1]), sys.argv[2]
sock = socket.create_connection(("localhost", port), timeout=30)
def say(stream, line):
    stream.sendall(line.encode() + b"\r\n")
    said = b""
    while not (said.endswith(b"\r\n") and said.splitlines()[-1][3:4] == b" "):
        more = stream.recv(4096)
        assert more, said
        said += more
    return said
sock.recv(4096)
say(sock, "EHLO peer.example")
assert say(sock, "STARTTLS").startswith(b"220 ")
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
# The plain socket lives on under it.
bare = socket.socket(fileno=socket.dup(sock.fileno()))
bare.settimeout(30)
tls = context.wrap_socket(sock)
for line in ["EHLO peer.example", "MAIL FROM:<>", f"RCPT TO:<{user}>"]:
    assert say(tls, line).startswith(b"250"), line
tls.sendall(b"BDAT 60 LAST\r\nSubject: half\r\n")
try:
    tls.unwrap()
except (ssl.SSLError, OSError):
    pass
try:
    bare.sendall(b"x" * 45 + b"NOOP\r\n")
    while True:
        said = bare.recv(4096)
        if not said:
            break
        assert b"250" not in said, said
except ConnectionError:
    pass
"#;
    run(Command::new("python3")
        .args(["-c", script])
        .args([&server.smtp.to_string(), USER]));
    assert_empty(&mut server.logged_in());
    assert!(server.deliver(b"Subject: x\r\n\r\n").starts_with("250 "));
}

/// Threats A14: nobody says where a connection comes from but the connection.
#[test]
fn a_header_of_a_proxy_is_believed_of_nobody() {
    let server = Server::start("proxies");
    let long = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0x04; 2048]].concat();
    for header in [b"PROXY TCP4 192.0.2.77 192.0.2.1 1 25\r\n".as_slice(), &long] {
        for port in [server.smtp, server.submission, server.lmtp] {
            let mut stream = raw(port);
            stream.write_all(header).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut said = String::new();
            // What was not read when it ended is a reset.
            let _ = stream.read_to_string(&mut said);
            let codes: Vec<_> = said.lines().map(|line| &line[..1]).collect();
            assert!(codes.iter().all(|code| ["2", "4", "5"].contains(code)), "{said}");
            assert!(!said.contains("\n250"), "{said}");
        }
    }
    let mut peer = Client::connect(server.smtp);
    peer.say("EHLO peer.example");
    peer.until("250 ");
    for line in [
        "XCLIENT ADDR=192.0.2.77 LOGIN=root",
        "PROXY TCP4 192.0.2.77 192.0.2.1 1 25",
    ] {
        peer.say(line);
        assert!(peer.line().starts_with("500 "), "{line}");
    }
    assert!(!server.log().contains("192.0.2.77"), "{}", server.log());
}

/// Threats C11 and C02: a thousand recipients a connection, here and elsewhere, are each refused, and cost the neighbour nothing.
#[test]
fn recipients_in_thousands_are_refused_beside_a_neighbour() {
    let server = Server::start_with("relays", "[limits]\naddress_connections = 1000\n");
    let mut neighbour = server.logged_in();
    let mut text = b"EHLO peer.example\r\nMAIL FROM:<a@b.example>\r\n".to_vec();
    for number in 0..500 {
        text.extend(
            format!("RCPT TO:<n{number}@elsewhere.example>\r\nRCPT TO:<n{number}@example.com>\r\n").bytes(),
        );
    }
    text.extend(b"DATA\r\nQUIT\r\n");
    let peers: Vec<_> = (0..10)
        .map(|_| {
            let (mut stream, text) = (raw(server.smtp), text.clone());
            std::thread::spawn(move || {
                let _ = stream.write_all(&text);
                let mut said = String::new();
                let _ = stream.read_to_string(&mut said);
                said
            })
        })
        .collect();
    assert_well(&mut neighbour);
    for peer in peers {
        let said = peer.join().unwrap();
        assert!(
            said.contains("\r\n550 5.7.1 ") && said.contains("\r\n550 5.1.1 "),
            "{said:.400}"
        );
        assert!(!said.contains("\r\n354 "), "{said:.400}");
    }
    assert_well(&mut neighbour);
}
