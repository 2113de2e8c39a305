//! Where a mail transfer agent delivers: a socket that is its group's alone, STARTTLS on the port, a size of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Client, Server, USER, run, run_with};

fn python(server: &Server, script: &str) -> String {
    const PRELUDE: &str = r#"
import smtplib, ssl, sys
certificate, port, socket, user = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=certificate)
"#;
    run(Command::new("python3")
        .args(["-c", &format!("{PRELUDE}{script}")])
        .arg(server.certificate())
        .arg(server.lmtp.to_string())
        .arg(server.socket())
        .arg(USER))
}

#[test]
fn smtplib_delivers_through_starttls() {
    let server = Server::start("lmtp-tls");
    python(
        &server,
        r#"
with smtplib.LMTP("localhost", port) as client:
    client.ehlo()
    assert client.has_extn("starttls")
    assert client.starttls(context=context)[0] == 220
    client.ehlo()
    assert not client.has_extn("starttls")
    assert client.docmd("STARTTLS")[0] == 503
    client.sendmail("sender@example.org", [user], "Subject: under TLS\r\n\r\n.dot\r\n")
with smtplib.LMTP(socket) as client:
    client.ehlo()
    assert not client.has_extn("starttls")
    assert client.docmd("STARTTLS")[0] == 502
    client.sendmail("sender@example.org", [user], "Subject: in the clear\r\n\r\n")
"#,
    );
    run(Command::new("swaks")
        .args(["--protocol", "LMTP", "-tls", "--to", USER])
        .args(["--server", "127.0.0.1", "--port", &server.lmtp.to_string()]));
    let mut imap = server.logged_in();
    imap.ok("SELECT INBOX");
    let found = imap.ok("SEARCH HEADER Received \"with LMTPS\"");
    assert!(found.iter().any(|line| line == "* SEARCH 1 3"), "{found:?}");
}

/// Threats A01, live: in one segment, and between the answer and the handshake.
#[test]
fn what_stands_behind_starttls_is_never_run() {
    let server = Server::start("lmtp-injected");
    for (first, second) in [
        ("STARTTLS\r\nMAIL FROM:<a@b>\r\n", ""),
        ("STARTTLS\r\n", "MAIL FROM:<a@b>\r\n"),
    ] {
        let mut client = greeted(&server);
        client.send(first.as_bytes());
        let answer = client.line();
        assert_eq!(answer.starts_with("220 "), !second.is_empty(), "{answer}");
        client.send(second.as_bytes());
        let mut said = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client.stream, &mut said);
        assert!(!said.windows(4).any(|window| window == b"250 "), "{said:?}");
    }
    assert!(server.deliver(b"Subject: x\r\n\r\n").starts_with("250 "));
}

fn greeted(server: &Server) -> Client {
    let mut client = Client::connect(server.lmtp);
    client.say("LHLO test");
    client.until("250 ");
    client
}

#[test]
fn the_size_is_that_of_the_section() {
    let server = Server::start_with("lmtp-size", "[lmtp]\nmax_message_size = 2000\n");
    let mut client = Client::connect(server.lmtp);
    client.say("LHLO test");
    assert!(client.until("250 ").iter().any(|line| line == "250 SIZE 2000"));
    client.say("MAIL FROM:<a@b> SIZE=2001");
    assert!(client.line().starts_with("552 5.3.4"));
    let mail = |octets: usize| format!("Subject: x\r\n\r\n{}", "x".repeat(octets - 16));
    assert!(server.deliver(mail(2000).as_bytes()).starts_with("250 "));
    assert!(server.deliver(mail(2001).as_bytes()).starts_with("552 5.3.4"));
}

/// Mode, user and group of a file.
fn whose(path: &Path) -> (u32, u32, u32) {
    let file = fs::symlink_metadata(path).unwrap();
    (file.mode() & 0o7777, file.uid(), file.gid())
}

/// A group that this process may give files to, other than its own if there is one.
fn group(server: &Server) -> u32 {
    let ours = fs::metadata(&server.folder).unwrap();
    if ours.uid() == 0 { 23_456 } else { ours.gid() }
}

#[test]
fn the_socket_is_its_groups_alone_under_any_umask() {
    let mut server = Server::start("lmtp-mode");
    server.stop();
    let group = group(&server);
    let config = fs::read_to_string(server.folder.join("config.ini")).unwrap();
    let socket = server.folder.join("door/lmtp.sock");
    let moved = config.replace(server.socket().to_str().unwrap(), socket.to_str().unwrap());
    fs::write(
        server.folder.join("config.ini"),
        format!("{moved}\n[lmtp]\nsocket_group = {group}\n"),
    )
    .unwrap();
    let us = fs::metadata(&server.folder).unwrap().uid();
    for umask in ["000", "077", "027"] {
        let _ = fs::remove_dir_all(socket.parent().unwrap());
        let mut child = Command::new("sh")
            .args(["-c", "umask $0; exec \"$@\"", umask, crate::BINARY, "--config"])
            .arg(server.folder.join("config.ini"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        assert!(out.lines().any(|line| line.unwrap().contains("Ready.")));
        let made = (whose(socket.parent().unwrap()), whose(&socket));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(made, ((0o750, us, group), (0o660, us, group)), "umask {umask}");
    }
}

#[test]
fn a_live_socket_is_not_stolen() {
    let server = Server::start("lmtp-stolen");
    let before = fs::metadata(server.socket()).unwrap().ino();
    let (started, said) = second(&server, &format!("socket = {}\n", server.socket().display()));
    assert!(
        !started && said.contains("another server serves this socket"),
        "{said}"
    );
    assert_eq!(fs::metadata(server.socket()).unwrap().ino(), before);
    python(
        &server,
        "with smtplib.LMTP(socket) as client: client.sendmail('a@b.c', [user], 'Subject: x\\r\\n\\r\\n')",
    );
}

#[test]
fn a_group_that_is_not_there_is_told_with_the_remedy() {
    let server = Server::start("lmtp-group");
    let (started, said) = second(&server, "socket_group = no-such-group\n");
    assert!(!started, "{said}");
    assert!(
        said.contains("[lmtp] cannot listen on") && said.contains("groupadd --system no-such-group"),
        "{said}"
    );
}

/// Starts another server that has LMTP alone, and what it said if it did not stay.
fn second(server: &Server, lmtp: &str) -> (bool, String) {
    let folder = server.folder.join("second");
    fs::create_dir_all(&folder).unwrap();
    let config = format!(
        "[server]\ndata_dir = {}/data\n[imap]\nenabled = no\n[pop3]\nenabled = no\n[smtp_server]\nenabled = no\n[lmtp]\nport = off\n{lmtp}",
        folder.display()
    );
    let file = folder.join("config.ini");
    fs::write(&file, config).unwrap();
    run_with(
        Command::new("timeout")
            .args(["30", crate::BINARY, "--config"])
            .arg(file),
        b"",
    )
}
