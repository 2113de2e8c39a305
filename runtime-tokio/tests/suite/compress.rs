//! Compressed sessions by a client that uses zlib, and by some that are none: bombs, garbage, impatience.

use std::process::Command;

use crate::common::{Server, USER, eventually, run};

/// Begins each script: `Client(port)` has logged in; `compress()` begins compression on its side too. It remembers what it has said
/// beyond its flushes, as zlib does.
const PRELUDE: &str = r#"
import base64, socket, ssl, sys, time, zlib
port, tls_port, user, password = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
class Client:
    def __init__(self, tls=False):
        self.sock = socket.create_connection(("127.0.0.1", tls_port if tls else port), 60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            made = ssl.create_default_context()
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
            self.sock = made.wrap_socket(self.sock)
        self.heard, self.wire, self.deflate, self.inflate = b"", 0, None, None
        self.line()
        self.ok("LOGIN %s %s" % (user, password))
    def compress(self):
        self.ok("COMPRESS DEFLATE")
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflate = zlib.decompressobj(-15)
    def send(self, octets):
        if self.deflate:
            octets = self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(octets)
    def more(self):
        octets = self.sock.recv(65536)
        self.wire += len(octets)
        self.heard += self.inflate.decompress(octets) if self.inflate else octets
        return octets
    def line(self):
        while b"\r\n" not in self.heard:
            assert self.more(), "the server closed behind %r" % self.heard
        line, self.heard = self.heard.split(b"\r\n", 1)
        return line
    def octets(self, n):
        while len(self.heard) < n:
            assert self.more(), "the server closed"
        octets, self.heard = self.heard[:n], self.heard[n:]
        return octets
    def until(self, start):
        lines = [self.line()]
        while not lines[-1].startswith(start):
            lines.append(self.line())
        return lines
    def ok(self, command):
        self.send(b"t " + command.encode() + b"\r\n")
        lines = self.until(b"t ")
        assert lines[-1].startswith(b"t OK"), (command, lines)
        return lines
    def rest(self):
        try:
            while self.more(): pass
        except ConnectionError: pass
        return self.heard
def bomb(octets, n):
    made = zlib.compressobj(9, zlib.DEFLATED, -15)
    return made.compress(octets * n) + made.flush()
"#;

fn python(server: &Server, script: &str) {
    run(Command::new("python3")
        .args(["-c", &format!("{PRELUDE}{script}")])
        .args([server.imap.to_string(), server.imaps.to_string()])
        .args([USER, &server.password]));
}

#[test]
fn large_mails_pass_unchanged_in_both_directions() {
    let server = Server::start("compress-large");
    python(
        &server,
        r#"
import random
random.seed(1)
noise = base64.encodebytes(random.randbytes(2 << 20)).replace(b"\n", b"\r\n")
text = b"".join(b"%d the same words again and again\r\n" % n for n in range(60000))
mail = b"Subject: large\r\n\r\n" + noise + text
assert len(mail) > 5_000_000 - 400_000, len(mail)
for tls in (False, True):
    c = Client(tls)
    assert any(b"COMPRESS=DEFLATE" in line for line in c.ok("CAPABILITY"))
    c.compress()
    assert not any(b"COMPRESS=DEFLATE" in line for line in c.ok("CAPABILITY"))
    c.send(b"a APPEND INBOX {%d}\r\n" % len(mail))
    assert c.line().startswith(b"+")
    for at in range(0, len(mail), 1 << 20):
        c.send(mail[at:at + (1 << 20)])
    c.send(b"\r\n")
    assert c.until(b"a ")[-1].startswith(b"a OK")
    c.ok("SELECT INBOX")
    c.wire = 0
    c.send(b"f FETCH 1 (BODY.PEEK[])\r\n")
    head = c.line()
    assert head.endswith(b"{%d}" % len(mail)), head
    assert c.octets(len(mail)) == mail
    assert c.line() == b")" and c.line().startswith(b"f OK")
    assert tls or c.wire < len(mail) * 4 // 5, c.wire
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("CLOSE")
    c.send(b"l LOGOUT\r\n")
    assert b"l OK" in c.rest()
"#,
    );
}

/// Whatever was said lately has left: no flush is owed to whoever waits.
#[test]
fn idle_is_told_at_once() {
    let server = Server::start("compress-idle");
    python(
        &server,
        r#"
idler, other = Client(), Client()
idler.ok("SELECT INBOX")
idler.compress()
idler.send(b"i IDLE\r\n")
assert idler.line().startswith(b"+")
for n in range(1, 4):
    other.send(b"a APPEND INBOX {4+}\r\nabcd\r\n")
    assert other.until(b"a ")[-1].startswith(b"a OK")
    begun = time.monotonic()
    idler.until(b"* %d EXISTS" % n)
    assert time.monotonic() - begun < 10
idler.send(b"DONE\r\n")
assert idler.until(b"i ")[-1].startswith(b"i OK")
"#,
    );
}

#[test]
fn a_bomb_ends_its_session_and_hinders_nobody() {
    let server = Server::start("compress-bomb");
    python(
        &server,
        r#"
neighbour = Client()
neighbour.ok("SELECT INBOX")
for command, octets in ((b"", b"\0"), (b"b APPEND INBOX {40000000}\r\n", b"x")):
    c = Client()
    c.compress()
    if command:
        c.send(command)
        assert c.line().startswith(b"+")
    try:
        c.sock.sendall(bomb(octets, 64 << 20))
    except ConnectionError: pass
    begun = time.monotonic()
    neighbour.ok("NOOP")
    assert time.monotonic() - begun < 10
    said = c.rest()
    assert b"* BYE" in said, said
neighbour.send(b"s STATUS INBOX (MESSAGES)\r\n")
assert b"MESSAGES 0" in neighbour.until(b"s ")[0]
"#,
    );
    let log = server.log();
    assert_eq!(log.matches("deflate.failed").count(), 2, "{log}");
    assert!(
        log.contains("a few octets became a thousand times as many"),
        "{log}"
    );
}

#[test]
fn what_is_not_compressed_as_it_should_be_ends_the_session() {
    let server = Server::start("compress-garbage");
    python(
        &server,
        r#"
# Octets that are no DEFLATE, and a stream that ends.
for octets in (b"\x07" * 9, bomb(b"a NOOP\r\n", 1)):
    c = Client()
    c.compress()
    c.sock.sendall(octets)
    assert b"* BYE" in c.rest()
# Half a block, and the end of the connection.
c = Client()
c.compress()
c.sock.sendall(bomb(b"a NOOP\r\n" * 9, 1)[:5])
c.sock.shutdown(socket.SHUT_WR)
c.rest()
# In one segment with COMPRESS: nobody waited for the answer.
c = Client()
c.send(b"a COMPRESS DEFLATE\r\nb NOOP\r\n")
assert c.line().startswith(b"a OK")
c.inflate = zlib.decompressobj(-15)
c.heard = c.inflate.decompress(c.heard)
said = c.rest()
assert b"* BYE" in said and b"b OK" not in said, said
"#,
    );
    eventually("the words", || {
        let log = server.log();
        log.contains("what came is not DEFLATE") && log.contains("the compressed stream has ended")
    });
    assert!(!server.log().contains("panicked") && !server.log().contains("ERROR"));
}

/// RFC 8437, 4.1: behind the command, and behind the answer; the next log-in comes with it.
#[test]
fn unauthenticate_ends_compression_to_the_octet() {
    let server = Server::start("compress-end");
    python(
        &server,
        r#"
c = Client()
for _ in range(3):
    c.compress()
    c.ok("NOOP")
    last = c.deflate.compress(b"u UNAUTHENTICATE\r\n") + c.deflate.flush(zlib.Z_SYNC_FLUSH)
    c.deflate = None
    c.send(last + b"l LOGIN %s %s\r\n" % (user.encode(), password.encode()))
    inflate, flushed = c.inflate, b"\0\0\xff\xff"
    c.inflate, c.heard = None, b""
    while flushed not in c.heard:
        assert c.more(), c.heard
    answer, c.heard = c.heard.split(flushed, 1)
    assert inflate.decompress(answer + flushed).startswith(b"u OK")
    assert c.until(b"l ")[-1].startswith(b"l OK")
"#,
    );
}
