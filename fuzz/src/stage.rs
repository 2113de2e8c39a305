//! A world with a few accounts and messages, and sessions in it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use lightmail_core::greet::Greet;
use lightmail_core::machine::{self, Machine, Peer, Seed};
use lightmail_core::pair::{Talk, World};
use lightmail_core::store::{Flag, Flags, MailboxName};
use lightmail_core::{imap, lmtp, pop3, smtp};

use crate::record::Recorder;

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
    imap::Session::new(local(), Arc::new(settings), Seed::new([name; 32]))
}

/// An LMTP session whose messages may have 4,000 octets.
pub fn lmtp() -> smtp::Server {
    lmtp::session(UNIX, Arc::new(lmtp_settings()), Seed::new([1; 32]))
}

fn lmtp_settings() -> smtp::Settings {
    smtp::Settings {
        hostname: "example.com".to_owned(),
        message_size_max: 4_000,
        recipients_max: 5,
        ..smtp::Settings::default()
    }
}

const UNIX: Peer = Peer {
    address: None,
    tls: None,
};

fn local() -> Peer {
    Peer {
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        tls: None,
    }
}

/// A session whose record is kept.
pub type Recorded = Recorder<Box<dyn Machine + Send>>;

/// Begins the session of [`imap`] with the name 1, recorded.
pub fn join_imap(world: &mut World) -> (Talk, Recorded) {
    let greet = Greet::imap(imap::Settings::default());
    join(world, greet.recorded(local(), Seed::new([1; 32]), usize::MAX))
}

/// The POP3 session of the name 1.
pub fn pop3() -> pop3::Session {
    pop3::Session::new(local(), Arc::new(pop3::Settings::default()), Seed::new([1; 32]))
}

/// Begins the session of [`pop3()`], recorded.
pub fn join_pop3(world: &mut World) -> (Talk, Recorded) {
    let greet = Greet::pop3(pop3::Settings::default());
    join(world, greet.recorded(local(), Seed::new([1; 32]), usize::MAX))
}

/// Begins the session of [`lmtp`], recorded.
pub fn join_lmtp(world: &mut World) -> (Talk, Recorded) {
    let greet = Greet::lmtp(lmtp_settings());
    join(world, greet.recorded(UNIX, Seed::new([1; 32]), usize::MAX))
}

/// Another server's session of the same settings.
pub fn smtp() -> smtp::Server {
    smtp::mx::session(local(), Arc::new(lmtp_settings()), Seed::new([1; 32]))
}

/// A user's session of the same settings.
pub fn submission() -> smtp::Server {
    smtp::submission::session(local(), Arc::new(lmtp_settings()), Seed::new([1; 32]))
}

/// Begins an SMTP session of another server, recorded.
pub fn join_smtp(world: &mut World) -> (Talk, Recorded) {
    let greet = Greet::mx(lmtp_settings());
    join(world, greet.recorded(local(), Seed::new([1; 32]), usize::MAX))
}

/// Begins a submission session, recorded.
pub fn join_submission(world: &mut World) -> (Talk, Recorded) {
    let greet = Greet::submission(lmtp_settings());
    join(world, greet.recorded(local(), Seed::new([1; 32]), usize::MAX))
}

fn join(world: &mut World, machine: machine::Recorded<Box<dyn Machine + Send>>) -> (Talk, Recorded) {
    let recorder = Recorder::new(machine);
    (world.join(recorder.clone()), recorder)
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
