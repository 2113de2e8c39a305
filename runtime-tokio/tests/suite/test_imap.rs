//! `test_imap.sh`, the operator's test of a live server: it passes here, each way in, and fails where a server does.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Server, USER, eventually, run};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../test_imap.sh");

fn script(port: u16, more: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command
        .args([
            SCRIPT,
            "--server",
            "localhost",
            "--port",
            &port.to_string(),
            "--user",
            USER,
        ])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end: its status, the table, and what it says besides.
fn outcome(server: &Server, port: u16, more: &[&str]) -> (i32, String, String) {
    let output = script(port, more)
        .env("IMAP_PASSWORD", &server.password)
        .output()
        .unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The mailboxes that it has made and that are there now.
fn left(server: &Server) -> usize {
    let mut client = server.logged_in();
    let count = |lines: Vec<String>| lines.iter().filter(|line| line.contains("imap-test")).count();
    count(client.ok("LIST \"\" *")) + count(client.ok("LSUB \"\" *"))
}

#[test]
fn all_that_is_offered_works_in_the_clear_and_through_tls() {
    let server = Server::start("test-imap");
    let file = server.certificate();
    let certificate = file.to_str().unwrap();
    let ways: [(u16, &[&str]); 3] = [
        (server.imap, &["--no-ssl", "-v"]),
        (server.imaps, &["--ssl", "--cacert", certificate]),
        (server.imap, &["--starttls", "--cacert", certificate]),
    ];
    for (port, way) in ways {
        let (status, table, said) = outcome(&server, port, way);
        assert_eq!(status, 0, "{way:?}\n{table}\n{said}");
        assert!(
            table.contains(" ok, 0 failed, ") && !table.contains("not tried"),
            "{way:?}\n{table}"
        );
        assert_eq!(
            said.contains("LOGIN user@example.com ***"),
            way.contains(&"-v"),
            "{said}"
        );
        assert!(!said.contains(&server.password), "the dialogue is masked");
        assert_eq!(left(&server), 0, "{way:?}");
    }
}

#[test]
fn a_certificate_that_is_not_trusted_and_a_wrong_password_end_it_before_it_begins() {
    let server = Server::start("test-imap-not");
    let wrong = |port, way: &[&str], word: &str| {
        let (status, table, said) = outcome(&server, port, way);
        assert!(
            status == 2 && table.is_empty() && said.contains(word),
            "{status} {said}"
        );
    };
    wrong(server.imaps, &["--ssl"], "self-signed certificate");
    wrong(server.imap, &["--starttls"], "self-signed certificate");
    wrong(server.imap, &["--no-ssl", "--user", "nobody"], "cannot log in");
    wrong(server.imap, &["--no-ssl", "--port", "x"], "expected a number");
    wrong(server.imap, &["--no-ssl", "--verbos"], "unknown option --verbos");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    wrong(port, &["--no-ssl", "--timeout", "1"], "no answer within 1 s");
    drop(silent);
    wrong(port, &["--no-ssl"], "refused");
}

/// A port that leads to the server's IMAP: each line that the server says goes through `change`, and is not told where that is `None`.
/// STARTTLS is not offered: what follows it has no lines.
fn between(server: &Server, change: fn(String) -> Option<String>) -> u16 {
    let (listener, imap) = (TcpListener::bind("127.0.0.1:0").unwrap(), server.imap);
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", imap)).unwrap();
            let (mut up, mut down) = (client.try_clone().unwrap(), client);
            let mut to_server = server.try_clone().unwrap();
            thread::spawn(move || {
                let _ = std::io::copy(&mut up, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let mut lines = BufReader::new(server);
                let mut line = Vec::new();
                while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
                    let Some(said) = change(String::from_utf8_lossy(&line).replace(" STARTTLS", "")) else {
                        continue;
                    };
                    line.clear();
                    if down.write_all(said.as_bytes()).is_err() {
                        return;
                    }
                }
                let _ = down.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

/// What a broken server says instead, and the feature that is found wrong by it.
const LIES: &[(&str, &str, &str)] = &[
    ("* SEARCH 1 3\r", "* SEARCH 1 2\r", "SEARCH"),
    ("[COPYUID ", "[COPIED ", "UIDPLUS"),
    ("Feature test 1\" ((", "Feature test 1\" NIL ((", "FETCH ENVELOPE"),
    (
        "\"name\" \"hello.bin\"",
        "\"name\" \"hello.exe\"",
        "FETCH BODYSTRUCTURE",
    ),
    ("[READ-ONLY]", "[READ-WRITE]", "EXAMINE"),
    ("BINARY.SIZE[2] 13", "BINARY.SIZE[2] 20", "BINARY"),
    ("MAILBOXID (F", "MAILBOXID F(", "OBJECTID"),
    ("\\HasChildren", "\\HasNoChildren", "CHILDREN"),
    ("* BYE", "* OK", "LOGOUT"),
];

#[test]
fn a_server_that_answers_wrongly_fails() {
    let server = Server::start("test-imap-lies");
    let port = between(&server, |line| {
        let lie = |line: String, (truth, lie, _): &(&str, &str, &str)| line.replace(truth, lie);
        Some(LIES.iter().fold(line, lie))
    });
    let (status, table, said) = outcome(&server, port, &["--no-ssl"]);
    assert_eq!(status, 1, "{table}\n{said}");
    let row = |name: &str| {
        let lines = table.lines();
        lines
            .filter_map(|line| line.split_at_checked(24))
            .find(|(feature, _)| feature.trim() == name)
    };
    for (_, _, name) in LIES {
        let (_, found) = row(name).unwrap_or_else(|| panic!("{name} is not in\n{table}"));
        assert!(found.starts_with(" FAIL  "), "{name}: {found}");
    }
    let failed = table.matches(" FAIL  ").count();
    assert_eq!(
        failed,
        LIES.len(),
        "each is found where it is, and nowhere else:\n{table}"
    );
    assert!(table.contains(&format!(" ok, {failed} failed, ")), "{table}");
    assert_eq!(left(&server), 0);
}

#[test]
fn a_server_that_falls_silent_does_not_hold_it() {
    let server = Server::start("test-imap-silent");
    let port = between(&server, |line| {
        (!line.contains(" EXISTS")).then_some(line.replace("OK [READ-WRITE]", "?"))
    });
    let begun = Instant::now();
    let (status, table, said) = outcome(&server, port, &["--no-ssl", "--timeout", "1"]);
    assert_eq!(status, 1, "{table}\n{said}");
    assert!(table.contains("no answer within 1 s after SELECT"), "{table}");
    assert!(table.contains("not tried: 3 connections were lost"), "{table}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn a_signal_leaves_no_mailbox_and_the_password_is_not_shown() {
    let server = Server::start("test-imap-signal");
    let mut child: Child = script(server.imap, &["--no-ssl", "--password", &server.password])
        .spawn()
        .unwrap();
    eventually("the mailbox", || left(&server) > 0);
    let shown = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(
        shown.contains("--no-ssl") && !shown.contains(&server.password),
        "{shown}"
    );
    run(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(left(&server), 0);
}
