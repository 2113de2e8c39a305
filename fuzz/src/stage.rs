//! A world with a few accounts and messages, and sessions in it.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use lightmail_core::machine::{Peer, Seed};
use lightmail_core::pair::{Talk, World};
use lightmail_core::store::{Flag, Flags, MailboxName};
use lightmail_core::{imap, lmtp, smtp};

use crate::record::{Record, Recorder};

/// Who logs in.
pub const LOGIN: &str = "user@example.com";
/// Who else has an account.
pub const OTHER: &str = "other@example.com";

const MESSAGES: [&str; 3] = [
    "From: a@example.com\r\nTo: user@example.com\r\nSubject: hello\r\n\r\nHello\r\n",
    "Subject: =?utf-8?q?=C3=84rger?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
     --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw4RyZ2Vy\r\n\
     --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\nTo: in@ner\r\n\r\ninnermost\r\n--b--\r\n",
    "",
];

/// An account whose INBOX holds three messages, and another one.
pub fn world() -> World {
    let mut world = World::new();
    let account = world.create_account(LOGIN, "secret");
    world.create_account(OTHER, "x");
    for (message, flags) in MESSAGES
        .iter()
        .zip([Flags::NONE, Flag::Seen.into(), Flag::Deleted.into()])
    {
        let appended = world.append(account, &MailboxName::inbox(), flags, message.as_bytes());
        assert!(appended.is_ok(), "{appended:?}");
    }
    world
}

/// An IMAP session of the seed that is told from others by `name`.
pub fn imap(name: u8, settings: imap::Settings) -> imap::Session {
    let peer = Peer {
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        tls: None,
    };
    imap::Session::new(peer, Arc::new(settings), Seed::new([name; 32]))
}

/// An LMTP session whose messages may have 4,000 octets.
pub fn lmtp() -> smtp::Server {
    let peer = Peer {
        address: None,
        tls: None,
    };
    let settings = smtp::Settings {
        hostname: "example.com".to_owned(),
        message_size_max: 4_000,
        recipients_max: 5,
        ..smtp::Settings::default()
    };
    lmtp::session(peer, Arc::new(settings), Seed::new([1; 32]))
}

/// Begins a session whose record is kept.
pub fn join(
    world: &mut World,
    machine: impl lightmail_core::machine::Machine + 'static,
) -> (Talk, Rc<RefCell<Record>>) {
    let (recorder, record) = Recorder::new(machine);
    (world.join(recorder), record)
}

/// What holds for a session and the store behind it, wherever it stands; then the peer goes, and so does the session.
pub fn sound(world: &mut World, talk: Talk) {
    let peaks = world
        .conversation(talk)
        .map(|one| one.peaks())
        .unwrap_or_default();
    // One question at a time, and a confirmation that nobody waits for.
    assert!(peaks.effects <= 2, "{} effects at once", peaks.effects);
    assert!(peaks.uploads <= 1, "{} uploads at once", peaks.uploads);
    assert!(peaks.send <= SEND_MAX, "{} octets in one piece", peaks.send);
    let findings = world.check();
    assert!(findings.is_empty(), "{findings:?}");
    world.close(talk);
    assert!(world.is_over(talk), "the peer is gone, the session is not");
    let findings = world.check();
    assert!(findings.is_empty(), "after the end: {findings:?}");
}

/// Octets that a session may say at once: a page of FETCH, with what a message index may hold.
const SEND_MAX: usize = 512 << 10;
