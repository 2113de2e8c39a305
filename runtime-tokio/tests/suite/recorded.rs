//! Sessions of real clients, recorded before a live server, are the same when they are replayed in the core; no password is in them.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Server, USER, run};
use lightmail_conformance::Transcript;
use lightmail_conformance::record::{Recorder, serve};
use lightmail_conformance::replay::replay;
use lightmail_conformance::transcript::Protocol;

/// A recorder before the server: the port where it listens, and its file.
fn record(server: &Server, protocol: Protocol, name: &str) -> (u16, PathBuf) {
    let output = server.folder.join(name);
    let port = match protocol {
        Protocol::Imap => server.imap,
        Protocol::Lmtp => server.lmtp,
        Protocol::Pop3 => server.pop3,
        Protocol::Smtp => server.smtp,
        Protocol::Submission => server.submission,
    };
    let recorder = Recorder {
        to: format!("127.0.0.1:{port}"),
        protocol,
        output: output.clone(),
        given: vec![],
        literal: false,
        patience: Duration::from_secs(10),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(&listener, recorder, |_| {}));
    (port, output)
}

/// Waits for a record's end, and replays it.
fn replayed(file: &PathBuf, password: &str, commands: &[&str]) {
    let until = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.ends_with("closes\n") {
            break text;
        }
        assert!(Instant::now() < until, "the record does not end:\n{text}");
        thread::yield_now();
    };
    assert!(!text.contains(password), "{text}");
    for command in commands {
        assert!(text.contains(command), "{command} is not in\n{text}");
    }
    let transcript = Transcript::parse("record", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let replay = replay(&transcript);
    assert!(
        replay.differences() == 0 && replay.broken.is_none(),
        "{replay}\nof\n{text}"
    );
}

#[test]
fn a_recorded_session_of_curl_is_the_same_in_the_core() {
    let server = Server::start("recorded-curl");
    let message = server.folder.join("message.eml");
    fs::write(&message, "Subject: $work  # one\r\n\r\nhello\r\n").unwrap();
    let curl = |port: u16, path: &str, more: &[&str]| {
        run(Command::new("curl")
            .args([
                "-sS",
                "--noproxy",
                "*",
                "-u",
                &format!("{USER}:{}", server.password),
            ])
            .args(more)
            .arg(format!("imap://127.0.0.1:{port}/{path}")))
    };
    let (port, file) = record(&server, Protocol::Imap, "list.txt");
    curl(port, "", &[]);
    replayed(&file, &server.password, &["AUTHENTICATE PLAIN", "LIST"]);
    let (port, file) = record(&server, Protocol::Imap, "login.txt");
    curl(
        port,
        "INBOX",
        &["--login-options", "AUTH=LOGIN", "-X", "EXAMINE Sent"],
    );
    replayed(&file, &server.password, &["AUTHENTICATE LOGIN", "EXAMINE Sent"]);
    let (port, file) = record(&server, Protocol::Imap, "append.txt");
    curl(port, "Drafts", &["-T", message.to_str().unwrap()]);
    replayed(&file, &server.password, &["APPEND Drafts", "C: hello"]);
}

#[test]
fn a_recorded_session_of_imaplib_is_the_same_in_the_core() {
    let server = Server::start("recorded-imaplib");
    let (port, file) = record(&server, Protocol::Imap, "session.txt");
    let script = format!(
        r#"
import imaplib
c = imaplib.IMAP4("127.0.0.1", {port})
c.login("{USER}", "{password}")
for n in range(3):
    c.append("INBOX", r"(\Seen)", imaplib.Time2Internaldate(1000000000), b"Subject: %d\r\n\r\nbye\r\n" % n)
assert c.select("INBOX") == ("OK", [b"3"])
assert c.fetch("1:*", "(UID FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE BODY.PEEK[])")[0] == "OK"
assert c.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
assert c.uid("COPY", "2:3", "Archive")[0] == "OK"
assert c.search(None, "SUBJECT", '"2"') == ("OK", [b"3"])
assert c.expunge()[0] == "OK"
assert c.status("Archive", "(MESSAGES UIDNEXT UIDVALIDITY)")[0] == "OK"
assert c.create("a/b")[0] == "OK"
assert c.select("Archive") == ("OK", [b"2"])
c.logout()
"#,
        password = server.password,
    );
    run(Command::new("python3").args(["-c", &script]));
    replayed(&file, &server.password, &["LOGIN", "ENVELOPE", "COPYUID $v"]);
}

#[test]
fn a_recorded_delivery_is_the_same_in_the_core() {
    let server = Server::start("recorded-lmtp");
    let (port, file) = record(&server, Protocol::Lmtp, "session.txt");
    run(Command::new("swaks")
        .args([
            "--protocol",
            "LMTP",
            "--from",
            "sender@example.org",
            "--to",
            USER,
            "--body",
            ".dots and $words",
        ])
        .args(["--server", "127.0.0.1", "--port", &port.to_string()]));
    replayed(&file, &server.password, &["DATA", "250 2.1.5 ..."]);
}
