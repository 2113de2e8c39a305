//! TLS by real clients, and by some that are none: curl, imaplib, openssl, garbage, silence.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Client, Server, USER, eventually, run, run_with};

/// Begins each script: `context(maximum)` trusts the server's certificate alone; `open(…)` is a raw connection through TLS.
const PRELUDE: &str = r#"
import imaplib, socket, ssl, sys
certificate, imap, imaps, user, password = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
def context(maximum=ssl.TLSVersion.TLSv1_3):
    made = ssl.create_default_context(cafile=certificate)
    made.maximum_version = maximum
    return made
def open_tls(name="localhost", made=None, session=None):
    raw = socket.create_connection(("127.0.0.1", imaps), 30)
    made = made or context()
    return made.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False, session=session)
def shown(made=None, name="localhost"):
    made = made or ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    with open_tls(name, made) as stream:
        return ssl.DER_cert_to_PEM_cert(stream.getpeercert(True))
"#;

/// Runs a Python client; what it printed.
fn python(server: &Server, script: &str) -> String {
    run(Command::new("python3")
        .args(["-c", &format!("{PRELUDE}{script}")])
        .arg(server.certificate())
        .args([server.imap.to_string(), server.imaps.to_string()])
        .args([USER, &server.password]))
}

fn raw(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// What still comes; a reset is an end too.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    let _ = stream.read_to_end(&mut octets);
    octets
}

#[test]
fn curl_and_openssl_read_by_both_versions() {
    let server = Server::start("tls-clients");
    let mode = |name| {
        fs::metadata(server.folder.join("data").join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!((mode("tls.key") & 0o777, mode("tls.crt") & 0o777), (0o600, 0o644));
    let curl = |scheme: &str, port: u16| {
        run(Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--ssl-reqd", "--cacert"])
            .arg(server.certificate())
            .args(["-u", &format!("{USER}:{}", server.password)])
            .arg(format!("{scheme}://localhost:{port}/")))
    };
    assert!(curl("imaps", server.imaps).contains("INBOX"));
    assert!(curl("imap", server.imap).contains("INBOX"), "by STARTTLS");
    for version in ["-tls1_2", "-tls1_3"] {
        let (ok, said) = run_with(
            Command::new("openssl")
                .args(["s_client", "-quiet", "-verify_return_error", version, "-CAfile"])
                .arg(server.certificate())
                .args(["-connect", &format!("127.0.0.1:{}", server.imaps)]),
            b"a CAPABILITY\r\nb LOGOUT\r\n",
        );
        assert!(
            ok && said.contains("a OK") && said.contains("\nb OK"),
            "{version}: {said}"
        );
        assert!(
            !said.contains("STARTTLS") && !said.contains("LOGINDISABLED"),
            "{said}"
        );
    }
    let (_, said) = run_with(
        Command::new("openssl")
            .args(["s_client", "-quiet", "-tls1_1", "-connect"])
            .arg(format!("127.0.0.1:{}", server.imaps)),
        b"",
    );
    assert!(!said.contains("* OK"), "{said}");
}

#[test]
fn large_mails_pass_unchanged_and_the_end_is_told() {
    let server = Server::start("tls-large");
    python(
        &server,
        r#"
for maximum in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    c = imaplib.IMAP4_SSL("localhost", imaps, ssl_context=context(maximum))
    assert c.sock.version() == maximum.name.replace("_", "."), c.sock.version()
    c.login(user, password)
    mail = b"Subject: large\r\n\r\n" + b"".join(b"%d %s\r\n" % (n, b"x" * (n % 900)) for n in range(9000))
    assert c.append("INBOX", None, None, mail)[0] == "OK"
    count = c.select("INBOX")[1][0]
    assert c.fetch(count, "(BODY.PEEK[])")[1][0][1] == mail
    c.logout()
# The server's word that nothing more comes; without it the library raises.
stream = open_tls()
stream.sendall(b"a LOGOUT\r\n")
said = b""
while octets := stream.recv(4096):
    said += octets
assert b"* BYE" in said and b"a OK" in said, said
# A connection that just ends is an end like any other.
stream = open_tls()
stream.sendall(b"a LOGIN %s %s\r\nb APPEND INBOX {1000+}\r\nhalf" % (user.encode(), password.encode()))
stream.shutdown(socket.SHUT_WR)
c = imaplib.IMAP4_SSL("localhost", imaps, ssl_context=context())
c.login(user, password)
assert c.select("INBOX")[1] == [b"2"]
"#,
    );
}

#[test]
fn a_client_that_comes_back_is_known_by_its_ticket() {
    let server = Server::start("tls-ticket");
    python(
        &server,
        r#"
for maximum in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    made = context(maximum)
    first = open_tls(made=made)
    assert first.recv(4) == b"* OK" and not first.session_reused
    again = open_tls(made=made, session=first.session)
    assert again.recv(4) == b"* OK" and again.session_reused, maximum
"#,
    );
}

#[test]
fn starttls_upgrades_and_what_came_before_it_is_never_run() {
    let server = Server::start_with("starttls", "plaintext = never\n");
    python(
        &server,
        r#"
c = imaplib.IMAP4("localhost", imap)
assert "STARTTLS" in c.capabilities and "LOGINDISABLED" in c.capabilities, c.capabilities
c.starttls(context())
assert "STARTTLS" not in c.capabilities and "LOGINDISABLED" not in c.capabilities, c.capabilities
c.login(user, password)
c.select("INBOX")
c.logout()
"#,
    );
    // In one segment, and behind the answer.
    let mut injected = server.imap_client();
    injected.send(b"a STARTTLS\r\nb NOOP\r\n");
    let said = injected.until("* BYE").join("\n");
    assert!(!said.contains("b OK"), "{said}");
    let mut injected = server.imap_client();
    injected.ok("STARTTLS");
    injected.send(b"b NOOP\r\n");
    let mut said = Vec::new();
    let _ = injected.stream.read_to_end(&mut said);
    assert!(!said.windows(2).any(|window| window == b"OK"), "{said:?}");
}

#[test]
fn garbage_ends_that_session_alone_with_one_quiet_line() {
    let server = Server::start("tls-garbage");
    let script = r#"
stream = open_tls()
assert stream.recv(4).startswith(b"* OK")
for octets in (b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 64, b"a LOGIN user secret\r\n", b"\x16\x03\x01\xff\xff\x01"):
    with socket.create_connection(("127.0.0.1", imaps), 30) as other:
        other.sendall(octets)
        other.shutdown(socket.SHUT_WR)
        try:
            while other.recv(4096): pass
        except ConnectionError: pass
stream.sendall(b"a NOOP\r\n")
while b"a OK" not in stream.recv(4096): pass
"#;
    python(&server, script);
    let failed = || {
        let log = server.log();
        log.lines()
            .filter(|line| line.contains("tls.handshake.failed"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    eventually("all failures", || failed().len() == 4);
    let log = server.log();
    assert!(
        !log.contains("secret") && !log.contains("ERROR") && !log.contains("panicked"),
        "{log}"
    );
    for line in failed() {
        let id = line
            .split("session{id=")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let lines = log
            .lines()
            .filter(|line| line.contains(&format!("session{{id={id} ")));
        assert_eq!(lines.count(), 1, "{log}");
    }
}

#[test]
fn a_stalled_handshake_is_cut_and_hinders_nobody() {
    let server = Server::start_with(
        "tls-stall",
        "[limits]\ntls_seconds = 1\naddress_connections = 4\n",
    );
    let mut stalled: Vec<_> = (0..3).map(|_| raw(server.imaps)).collect();
    for stream in &mut stalled {
        // The head of a record, and nothing of what it announces.
        stream.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    }
    python(&server, "assert open_tls().recv(4) == b'* OK'");
    // They count as connections before login; who is too many is closed without a word, which would not be TLS.
    let fourth = Client::connect(server.imap);
    eventually("refusal", || rest(&mut raw(server.imaps)).is_empty());
    drop(fourth);
    for mut stream in stalled {
        rest(&mut stream);
    }
    let log = server.log();
    assert!(log.contains("session.refused.too_many_of_address"), "{log}");
    assert_eq!(log.matches("the handshake takes too long").count(), 3, "{log}");
}

#[test]
fn a_server_that_stops_waits_for_no_handshake() {
    let mut server = Server::start("tls-stop");
    let mut stalled = raw(server.imaps);
    stalled.write_all(b"\x16\x03\x01").unwrap();
    eventually("the visit", || {
        raw(server.imaps).write_all(b"x").is_ok() && server.log().contains("tls.handshake.failed")
    });
    let begun = Instant::now();
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// A pair that `openssl` makes.
fn make_pair(folder: &Path, file: &str, name: &str) {
    run(Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "10",
        ])
        .args([
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            &format!("subjectAltName=DNS:{name}"),
        ])
        .arg("-keyout")
        .arg(folder.join(format!("{file}.key")))
        .arg("-out")
        .arg(folder.join(format!("{file}.crt")))
        .stderr(Stdio::piped()));
}

#[test]
fn each_name_gets_its_certificate_and_sighup_reads_them_anew() {
    let pairs = std::env::temp_dir().join(format!("lm-{}-pairs-{}", std::process::id(), line!()));
    fs::create_dir_all(pairs.join("names")).unwrap();
    make_pair(&pairs, "default", "mail.test");
    make_pair(&pairs.join("names"), "other.test", "other.test");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(pairs.join("names/other.test.key"), open).unwrap();
    let section = format!(
        "[tls]\ncertificate = {0}/default.crt\nkey = {0}/default.key\ncertificates_dir = {0}/names\n",
        pairs.display()
    );
    let server = Server::start_with("tls-names", &section);
    assert!(!server.certificate().exists(), "none is made where one is named");
    let open = server.log().matches("tls.key.open_to_others").count();
    assert_eq!(open, 1, "{}", server.log());
    let text = |file: &str| fs::read_to_string(pairs.join(file)).unwrap();
    let shown = |name: &str| python(&server, &format!("print(shown(None, {name:?}), end='')"));
    let mut client = Client::connect(server.imap);
    let (first, other) = (text("default.crt"), text("names/other.test.crt"));
    assert_eq!(
        (shown("mail.test"), shown("nowhere.test")),
        (first.clone(), first.clone())
    );
    assert_eq!(
        (shown("other.test"), shown("OTHER.test")),
        (other.clone(), other.clone())
    );

    make_pair(&pairs, "default", "mail.test");
    server.signal("HUP");
    eventually("the new certificate", || {
        shown("mail.test") == text("default.crt")
    });
    assert_ne!(text("default.crt"), first);
    assert_eq!(shown("other.test"), other);

    let second = text("default.crt");
    fs::write(pairs.join("default.key"), "no key").unwrap();
    server.signal("HUP");
    eventually("the complaint", || server.log().contains("tls.certificates.kept"));
    assert!(server.log().contains("[tls] key: it holds no private key"));
    assert!(!server.log().contains("\\u{a}"), "one event is one line");
    assert_eq!(shown("mail.test"), second);
    client.ok("NOOP");

    // A start with the same files says so and serves nothing.
    let output = server.lightmail().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("[tls] key: it holds no private key; expected PEM"),
        "{said}"
    );
    fs::remove_dir_all(pairs).unwrap();
}

#[test]
fn the_pair_is_made_once() {
    let mut server = Server::start("tls-once");
    let read = |server: &Server| fs::read(server.certificate()).unwrap();
    let first = read(&server);
    server.kill_and_start_again();
    assert_eq!(read(&server), first);
    python(&server, "assert open_tls().recv(4) == b'* OK'");
}
