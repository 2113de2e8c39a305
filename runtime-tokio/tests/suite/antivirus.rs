//! A real clamd beside the server: what it finds in mail that comes in, and what happens without it.

use crate::common::clamd::{Clamd, NAME, infected};
use crate::common::{Client, Server, USER, eventually};

/// What the server answers to an APPEND of this message, and the lines before.
fn append(client: &mut Client, mailbox: &str, message: &[u8]) -> Vec<String> {
    client.say(&format!("x APPEND {mailbox} (\\Seen) {{{}+}}", message.len()));
    client.send(message);
    client.send(b"\r\n");
    client.until("x ")
}

/// How many messages a mailbox has; `None`: there is no such mailbox.
fn messages(client: &mut Client, mailbox: &str) -> Option<u32> {
    let lines = client.command(&format!("STATUS {mailbox} (MESSAGES)"));
    let (_, count) = lines.first()?.split_once("(MESSAGES ")?;
    count.trim_end_matches(')').parse().ok()
}

/// The bodies that the server keeps.
fn bodies(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("emails")).unwrap().count()
}

#[test]
fn what_is_infected_is_rejected() {
    let clamd = Clamd::start("reject", &[]);
    for section in [clamd.over_tcp(""), clamd.over_socket("")] {
        let server = Server::start_with("av-reject", &section);
        let refused = server.deliver(&infected("x"));
        assert_eq!(
            refused,
            format!("550 5.7.1 The message has a virus in it: {NAME}")
        );
        assert!(server.deliver(b"Subject: clean\r\n\r\n").starts_with("250 "));
        let mut client = server.logged_in();
        let refused = append(&mut client, "INBOX", &infected("x"));
        assert_eq!(
            refused,
            [format!("x NO [CANNOT] The message has a virus in it: {NAME}")]
        );
        let appended = append(&mut client, "INBOX", b"Subject: clean\r\n\r\n");
        assert!(appended[0].starts_with("x OK [APPENDUID "), "{appended:?}");
        assert_eq!(messages(&mut client, "INBOX"), Some(2));
        eventually("the bodies of what was refused are gone", || bodies(&server) == 2);
        let log = server.log();
        assert_eq!(log.matches("antivirus.found").count(), 2, "{log}");
        assert!(log.contains(NAME) && !log.contains("antivirus.failed"), "{log}");
    }
}

#[test]
fn what_is_infected_is_set_apart() {
    let clamd = Clamd::start("apart", &[]);
    let server = Server::start_with("av-apart", &clamd.over_socket("mode = quarantine"));
    let mut client = server.logged_in();
    assert_eq!(messages(&mut client, "Quarantine"), None);
    assert!(server.deliver(&infected("delivered")).starts_with("250 "));
    assert_eq!(messages(&mut client, "Quarantine"), Some(1));
    let appended = append(&mut client, "Drafts", &infected("appended"));
    assert!(appended[0].starts_with("x OK A virus was found"), "{appended:?}");
    assert_eq!(messages(&mut client, "Quarantine"), Some(2));
    assert_eq!(
        (messages(&mut client, "INBOX"), messages(&mut client, "Drafts")),
        (Some(0), Some(0))
    );
    let listed = client.ok("LSUB \"\" Quarantine");
    assert!(listed[0].ends_with(" Quarantine"), "{listed:?}");
}

#[test]
fn what_is_infected_is_tagged() {
    let clamd = Clamd::start("tag", &[]);
    let server = Server::start_with("av-tag", &clamd.over_tcp("mode = tag"));
    assert!(server.deliver(&infected("delivered")).starts_with("250 "));
    assert!(server.deliver(b"Subject: clean\r\n\r\n").starts_with("250 "));
    let mut client = server.logged_in();
    let appended = append(&mut client, "INBOX", &infected("appended"));
    assert!(appended[0].starts_with("x OK [APPENDUID "), "{appended:?}");
    client.ok("SELECT INBOX");
    let found = client.ok("SEARCH KEYWORD $Virus");
    assert_eq!(found[0], "* SEARCH 1 3");
}

/// A message that began while clamd was there, one that comes while it is away, and one when it is back.
#[test]
fn a_clamd_that_dies_is_told_and_asked_again() {
    let clamd = Clamd::start("dies", &[]);
    for (mode, answer) in [("tempfail", "451 4.3.0"), ("accept", "250 2.1.5")] {
        let section = clamd.over_socket(&format!("on_failure = {mode}"));
        let server = Server::start_with("av-dies", &section);
        let mut sender = Client::connect(server.lmtp);
        for line in [
            "LHLO test",
            "MAIL FROM:<a@b>",
            &format!("RCPT TO:<{USER}>"),
            "DATA",
        ] {
            sender.say(line);
            sender.until(if line == "DATA" { "354 " } else { "250 " });
        }
        // More than what waits in memory, so that clamd has seen some of it; and more than the sockets hold.
        let half = "a line of some octets\r\n".repeat(100_000);
        sender.send(half.as_bytes());
        clamd.kill();
        sender.send(half.as_bytes());
        sender.send(b".\r\n");
        let said = sender.line();
        assert!(said.starts_with(answer), "{mode}: {said}");
        assert!(server.deliver(b"Subject: away\r\n\r\n").starts_with(answer));
        let mut client = server.logged_in();
        let appended = append(&mut client, "INBOX", b"Subject: away\r\n\r\n");
        let expected = if mode == "accept" {
            "x OK"
        } else {
            "x NO [UNAVAILABLE]"
        };
        assert!(appended[0].starts_with(expected), "{appended:?}");
        let log = server.log();
        assert_eq!(log.matches("antivirus.failed").count(), 1, "{log}");
        clamd.start_again();
        assert!(server.deliver(&infected("back")).starts_with("550 5.7.1"));
        assert!(server.deliver(b"Subject: back\r\n\r\n").starts_with("250 "));
        let kept = if mode == "accept" { 4 } else { 1 };
        assert_eq!(messages(&mut client, "INBOX"), Some(kept));
        eventually("no body is left of what was refused", || {
            bodies(&server) == kept as usize
        });
    }
}

#[test]
fn a_message_longer_than_clamd_takes_is_not_scanned() {
    let clamd = Clamd::start("long", &[("LIGHTMAIL_CLAMD_MAX", "500K")]);
    let long = [
        &infected("long")[..],
        &b"a line of some octets\r\n".repeat(100_000),
    ]
    .concat();
    let server = Server::start_with("av-long", &clamd.over_tcp(""));
    assert!(server.deliver(&long).starts_with("451 4.3.0"));
    assert!(
        server.log().contains("raise StreamMaxLength in clamd.conf"),
        "{}",
        server.log()
    );
    let server = Server::start_with("av-long", &clamd.over_tcp("on_failure = accept"));
    assert!(server.deliver(&long).starts_with("250 "));
    assert!(server.deliver(&infected("short")).starts_with("550 5.7.1"));
}
