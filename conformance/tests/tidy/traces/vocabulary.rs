//! What the code can say, from its own tables and from what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lightmail_core::config::{Config, Plaintext};
use lightmail_core::machine::{Machine, Peer, Seed};
use lightmail_core::pair::World;
use lightmail_core::{imap, lmtp, pop3, smtp};

use crate::rust;

/// Whatever the code's tables hold, by kind.
pub fn vocabulary() -> BTreeMap<&'static str, BTreeSet<String>> {
    let reply =
        |reply: &smtp::words::Reply| format!("{} {}", reply.code, reply.enhanced).trim_end().to_owned();
    BTreeMap::from([
        ("command", imap::commands().collect()),
        (
            "code",
            imap::CODES.iter().map(|code| (*code).to_owned()).collect(),
        ),
        ("untagged", untagged()),
        ("capability", capabilities()),
        ("verb", smtp::verbs().map(str::to_owned).collect()),
        ("reply", smtp::words::ALL.iter().map(reply).collect()),
        ("keyword", keywords()),
        ("pop-command", pop3::verbs().map(str::to_owned).collect()),
        ("pop-code", pop_codes()),
        (
            "pop-capability",
            pop3::capability_tags().map(str::to_owned).collect(),
        ),
    ])
}

/// The untagged responses that the sources write: `* WORD` and `* {number} WORD`.
fn untagged() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in rust::sources("core/src/imap").filter(|source| !source.is_test()) {
        for (_, literal) in source.without_tests().literals {
            let mut words = literal.split(' ');
            if words.next() == Some("*") {
                let capitals =
                    |word: &&str| word.len() > 1 && word.bytes().all(|octet| octet.is_ascii_uppercase());
                found.extend(
                    words
                        .map(|word| word.trim_end_matches('"'))
                        .find(capitals)
                        .map(str::to_owned),
                );
            }
        }
    }
    found
}

/// The response codes that POP3's words have.
fn pop_codes() -> BTreeSet<String> {
    let codes = pop3::words::ALL.iter().map(|reply| reply.code.to_owned());
    codes.filter(|code| !code.is_empty()).collect()
}

fn peer() -> Peer {
    Peer {
        address: Some([127, 0, 0, 1].into()),
        tls: None,
    }
}

/// What a new conversation says to `sent`.
fn answer(world: &mut World, machine: impl Machine + 'static, sent: &str) -> Vec<String> {
    let talk = world.join(machine);
    world.feed(talk, sent.as_bytes());
    let said = String::from_utf8_lossy(&world.take(talk)).into_owned();
    said.lines().map(str::to_owned).collect()
}

/// The capabilities before and after log-in, with and without TLS to be had, with passwords taken and refused, with literals of any
/// size and with small ones. A number behind a name is none of its own.
fn capabilities() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for tls in [false, true] {
        for plaintext in [Plaintext::Always, Plaintext::Never] {
            let settings = imap::Settings {
                tls,
                plaintext,
                literal_plus: !tls,
                ..imap::Settings::from_config(&Config::default())
            };
            let session = imap::Session::new(peer(), Arc::new(settings), Seed::new([1; 32]));
            let mut world = World::new();
            world.create_account("user@example.com", "secret");
            let sent = "a CAPABILITY\r\nb LOGIN user@example.com secret\r\nc CAPABILITY\r\n";
            for line in answer(&mut world, session, sent) {
                let told = line.strip_prefix("* CAPABILITY ").unwrap_or_default();
                found.extend(told.split_whitespace().map(|word| name(word).to_owned()));
            }
        }
    }
    found
}

/// A capability without a number that stands behind it.
fn name(capability: &str) -> &str {
    match capability.split_once('=') {
        Some((name, value)) if value.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => capability,
    }
}

/// The keywords of the extensions that LHLO is answered with.
fn keywords() -> BTreeSet<String> {
    let (config, seed) = (Config::default(), || Seed::new([1; 32]));
    let lmtp = lmtp::session(peer(), Arc::new(smtp::Settings::lmtp(&config)), seed());
    let settings = Arc::new(smtp::Settings::submission(&config));
    let submission = smtp::submission::session(peer(), settings, seed());
    [
        (lmtp, "LHLO client.example\r\n"),
        (submission, "EHLO client.example\r\n"),
    ]
    .into_iter()
    .flat_map(|(session, hello)| {
        // The first line is the greeting, the second our name.
        let lines = answer(&mut World::new(), session, hello).into_iter().skip(2);
        lines.filter_map(|line| line.get(4..)?.split(' ').next().map(str::to_owned))
    })
    .collect()
}
